"""What a case says, as values: the cluster, its queues and jobs, and what is expected of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from powertrain_scheduler.snapshot import PodClass, Preemption, SubGroup, Taint, Topology

STAGES = ("allocate", "reclaim", "preempt", "evict", "consolidate", "settled")
OUTCOMES = (
    "placed",
    "waits_for_release",
    "moved",
    "evicted",
    "running",
    "leaving",
    "waiting",
    "finished",
)
UNIVERSAL, POLICY = "universal", "policy"
STATES = ("running", "starting", "terminating", "finished")


@dataclass(frozen=True)
class Node:
    name: str
    gpus: int
    cpu: int | None
    """Thousandths of a core; None: more than anybody asks for."""
    memory: int | None
    """Bytes; None: more than anybody asks for."""
    max_pods: int | None
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    ready: bool
    cordoned: bool


@dataclass(frozen=True)
class Limits:
    """Of one kind (gpus, cpu, memory), in units of the core; None: nothing is said."""

    quota: float | None
    limit: float | None


@dataclass(frozen=True)
class Queue:
    name: str
    amounts: Mapping[str, Limits]
    weight: int
    priority: int
    parent: str | None
    evicts: Preemption


@dataclass(frozen=True)
class Pods:
    """Equal pods of a job."""

    count: int
    pod_class: PodClass
    part: str
    """The subgroup or role they belong to; empty for none."""
    on: str | None
    device: str
    state: str
    preemptible: bool
    priority: int


@dataclass(frozen=True)
class Job:
    name: str
    queue: str | None
    priority: int
    preemptible: bool
    created: float
    least: int | None
    """Pods it needs at least; None: all, or what its parts need."""
    pods: tuple[Pods, ...]
    parts: tuple[SubGroup, ...]
    min_subgroups: int | None
    topology: Topology
    runtime: float | None
    """Seconds it runs once started; None: it does not end."""


@dataclass(frozen=True)
class Where:
    """What is expected of the nodes of some pods of a job; None asks for nothing."""

    pods: int | None = None
    nodes: frozenset[str] | None = None
    same_domain: str | None = None
    """All in one domain of this level."""
    per_node: Mapping[tuple[str, str], int] | None = None
    """Pods by (part, node); the part is empty where all parts are counted together."""
    per_domain: Mapping[tuple[str, str, str], int] | None = None
    """Pods by (level, part, domain)."""


@dataclass(frozen=True)
class Expected:
    """What is expected of one job."""

    outcome: str
    where: Where
    """Of the pods that are placed, moved or waited for with room; of evicted ones only how many."""
    by_part: Mapping[str, int]
    """How many of these belong to which part; parts that are not named do not matter."""


@dataclass(frozen=True)
class Case:
    id: str
    family: str
    """The file's name without its ending."""
    stage: str
    levels: tuple[str, ...]
    """Topology level keys, widest first."""
    nodes: tuple[Node, ...]
    queues: tuple[Queue, ...]
    jobs: tuple[Job, ...]
    kind: str
    expected: Mapping[str, Expected]
    """By job."""
    interchangeable: tuple[tuple[str, ...], ...]
    """Jobs that may swap what is expected of them."""
    prefers: Mapping[str, Where]
    """By job, what would be even better."""
