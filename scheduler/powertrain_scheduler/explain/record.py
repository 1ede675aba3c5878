"""What a decision record says: frozen, printable, whole sentences with the figures they rest on."""

from dataclasses import dataclass
from enum import StrEnum

from powertrain_scheduler.changes import Change
from powertrain_scheduler.reasons import Reason


class Means(StrEnum):
    """What is tried for a group, in this order."""

    START = "Start"
    """Nodes that are free now."""
    AWAIT = "Await"
    """Nodes that pods are leaving already."""
    MOVE = "Move"
    """Running groups moved out of its way."""
    RECLAIM = "Reclaim"
    """Evicting what other queues hold beyond theirs."""
    PREEMPT = "Preempt"
    """Evicting lower priority in the own queue."""
    RESERVE = "Reserve"
    """A start later on, which nobody behind may delay."""


@dataclass(frozen=True, slots=True)
class Step:
    """One means, and how it ended."""

    means: Means
    done: bool
    message: str


@dataclass(frozen=True, slots=True)
class Way:
    """Changes that together would let the group start."""

    changes: tuple[Change, ...]
    message: str
    proved: bool
    """Whether the whole cycle was decided again with them, and the group started; else only the search for
    its nodes was, in the world as this cycle leaves it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a group is, or might be, and what that costs."""

    accelerators: tuple[str, ...]
    """Models of its nodes' devices; empty for nodes of no pool."""
    nodes: tuple[str, ...]
    domains: tuple[tuple[str, tuple[str, ...]], ...]
    """By level key, widest first, the domains it lies in."""
    borrowed: bool
    """Its queue holds more than its own with it."""
    joules: float
    """Watts added over the work its devices do; without devices, the watts."""
    idle_devices: int
    """Devices left free on its nodes."""
    idle_share: float
    """Share of the CPU and memory of its nodes that is left free."""


@dataclass(frozen=True, slots=True)
class Place:
    """Why a group gets these nodes and no others."""

    spot: Spot
    runner_up: Spot | None
    """What would have been chosen without the domain, or the nodes, that it got; None: nothing."""
    decided_by: str
    """`Only`, `Quota`, `Topology`, `Objective`, `Energy`, `Packing` or `Name`: the first in which the two differ."""
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about the decision on one group."""

    group: str
    queue: str
    priority: int
    outcome: str
    """`Starts`, `Waits`, `Runs` or `Stays` (nothing of it waits or runs)."""
    message: str
    reason: Reason | None = None
    """Why it waits."""
    estimated_start: float | None = None
    steps: tuple[Step, ...] = ()
    nearest: tuple[Way, ...] = ()
    place: Place | None = None
