"""What to do about our objects: pure functions from what is seen to what is wanted done.

No client, no clock, no logger, no await: the controller observes, calls `reconcile_training_job` or
`reconcile_inference_service`, and carries out the Outcome. The same input gives the same outcome.
"""

from powertrain_operator.reconcile.inferenceservice import reconcile_inference_service
from powertrain_operator.reconcile.observed import Fleet, NodeHealth, ObservedJob, ObservedService
from powertrain_operator.reconcile.outcome import Deletion, Manifest, Note, Outcome
from powertrain_operator.reconcile.trainingjob import reconcile_training_job

__all__ = [
    "Deletion",
    "Fleet",
    "Manifest",
    "NodeHealth",
    "Note",
    "ObservedJob",
    "ObservedService",
    "Outcome",
    "reconcile_inference_service",
    "reconcile_training_job",
]
