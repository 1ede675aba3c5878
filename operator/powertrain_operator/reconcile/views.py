"""The fields of our children that reconcilers read, and no others.

There may be 40,000 pods, so what is not read is neither decoded nor kept: of labels and annotations only
our own, of a pod's spec only its node. Decoded by msgspec from what the API server sends; frozen, and
left out of garbage collection (`gc=False` is safe: a decoded JSON tree has no cycles).
"""

from datetime import datetime

import msgspec

from powertrain_operator.api.names import (
    ANNOTATION_SPEC_HASH,
    LABEL_ATTEMPT,
    LABEL_JOB,
    LABEL_RANK,
    LABEL_REPLICA,
    LABEL_ROLE,
    LABEL_SERVICE,
    LABEL_SHAPE,
)

ANNOTATION_RESTART_AT = "powertrain.dev/restart-at"
"""On a replica's PodGroup: when its present attempt may begin, in seconds since the epoch."""

ANNOTATION_FAILURES = "powertrain.dev/failures"
"""On a replica's PodGroup: attempts that failed in a row."""


class _View(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all structs here; each says `frozen` again for the type checker's sake."""


class Owner(_View, frozen=True):
    kind: str
    name: str
    uid: str
    controller: bool = False


class Labels(_View, frozen=True):
    """Ours; see api/names.py for what each means. Empty where it is not set."""

    job: str = msgspec.field(default="", name=LABEL_JOB)
    service: str = msgspec.field(default="", name=LABEL_SERVICE)
    rank: str = msgspec.field(default="", name=LABEL_RANK)
    replica: str = msgspec.field(default="", name=LABEL_REPLICA)
    attempt: str = msgspec.field(default="", name=LABEL_ATTEMPT)
    role: str = msgspec.field(default="", name=LABEL_ROLE)
    shape: str = msgspec.field(default="", name=LABEL_SHAPE)


class Annotations(_View, frozen=True):
    """Ours. Empty where it is not set."""

    spec_hash: str = msgspec.field(default="", name=ANNOTATION_SPEC_HASH)
    restart_at: str = msgspec.field(default="", name=ANNOTATION_RESTART_AT)
    failures: str = msgspec.field(default="", name=ANNOTATION_FAILURES)


NO_LABELS = Labels()
NO_ANNOTATIONS = Annotations()


class Metadata(_View, frozen=True):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: Labels = NO_LABELS
    annotations: Annotations = NO_ANNOTATIONS
    deletion_timestamp: datetime | None = None
    owner_references: tuple[Owner, ...] = ()


class Condition(_View, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class Terminated(_View, frozen=True):
    exit_code: int = 0
    reason: str = ""
    finished_at: datetime | None = None


class Waiting(_View, frozen=True):
    reason: str = ""
    message: str = ""


class ContainerState(_View, frozen=True):
    terminated: Terminated | None = None
    waiting: Waiting | None = None


class ContainerStatus(_View, frozen=True):
    state: ContainerState = ContainerState()


class PodSpec(_View, frozen=True):
    node_name: str = ""


class PodStatus(_View, frozen=True):
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(_View, frozen=True):
    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class GroupSpec(_View, frozen=True):
    min_member: int = 1


class Evicted(_View, frozen=True):
    for_group: str = ""
    reason: str = ""
    time: datetime | None = None


class GroupStatus(_View, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    scheduled_time: datetime | None = None
    estimated_start: datetime | None = None
    shape: str = ""
    evicted: Evicted | None = None


class PodGroup(_View, frozen=True):
    metadata: Metadata
    spec: GroupSpec = GroupSpec()
    status: GroupStatus = GroupStatus()


class Service(_View, frozen=True):
    metadata: Metadata
