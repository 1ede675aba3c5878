"""What an operator of the cluster may choose about a cycle. Everything else follows from the objects."""

from dataclasses import dataclass
from typing import Literal

PACKINGS = (
    "powertrain", "random", "best-fit", "dotprod", "gpu-packing", "gpu-clustering", "fgd", "pwr", "pwr+fgd",
)  # fmt: skip
"""Our own packing, and those of the literature that `scores.packings` has to compare with."""


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
    patience_seconds: float = 3600.0
    """A group that has waited so long and is the first in its queue goes before all lines, and nodes are kept
    for it as they become free even where nobody knows when. Priorities and others' own quota go before that."""
    consolidate: bool = True
    """Running preemptible groups may be moved so that a group fits that waits for room."""
    moving_groups: int = 8
    """Most groups moved for one that waits."""
    move_seconds: float = 300.0
    """What a move costs a group beside its work since the last checkpoint: seconds of all its devices."""
    move_rest_seconds: float = 3600.0
    """A group that was moved is left where it is for so long."""
    packing: str = "powertrain"
    """How nodes are told apart that would all do: one of `PACKINGS`."""
    seed: int = 0
    """For the packing `random` alone."""
    arrange: Literal["packed", "balanced"] = "balanced"
    """How gangs that would rather lie together, but fill more than one domain, are arranged unless they say so
    themselves: balanced takes no more domains than packed does, but about as many pods in each. What not
    even one domain of the widest level holds is packed in any case."""
    past_use_weight: float = 0.0
    """How much queues' past use counts beside what they hold now when the next one is chosen; 0: not at all."""
    node_failures: int = 2
    """A node that failed a group this often is avoided for it."""
    nearest_changes: int = 8
    """Unlike waiting groups, the first in line, for which a cycle looks for the nearest change that would let them start."""
    tell: bool = True
    """Groups that wait are told why and until when. False, as replays of traces have it: not worked out."""
