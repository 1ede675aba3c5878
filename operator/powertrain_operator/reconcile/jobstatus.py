"""The status of a TrainingJob: how each phase is told, and what is carried over from the last."""

from collections.abc import Iterable
from typing import Any, Final

from powertrain_operator.api import TrainingJob, time
from powertrain_operator.api.meta import next_conditions
from powertrain_operator.api.trainingjob import FailedNode, TrainingJobPhase, TrainingJobStatus
from powertrain_operator.reconcile.gang import Gang
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.outcome import Manifest, Note
from powertrain_operator.reconcile.podstate import is_ready

NO_STATUS: Final = TrainingJobStatus()
FINISHED: Final = ("Succeeded", "Failed")

MOST_NODES = 64
"""Nodes that a status lists, those of the workers and those that failed."""
MOST_EXCLUDED = 256
FAILURES_TO_EXCLUDE = 2

_TOLD: Final = {
    "Running": "Normal",
    "Succeeded": "Normal",
    "Suspended": "Normal",
    "Restarting": "Warning",
    "Failed": "Warning",
    "Invalid": "Warning",
}
"""Phases whose beginning is worth an Event, and its type."""


def status_before(job: TrainingJob) -> TrainingJobStatus:
    return job.status or NO_STATUS


def status_of(
    seen: ObservedJob, gang: Gang, phase: TrainingJobPhase, reason: str, message: str, **changes: Any
) -> TrainingJobStatus:
    """The whole status for a phase; `changes` replace what is carried over from the status before."""
    before = status_before(seen.job)
    ready = 0 if phase in FINISHED else gang.count(is_ready)
    generation = seen.job.metadata.generation
    carried = {
        "attempt": gang.attempt,
        "restarts": before.restarts or 0,
        "start_time": before.start_time,
        "completion_time": before.completion_time,
        "failed_nodes": before.failed_nodes,
        "template_hash": before.template_hash,
    }
    return TrainingJobStatus(
        phase=phase,
        reason=reason,
        message=message,
        observed_generation=generation,
        conditions=next_conditions(
            before.conditions, seen.now, generation, *_conditions(phase, reason, message)
        ),
        ready=ready,
        workers=f"{ready}/{gang.size}",
        shape=gang.shape.title if gang.shape is not None and len(seen.job.spec.devices) > 1 else None,
        nodes=gang.nodes[:MOST_NODES],
        node_count=len(gang.nodes),
        **(carried | changes),
    )


def _conditions(phase: TrainingJobPhase, reason: str, message: str) -> Iterable[tuple[str, bool, str, str]]:
    """What `kubectl wait` can wait for. An end is said once it is there, and not denied before."""
    yield "Placed", phase in ("Starting", "Running"), reason, message
    yield "Running", phase == "Running", reason, message
    suspended = phase == "Suspended"
    yield "Suspended", suspended, reason if suspended else "NotSuspended", message if suspended else ""
    if phase == "Succeeded":
        yield "Complete", True, reason, message
    if phase == "Failed":
        yield "Failed", True, reason, message


def running_since(status: TrainingJobStatus) -> float | None:
    """When the present attempt began to run, in seconds since the epoch; None while it does not."""
    for condition in status.conditions:
        if condition.type == "Running" and condition.status == "True":
            return time.from_rfc3339(condition.last_transition_time)
    return None


def changed(job: TrainingJob, status: TrainingJobStatus) -> Manifest | None:
    """The status to write, None where it stands there already."""
    return None if status == job.status else status.manifest()


def notes(job: TrainingJob, status: TrainingJobStatus) -> tuple[Note, ...]:
    """An Event where a phase begins that its owner would want to know of."""
    before = status_before(job)
    kind = _TOLD.get(status.phase or "")
    if kind is None or (before.phase, before.attempt) == (status.phase, status.attempt):
        return ()
    return (Note("Normal" if kind == "Normal" else "Warning", status.reason or "", status.message or ""),)


def blame(failed: tuple[FailedNode, ...], node: str | None) -> tuple[FailedNode, ...]:
    """The failed nodes with one more failure of `node`; where there are too many the least are forgotten."""
    if node is None:
        return failed
    failures = {each.node: each.failures for each in failed}
    failures[node] = failures.get(node, 0) + 1
    most = sorted(failures.items(), key=lambda entry: (entry[0] != node, -entry[1], entry[0]))[:MOST_NODES]
    return tuple(FailedNode(node=name, failures=count) for name, count in sorted(most))


def excluded_nodes(failed: tuple[FailedNode, ...]) -> list[str]:
    """Nodes where the job has failed twice."""
    return sorted(each.node for each in failed if each.failures >= FAILURES_TO_EXCLUDE)[:MOST_EXCLUDED]
