"""What a cycle decided: bindings, evictions, waits and reservations, frozen and printable.

A plan holds names and numbers only, so that it can be compared, written down and replayed.
"""

from dataclasses import dataclass

from powertrain_scheduler.reasons import Reason


@dataclass(frozen=True, slots=True)
class Bind:
    """One pod gets one node."""

    group: str
    pod: str
    """Name as `namespace/name`, like every object's name here."""
    node: str
    devices: tuple[tuple[str, int], ...] = ()
    """Extended resources the pod takes there: (resource name, count), by name."""
    device: str = ""
    """Name of the device it gets a share of; a new name is a device that nobody had a share of."""


@dataclass(frozen=True, slots=True)
class Evict:
    """One running pod must leave so that `for_group` can start."""

    group: str
    pod: str
    for_group: str
    reason: str
    """`Reclaimed` (lent quota taken back), `Preempted` (lower priority, same queue) or `Consolidated` (moved)."""
    to: str = ""
    """Of a move, the node that is held for the pod to start on again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A group that holds fewer nodes than it needs, and why."""

    group: str
    reason: Reason
    message: str
    """One sentence with numbers, for the group's owner."""
    estimated_start: float | None = None
    """Seconds since the epoch; None where the running work does not say when it ends."""
    nearest: str = ""
    """The nearest change that would let it start, as a sentence; empty where none was looked for."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Nodes held for a group from `start` on; only work that ends before may use them.

    A start that is the cycle's own time: the group waits for pods to leave these nodes, and nobody
    else gets them.
    """

    group: str
    start: float
    nodes: tuple[str, ...]
    pods: tuple[tuple[str, str], ...] = ()
    """Of a room that is held from the cycle's own time on: which pod is to start on which of the nodes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A group that may run in several shapes is to take this one; its pods are to be made anew."""

    group: str
    shape: str
    """Name of an `Alternative`."""
    message: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A running group has members on nodes that no longer report."""

    group: str
    pods: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one cycle decided, each part in the order it was decided."""

    binds: tuple[Bind, ...] = ()
    evicts: tuple[Evict, ...] = ()
    waits: tuple[Wait, ...] = ()
    reserves: tuple[Reserve, ...] = ()
    choices: tuple[Choice, ...] = ()
    lost: tuple[Lost, ...] = ()
