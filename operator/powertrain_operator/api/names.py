"""The words every part shares: the API group, labels, annotations and field managers.

A label's meaning stands here once; whoever sets or reads it imports it from here.
"""

from typing import Final

GROUP: Final = "powertrain.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = "powertrain.dev/v1alpha1"

SCHEDULER_NAME: Final = "powertrain"
"""`spec.schedulerName` of the pods that the placement process binds."""

DEFAULT_QUEUE: Final = "default"
"""The queue of work that names none; implied, without quota, where no such Queue exists."""

FIELD_MANAGER_OPERATOR: Final = "powertrain-operator"
FIELD_MANAGER_SCHEDULER: Final = "powertrain-scheduler"

LABEL_POD_GROUP: Final = "powertrain.dev/pod-group"
"""On a pod: the PodGroup in its namespace that it belongs to."""

LABEL_SUBGROUP: Final = "powertrain.dev/subgroup"
"""On a pod: the part of its PodGroup that it belongs to."""

LABEL_JOB: Final = "powertrain.dev/training-job"
"""On a pod, PodGroup or Service: the TrainingJob it was made for."""

LABEL_SERVICE: Final = "powertrain.dev/inference-service"
"""On a pod, PodGroup or Service: the InferenceService it was made for."""

LABEL_RANK: Final = "powertrain.dev/rank"
"""On a pod: its number in its gang, from 0; rank 0 is the one that others connect to."""

LABEL_SHAPE: Final = "powertrain.dev/shape"
"""On a pod of a group that may run in several shapes: the one that it was made for."""

LABEL_REPLICA: Final = "powertrain.dev/replica"
"""On an inference pod: the number of its replica, from 0."""

LABEL_ATTEMPT: Final = "powertrain.dev/attempt"
"""On a training pod: which start of the whole gang it belongs to, from 0."""

LABEL_ROLE: Final = "powertrain.dev/role"
"""On a pod: `leader` or `worker`. Leaders answer requests; workers of training are all `worker`."""

ROLE_LEADER: Final = "leader"
ROLE_WORKER: Final = "worker"

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "powertrain"

ANNOTATION_DEVICE_SHARE: Final = "powertrain.dev/device-share"
"""On a pod: the part of one device that it asks for, as `nvidia.com/gpu=500` (thousandths)."""

ANNOTATION_DEVICE: Final = "powertrain.dev/device"
"""On a pod with a share: the device it was given, put there with its binding."""

ANNOTATION_SPEC_HASH: Final = "powertrain.dev/spec-hash"
"""On a child: the hash of what it was made from, so that an equal one is left alone."""

RESERVED_PREFIX: Final = "powertrain.dev/"
"""Labels that templates must not set: the operator does."""
