"""The shapes of Powertrain's objects (`powertrain.dev/v1alpha1`), and what makes one invalid.

The pydantic models are the source of the CRDs in crds/ (hack/crdgen makes them). `parse` refuses
what the API server refuses, with the same field and the same sentence, so that `powertrain plan -f`
needs no cluster. Nothing here imports another room, reads a clock or touches a cluster.
"""

from powertrain_operator.api.acceleratorpool import AcceleratorPool
from powertrain_operator.api.errors import InvalidObject
from powertrain_operator.api.inferenceservice import InferenceService
from powertrain_operator.api.parse import KINDS, AnyObject, check_update, parse
from powertrain_operator.api.podgroup import PodGroup
from powertrain_operator.api.queue import Queue
from powertrain_operator.api.trainingjob import TrainingJob

__all__ = [
    "KINDS",
    "AcceleratorPool",
    "AnyObject",
    "InferenceService",
    "InvalidObject",
    "PodGroup",
    "Queue",
    "TrainingJob",
    "check_update",
    "parse",
]
