"""Queues, their quotas and their rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Quota:
    """Amount of one quota kind (see `Queue.quotas`) that a queue may hold; of devices also parts, in thousandths."""

    nominal: float
    """Its own: what it can claim back from borrowers."""
    borrowing_limit: float | None = None
    """Most it may hold beyond `nominal` while others leave it idle; None: no bound."""
    lending_limit: float | None = None
    """Most of `nominal` that others may borrow; None: all of it."""


@dataclass(frozen=True, slots=True)
class Preemption:
    """Whom groups of a queue may evict to get what they need."""

    within: Literal["lower", "never"] = "lower"
    """In the queue itself: groups of strictly lower priority, or nobody."""
    across: Literal["any", "lower", "never"] = "any"
    """Borrowers among other queues, when claiming what is the queue's own: whatever their priority, those
    of strictly lower priority, or nobody."""
    borrowing: int | None = None
    """Even while the queue borrows: borrowers of other queues up to this priority and below the
    claimant's own; None: nobody."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A tenant's line. Its quota covers its whole subtree. What has no entry is not limited."""

    name: str
    parent: str | None = None
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    """By quota kind: an accelerator's name (devices), `cpu` (thousandths of a core) or `memory` (bytes)."""
    weight: int = 1
    """Share of the surplus (what nobody owns or uses) against its siblings'."""
    created: float = 0.0
    order: Literal["oldest", "shortest"] = "oldest"
    """Of its own groups of one priority, who is first: the oldest; or the one that waits longest for what
    it will run, so that short work goes ahead and long work's turn comes all the same."""
    priority: int = 0
    """Siblings of higher priority are served first, whatever anybody's share."""
    preemption: Preemption = Preemption()
    minimum_runtime: float = 0.0
    """Seconds that its groups run at least before they may be evicted."""
    max_running: int | None = None
    """Most groups of its subtree that hold nodes at once; None: no bound."""
    past_use: Mapping[str, float] = field(default_factory=dict)
    """By quota kind, the average amount that its subtree held over the past, older times counting less."""
