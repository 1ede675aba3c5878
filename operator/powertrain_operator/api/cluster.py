"""The fields we read of the cluster's own objects, and of PodGroups where they come by the ten thousand.

Partial msgspec structs: what is not named here is skipped while decoding and costs no memory. They
are values: frozen, compared with `==`, and left out of garbage collection (`gc=False` is safe because
a decoded JSON tree has no cycles). Absent fields have the API's meaning of absent; times are aware
datetimes. Manifests that a person wrote are read by `from_manifest`, which takes what kubectl takes.

Where an object is written it is written as a plain dict; these structs only read.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from powertrain_operator.api.quantity import Quantity

T = TypeVar("T")


class _Read(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all structs here; each says `frozen` again for the type checker's sake."""


class OwnerReference(_Read, frozen=True):
    kind: str
    name: str
    uid: str
    controller: bool = False


class Metadata(_Read, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    deletion_grace_period_seconds: int | None = None
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()


class Condition(_Read, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    observed_generation: int = 0


class Named(_Read, frozen=True):
    """Any object of which only the metadata matters."""

    metadata: Metadata


# --- Pods


class SelectorRequirement(_Read, frozen=True):
    key: str
    operator: str
    values: tuple[str, ...] = ()


class NodeSelectorTerm(_Read, frozen=True):
    match_expressions: tuple[SelectorRequirement, ...] = ()
    match_fields: tuple[SelectorRequirement, ...] = ()


class NodeSelector(_Read, frozen=True):
    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()


class PreferredTerm(_Read, frozen=True):
    weight: int
    preference: NodeSelectorTerm


class NodeAffinity(_Read, frozen=True):
    required: NodeSelector | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )
    preferred: tuple[PreferredTerm, ...] = msgspec.field(
        default=(), name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class Affinity(_Read, frozen=True):
    node_affinity: NodeAffinity | None = None


class Toleration(_Read, frozen=True):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class ResourceRequirements(_Read, frozen=True):
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}

    def __hash__(self) -> int:
        return hash((frozenset(self.requests.items()), frozenset(self.limits.items())))


NO_RESOURCES = ResourceRequirements()


class ContainerPort(_Read, frozen=True):
    container_port: int = 0
    host_port: int = 0
    host_ip: str = msgspec.field(default="", name="hostIP")
    protocol: str = "TCP"


class Container(_Read, frozen=True):
    name: str = ""
    resources: ResourceRequirements = NO_RESOURCES
    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""
    """`Always` makes an init container a sidecar, whose requests count as long as the pod runs."""


class SchedulingGate(_Read, frozen=True):
    name: str


class PodSpec(_Read, frozen=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    node_name: str = ""
    scheduler_name: str = "default-scheduler"
    priority: int = 0
    node_selector: dict[str, str] = {}
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    overhead: dict[str, Quantity] = {}
    resources: ResourceRequirements | None = None
    """Pod-level resources; where given they take the place of the containers' for the same resource."""
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    host_network: bool = False


class Terminated(_Read, frozen=True):
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None


class Waiting(_Read, frozen=True):
    reason: str = ""
    message: str = ""


class ContainerState(_Read, frozen=True):
    terminated: Terminated | None = None
    waiting: Waiting | None = None


NO_STATE = ContainerState()


class ContainerStatus(_Read, frozen=True):
    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: ContainerState = NO_STATE
    last_state: ContainerState = NO_STATE


class PodCondition(_Read, frozen=True):
    """Without its times, so that most pods' conditions are equal and kept once."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class PodStatus(_Read, frozen=True):
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: tuple[PodCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    pod_ip: str = msgspec.field(default="", name="podIP")
    start_time: datetime | None = None
    nominated_node_name: str = ""


class Pod(_Read, frozen=True):
    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


# --- Nodes


class Taint(_Read, frozen=True):
    key: str
    effect: str
    value: str = ""


class NodeSpec(_Read, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(_Read, frozen=True):
    capacity: dict[str, Quantity] = {}
    allocatable: dict[str, Quantity] = {}
    conditions: tuple[Condition, ...] = ()


class Node(_Read, frozen=True):
    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


# --- Services, namespaces, leases, events


class ServicePort(_Read, frozen=True):
    port: int
    name: str = ""
    protocol: str = "TCP"


class ServiceSpec(_Read, frozen=True):
    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    publish_not_ready_addresses: bool = False


class Service(_Read, frozen=True):
    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class NamespaceStatus(_Read, frozen=True):
    phase: str = "Active"


class Namespace(_Read, frozen=True):
    metadata: Metadata
    status: NamespaceStatus = NamespaceStatus()


class LeaseSpec(_Read, frozen=True):
    holder_identity: str = ""
    lease_duration_seconds: int = 0
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    lease_transitions: int = 0


class Lease(_Read, frozen=True):
    metadata: Metadata
    spec: LeaseSpec = LeaseSpec()


class EventSeries(_Read, frozen=True):
    count: int
    last_observed_time: datetime


class Regarding(_Read, frozen=True):
    """Which object an event is about."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class Event(_Read, frozen=True):
    """An events.k8s.io/v1 Event."""

    metadata: Metadata
    type: str = ""
    reason: str = ""
    note: str = ""
    action: str = ""
    reporting_controller: str = ""
    regarding: Regarding = Regarding()
    event_time: datetime | None = None
    series: EventSeries | None = None


# --- PodGroups: our own kind, read here without pydantic because there may be 30,000 of them


class PodGroupSlice(_Read, frozen=True):
    size: int = 1
    within: str = ""


class PodGroupTopology(_Read, frozen=True):
    required: str | None = None
    preferred: str | None = None
    slices: tuple[PodGroupSlice, ...] = ()
    arrange: Literal["packed", "balanced", "spread"] | None = None


class PodGroupPart(_Read, frozen=True):
    name: str = ""
    min_member: int = 0
    parent: str = ""
    min_subgroups: int | None = None
    topology: PodGroupTopology | None = None


class PodGroupCheckpoint(_Read, frozen=True):
    interval: str | None = None


class PodGroupShape(_Read, frozen=True):
    """`pod_spec` is left undecoded: only placement reads it, and few groups have one."""

    name: str = ""
    min_member: int = 1
    speed: float = 1.0
    pod_spec: dict[str, Any] = {}


class PodGroupRuntime(_Read, frozen=True):
    """Go durations ("1h30m"), as the object carries them."""

    expected: str | None = None
    maximum: str | None = None


class PodGroupSpec(_Read, frozen=True):
    min_member: int = 1
    queue: str = "default"
    priority: int = 0
    preemptible: bool = True
    topology: PodGroupTopology | None = None
    runtime: PodGroupRuntime | None = None
    excluded_nodes: tuple[str, ...] = ()
    subgroups: tuple[PodGroupPart, ...] = ()
    min_subgroups: int | None = None
    checkpoint: PodGroupCheckpoint | None = None
    shapes: tuple[PodGroupShape, ...] = ()
    objective: Literal["time", "balanced", "energy", "cost"] = "balanced"


class Evicted(_Read, frozen=True):
    for_group: str = ""
    reason: str = ""
    time: datetime | None = None


class FailedNode(_Read, frozen=True):
    node: str = ""
    failures: int = 0


class PodGroupStatus(_Read, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    placed: int = 0
    members: str = ""
    scheduled_time: datetime | None = None
    estimated_start: datetime | None = None
    nearest: str = ""
    shape: str = ""
    evicted: Evicted | None = None
    lost_nodes: tuple[str, ...] = ()
    failed_nodes: tuple[FailedNode, ...] = ()
    conditions: tuple[Condition, ...] = ()


class PodGroupView(_Read, frozen=True):
    metadata: Metadata
    spec: PodGroupSpec = PodGroupSpec()
    status: PodGroupStatus = PodGroupStatus()


def from_manifest(manifest: Mapping[str, Any], type: type[T]) -> T:
    """A manifest that a person wrote as one of the structs above; `null` means absent, as for kubectl.

    Raises msgspec.ValidationError that names the field's path.
    """
    return msgspec.convert(_without_nulls(manifest), type)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value if inner is not None]
    return value
