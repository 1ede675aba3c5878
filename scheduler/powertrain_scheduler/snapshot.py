"""The frozen world a cycle decides on.

Nodes are rows and resources are columns of int64 arrays; pods that are alike share one
`PodClass`, so that what holds for one is worked out once. Amounts are whole numbers: CPU in
thousandths of a core, memory and storage in bytes, everything else as counts.
Times are seconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PODS, CPU, MEMORY = "pods", "cpu", "memory"
"""Columns every node table has, first and in this order."""


@dataclass(frozen=True, slots=True)
class Taint:
    """A node's taint. Only `NoSchedule` and `NoExecute` keep pods away here."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True)
class Toleration:
    """A pod's toleration; an empty `key` with `Exists` tolerates all, an empty `effect` any."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One label rule: operator is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """Rules that must all hold: over labels, and over the node's name (`fields`)."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port claimed on the node; address `0.0.0.0` clashes with every address."""

    protocol: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class PodClass:
    """What makes pods interchangeable for placement. Two equal classes are decided once."""

    request: tuple[tuple[str, int], ...]
    """(resource, amount) sorted by resource; always holds (`pods`, 1)."""
    node_terms: tuple[NodeTerm, ...] = ()
    """Required node affinity: any one term suffices; empty means any node."""
    node_selector: tuple[tuple[str, str], ...] = ()
    """Labels the node must have, sorted."""
    preferred: tuple[tuple[int, NodeTerm], ...] = ()
    """Preferred node affinity: (weight 1-100, term)."""
    tolerations: tuple[Toleration, ...] = ()
    host_ports: tuple[HostPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A member of a group that waits for a node."""

    name: str
    pod_class: PodClass


@dataclass(frozen=True, slots=True)
class PlacedPod:
    """A member of a group that holds a node, or has just been given one (assumed)."""

    name: str
    pod_class: PodClass
    node: str
    leaving: bool = False
    """Being deleted: still counted as used, but about to be free."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Level keys (node labels) that the group asks for; None asks for nothing."""

    required: str | None = None
    """All pods in one domain of this level, or none starts."""
    preferred: str | None = None
    """One domain of this level if possible, else of the next wider one."""


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


@dataclass(frozen=True, slots=True)
class Quota:
    """Devices of one accelerator that a queue may hold."""

    nominal: int
    """Its own: what it can claim back from borrowers."""
    borrowing_limit: int | None = None
    """Most it may hold beyond `nominal` while others leave it idle; None: no bound."""
    lending_limit: int | None = None
    """Most of `nominal` that others may borrow; None: all of it."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A tenant's line. Its quota covers its whole subtree. Accelerators without an entry are not limited."""

    name: str
    parent: str | None = None
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    """By accelerator name."""
    weight: int = 1
    created: float = 0.0


@dataclass(frozen=True, slots=True)
class Power:
    """Watts of a pool's parts. Sources: the catalogue, or the pool's own figures."""

    device_idle: float
    device_active: float
    """One device under load."""
    host: float
    """One node without its devices, awake."""
    speed: float = 1.0
    """Work per second of one device, relative to others in the fleet (BF16 TFLOPS by default)."""
    sleeps: bool = False
    """Empty nodes are put to sleep, so that waking one costs its idle watts."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Nodes that carry one model of accelerator."""

    name: str
    accelerator: str
    resource: str
    """Extended resource name its devices are advertised as."""
    power: Power
    levels: tuple[str, ...] = ()
    """Topology level keys, widest first, e.g. (block label, rack label)."""


@dataclass(frozen=True, eq=False)
class NodeFacts:
    """What rarely changes of the nodes. `memo` keeps what the core works out from it, so it
    lives as long as the facts do; the same facts give the same answers."""

    names: tuple[str, ...]
    """Sorted; row i of every array is node `names[i]`."""
    resources: tuple[str, ...]
    """Column names; PODS, CPU, MEMORY first."""
    allocatable: NDArray[np.int64]
    """Shape (nodes, resources)."""
    schedulable: NDArray[np.bool_]
    """Ready, not cordoned, not being deleted."""
    labels: tuple[Mapping[str, str], ...]
    taints: tuple[tuple[Taint, ...], ...]
    pool: NDArray[np.int32]
    """Index into `Snapshot.pools`, -1 for none."""
    memo: dict[object, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of the cluster. Not compared as a whole: it holds arrays."""

    nodes: NodeFacts
    used: NDArray[np.int64]
    """Shape (nodes, resources): what all pods there request, of any scheduler, leaving ones included."""
    leaving: NDArray[np.int64]
    """Shape (nodes, resources): the part of `used` whose pods are being deleted."""
    host_ports: Mapping[str, frozenset[HostPort]]
    """By node name; nodes without claimed ports are left out."""
    pools: tuple[Pool, ...]
    queues: Mapping[str, Queue]
    groups: Mapping[str, PodGroup]
    """Waiting and running, by name."""
