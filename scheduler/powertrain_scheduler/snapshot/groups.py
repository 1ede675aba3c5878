"""Pod groups: what of them waits, what runs, and what they ask of the fabric."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from powertrain_scheduler.snapshot.pods import PlacedPod, Pod

Objective = Literal["time", "balanced", "energy", "cost"]
"""What is least when a group may choose: when it is done, joules per unit of work, price per unit of
work; balanced weighs time and energy alike."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Pods come in blocks of `size`, in rank order; each block lies in one domain of the level `within`."""

    size: int
    within: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Level keys (node labels) that the pods ask for; None asks for nothing."""

    required: str | None = None
    """All pods in one domain of this level, or none starts."""
    preferred: str | None = None
    """One domain of this level if possible, else of the next wider one."""
    slices: tuple[Slice, ...] = ()
    """Widest level first; each slice's size divides that of the one before."""
    arrange: Literal["packed", "balanced", "spread"] | None = None
    """None: as the policy says. packed: the tightest domains are filled. balanced: the fewest domains needed, with about
    equally many pods each. spread: as many nodes as there are, with as few pods each."""


@dataclass(frozen=True, slots=True)
class SubGroup:
    """A part of a group, such as a role or a replica, that is all or nothing by itself.

    Parts nest: a part's pods are those that name it and those of its parts.
    """

    name: str
    min_member: int = 0
    """Pods of its own and of its parts that it needs at least; 0: what its parts need."""
    parent: str = ""
    """The part it belongs to; empty: the group."""
    min_subgroups: int | None = None
    """Parts of its own that it needs at least; None: all."""
    topology: Topology = Topology()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another shape the group would run in, with pods of its own that are made once it is chosen."""

    name: str
    min_member: int
    pods: tuple[Pod, ...]
    """In rank order."""
    speed: float = 1.0
    """Work per second of the whole group, relative to its other shapes."""
    topology: Topology = Topology()


@dataclass(frozen=True, slots=True)
class PodGroup:
    """A gang: at least `min_member` of its pods get nodes together, or none does."""

    name: str
    queue: str
    min_member: int
    created: float
    priority: int = 0
    waiting: tuple[Pod, ...] = ()
    """Pods without a node, in rank order."""
    placed: tuple[PlacedPod, ...] = ()
    """In rank order: when it shrinks, the last go first."""
    topology: Topology = Topology()
    preemptible: bool = True
    expected_seconds: float | None = None
    """How long it will run once started, as its owner says; None: unknown."""
    maximum_seconds: float | None = None
    """It is ended after this long; None: never."""
    started: float | None = None
    """When all its minimum held nodes."""
    excluded_nodes: frozenset[str] = frozenset()
    """Nodes that failed this group: it will not go there."""
    gated: int = 0
    """Pods that carry scheduling gates (not among `waiting`)."""
    nominated: tuple[str, ...] = ()
    """Nodes on which room is being made for it by evictions of an earlier cycle."""
    explicit: bool = True
    """False for a plain pod without a PodGroup object: a group of one."""
    exists: bool = True
    """False where pods name a group that is not there."""
    subgroups: tuple[SubGroup, ...] = ()
    min_subgroups: int | None = None
    """Outermost parts that it needs at least; None: all of them."""
    owner: str = ""
    """Whose estimates of run times are judged together; such as its namespace."""
    checkpoint_seconds: float | None = None
    """It saves its state this often; None: never, so that all work since its start is lost with it."""
    checkpointed: float | None = None
    """When it last saved its state, where that is known."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """By node, how often the node failed this group."""
    alternatives: tuple[Alternative, ...] = ()
    """Other shapes that would do; `waiting` is its present one."""
    shape: str = ""
    """Name of its present shape."""
    speed: float = 1.0
    """Of its present shape, relative to the alternatives."""
    chosen: str = ""
    """Name of the shape that an earlier cycle chose for it. Until its pods of that shape are there, `waiting`
    may be short; the room held for them is held on."""
    objective: Objective = "balanced"
    moved: float | None = None
    """When consolidation last moved pods of it; None: never."""
    since: float | None = None
    """Since when its oldest waiting pod has existed, where that is known."""
    moving: tuple[Pod, ...] = ()
    """Pods that were told to move, are gone, and have not been made anew yet: room is kept for them."""
