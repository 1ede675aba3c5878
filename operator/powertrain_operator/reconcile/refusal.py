"""What is told where the API server stands in the way: it refuses a child, or the object itself is bad."""

from typing import Any

from powertrain_operator.api import InvalidObject
from powertrain_operator.api.fields import shortened
from powertrain_operator.reconcile import jobstatus, servicepods, servicestatus
from powertrain_operator.reconcile.gang import gang_of
from powertrain_operator.reconcile.observed import ObservedJob, ObservedService
from powertrain_operator.reconcile.outcome import Manifest
from powertrain_operator.reconcile.reasons import Problem, Reason
from powertrain_operator.reconcile.replica import replicas_of


def refused_status(
    seen: ObservedJob | ObservedService, reason: Reason, message: str, final: bool
) -> Manifest | None:
    """The status where a child was refused, None where it says so already.

    `final`: as the object is it can never be taken, so it is Invalid; else it waits for a quota or a
    policy to change.
    """
    if isinstance(seen, ObservedJob):
        phase = "Invalid" if final else "Queued"
        status = jobstatus.status_of(seen, gang_of(seen), phase, reason, message)  # type: ignore[arg-type]
        return jobstatus.changed(seen.job, status)
    problem = Problem(reason, message, passes=not final)
    template = servicepods.template_hash(seen.service)
    serving = servicestatus.problem_status(seen, replicas_of(seen), template, problem)
    return servicestatus.changed(seen.service, serving)


def invalid_status(invalid: InvalidObject, generation: int) -> dict[str, Any]:
    """The part of a status that says what is wrong with an object that cannot be read."""
    message = "; ".join(f"{path}: {sentence}" if path else sentence for path, sentence in invalid.errors)
    return {
        "phase": "Invalid",
        "reason": Reason.INVALID_SPEC.value,
        "message": shortened(message),
        "observedGeneration": generation,
    }
