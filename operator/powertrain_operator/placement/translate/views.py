"""The fields that placement reads of pods and nodes, and no others.

The API server sends every pod of the cluster here at least three times in its life, so what is
not read is not decoded: the operator half's structs hold container states and owners, these hold
the constraints that say where a pod may go. Values, frozen, without cycles (`gc=False`).
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from powertrain_operator.api.cluster import (
    NO_RESOURCES,
    Container,
    NodeAffinity,
    NodeSelector,
    NodeStatus,
    ResourceRequirements,
    SchedulingGate,
    SelectorRequirement,
    Taint,
    Toleration,
)
from powertrain_operator.api.names import ANNOTATION_DEVICE, ANNOTATION_DEVICE_SHARE
from powertrain_operator.api.quantity import Quantity

SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""On a volume claim: the node for which its storage class is to make the volume."""


class _Read(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all structs here."""


class Annotations(_Read, frozen=True):
    """Those that placement reads; the others are not even decoded."""

    device_share: str = msgspec.field(default="", name=ANNOTATION_DEVICE_SHARE)
    device: str = msgspec.field(default="", name=ANNOTATION_DEVICE)
    selected_node: str = msgspec.field(default="", name=SELECTED_NODE)


NO_ANNOTATIONS = Annotations()


class Metadata(_Read, frozen=True):
    """What is read of any object's metadata; `generation` only of our own kinds."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: Annotations = NO_ANNOTATIONS
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class LabelSelector(_Read, frozen=True):
    """Absent where it is wanted, it picks nothing; there and empty, everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[SelectorRequirement, ...] = ()


class PodTerm(_Read, frozen=True):
    """One term of pod affinity or anti-affinity."""

    topology_key: str = ""
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


_NO_TERM = PodTerm()


class WeightedPodTerm(_Read, frozen=True):
    weight: int = 0
    pod_affinity_term: PodTerm = _NO_TERM


class PodTerms(_Read, frozen=True):
    """Pod affinity or anti-affinity."""

    required: tuple[PodTerm, ...] = msgspec.field(
        default=(), name="requiredDuringSchedulingIgnoredDuringExecution"
    )
    preferred: tuple[WeightedPodTerm, ...] = msgspec.field(
        default=(), name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class Affinity(_Read, frozen=True):
    node_affinity: NodeAffinity | None = None
    pod_affinity: PodTerms | None = None
    pod_anti_affinity: PodTerms | None = None


class SpreadConstraint(_Read, frozen=True):
    topology_key: str = ""
    when_unsatisfiable: str = "DoNotSchedule"
    max_skew: int = 1
    min_domains: int | None = None
    label_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None


class ClaimSource(_Read, frozen=True):
    claim_name: str = ""


class Volume(_Read, frozen=True):
    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: dict[str, Any] | None = None


class ResourceClaim(_Read, frozen=True):
    name: str = ""


class PodSpec(_Read, frozen=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    node_name: str = ""
    scheduler_name: str = "default-scheduler"
    priority: int = 0
    node_selector: dict[str, str] = {}
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[SpreadConstraint, ...] = ()
    volumes: tuple[Volume, ...] = ()
    resource_claims: tuple[ResourceClaim, ...] = ()
    overhead: dict[str, Quantity] = {}
    resources: ResourceRequirements | None = None
    scheduling_gates: tuple[SchedulingGate, ...] = ()
    host_network: bool = False


class ContainerStatus(_Read, frozen=True):
    name: str = ""
    allocated_resources: dict[str, Quantity] = {}
    """What the kubelet has set aside: more than the spec says while a resize down is on its way."""

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.allocated_resources.items())))


class PodStatus(_Read, frozen=True):
    phase: str = "Pending"
    start_time: datetime | None = None
    container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(_Read, frozen=True):
    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Namespace(_Read, frozen=True):
    metadata: Metadata


class NodeSpec(_Read, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class Node(_Read, frozen=True):
    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class QueueQuota(_Read, frozen=True):
    accelerator: str
    nominal: int
    borrowing_limit: int | None = None
    lending_limit: int | None = None


class ResourceQuota(_Read, frozen=True):
    resource: str
    nominal: Quantity
    borrowing_limit: Quantity | None = None
    lending_limit: Quantity | None = None


class QueuePreemption(_Read, frozen=True):
    within: Literal["lower", "never"] = "lower"
    across: Literal["any", "lower", "never"] = "any"
    borrowing: int | None = None


class QueueSpec(_Read, frozen=True):
    parent: str | None = None
    weight: int = 1
    quotas: tuple[QueueQuota, ...] = ()
    resources: tuple[ResourceQuota, ...] = ()
    priority: int = 0
    preemption: QueuePreemption = QueuePreemption()
    minimum_runtime: str | None = None
    order: Literal["oldest", "shortest"] = "oldest"
    max_running: int | None = None


class Queue(_Read, frozen=True):
    metadata: Metadata
    spec: QueueSpec = QueueSpec()
    status: dict[str, Any] = {}


class PoolPower(_Read, frozen=True):
    device_idle_watts: float
    device_active_watts: float
    host_watts: float


class PoolSpec(_Read, frozen=True):
    node_selector: dict[str, str]
    accelerator: str
    resource_name: str
    topology_levels: tuple[str, ...] = ()
    power: PoolPower | None = None
    speed: float | None = None
    price: float = 0.0
    sleep_when_empty: bool = False


class AcceleratorPool(_Read, frozen=True):
    metadata: Metadata
    spec: PoolSpec
    status: dict[str, Any] = {}


class ClaimSpec(_Read, frozen=True):
    volume_name: str = ""
    storage_class_name: str = ""
    access_modes: tuple[str, ...] = ()
    volume_mode: str = "Filesystem"
    resources: ResourceRequirements = NO_RESOURCES
    selector: LabelSelector | None = None


class ClaimStatus(_Read, frozen=True):
    phase: str = "Pending"


class PersistentVolumeClaim(_Read, frozen=True):
    metadata: Metadata
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class VolumeAffinity(_Read, frozen=True):
    required: NodeSelector | None = None


class ClaimReference(_Read, frozen=True):
    namespace: str = ""
    name: str = ""


class VolumeSpec(_Read, frozen=True):
    node_affinity: VolumeAffinity | None = None
    storage_class_name: str = ""
    access_modes: tuple[str, ...] = ()
    volume_mode: str = "Filesystem"
    capacity: dict[str, Quantity] = {}
    claim_ref: ClaimReference | None = None


class VolumeStatus(_Read, frozen=True):
    phase: str = "Available"


class PersistentVolume(_Read, frozen=True):
    metadata: Metadata
    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()


class LabelValues(_Read, frozen=True):
    key: str
    values: tuple[str, ...] = ()


class AllowedTopology(_Read, frozen=True):
    match_label_expressions: tuple[LabelValues, ...] = ()


class StorageClass(_Read, frozen=True):
    metadata: Metadata
    provisioner: str = ""
    volume_binding_mode: str = "Immediate"
    allowed_topologies: tuple[AllowedTopology, ...] = ()
