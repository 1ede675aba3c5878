"""What an operator of the cluster may choose about a cycle. Everything else follows from the objects."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings of `decide()`; the defaults are what the placement process runs with."""

    reclaim: bool = True
    """A group within its queue's nominal quota may evict groups of queues that are over theirs."""
    preempt: bool = True
    """A group may evict groups of strictly lower priority in its own queue."""
    evicting_groups: int = 200
    """Most groups for which others are evicted in one cycle, so that a cycle stays short; the next goes on."""
    backfill: bool = True
    """The first group that waits for room gets a reservation, which later groups must not delay."""
    overrun_seconds: float = 60.0
    """Least time that work past its expected end is thought to need still; half the overrun if that is more."""
    estimate_searches: int = 3000
    """Most searches spent on estimated starts. The more unlike groups wait, the coarser the moments at
    which they are tried: estimates come later than the truth then, never earlier."""
