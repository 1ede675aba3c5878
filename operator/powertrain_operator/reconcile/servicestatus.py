"""The status of an InferenceService."""

from collections.abc import Iterable, Sequence
from typing import Final

from powertrain_operator.api import InferenceService, time
from powertrain_operator.api.inferenceservice import InferenceServicePhase, InferenceServiceStatus
from powertrain_operator.api.meta import next_conditions
from powertrain_operator.reconcile.observed import ObservedService
from powertrain_operator.reconcile.outcome import Manifest, Note
from powertrain_operator.reconcile.podstate import (
    ending,
    has_ended,
    has_failed,
    hindrance,
    is_bound,
    is_running,
)
from powertrain_operator.reconcile.reasons import Problem, Reason
from powertrain_operator.reconcile.replica import Replica
from powertrain_operator.reconcile.servicepods import selector, url
from powertrain_operator.reconcile.waiting import Wait, waiting_for

NO_STATUS: Final = InferenceServiceStatus()
_TOLD: Final = {"Ready": "Normal", "Suspended": "Normal", "Degraded": "Warning", "Invalid": "Warning"}
"""Phases whose beginning is worth an Event, and its type."""


def serving_status(
    seen: ObservedService, replicas: Sequence[Replica], template: str
) -> InferenceServiceStatus:
    """How the service stands where all is as it should be, or on its way there."""
    wanted, ready = seen.service.spec.replicas, sum(each.is_ready for each in replicas)
    updated = sum(each.is_made_from(template) and bool(each.pods) for each in replicas)
    if wanted == 0:
        message = "scaled to zero replicas: requests are not answered"
        return status_of(seen, replicas, template, "Ready", Reason.SCALED_TO_ZERO, message)
    if ready >= wanted:
        if updated < len(replicas):
            message = f"{ready} of {wanted} replicas are ready; {updated} are made from the present spec"
            return status_of(seen, replicas, template, "Ready", Reason.ROLLING_OUT, message)
        message = f"{ready} of {wanted} replicas are ready"
        return status_of(seen, replicas, template, "Ready", Reason.READY, message)
    wait = _what_is_missing(replicas, seen.now)
    phase: InferenceServicePhase = "Degraded" if ready else "Pending"
    if not ready and any(each.all(is_bound) for each in replicas):
        phase = "Starting"
    message = f"{ready} of {wanted} replicas are ready; {wait.message}" if ready else wait.message
    return status_of(seen, replicas, template, phase, wait.reason, message, wait.estimated_start)


def problem_status(
    seen: ObservedService, replicas: Sequence[Replica], template: str, problem: Problem
) -> InferenceServiceStatus:
    """How it stands where pods are needed that cannot be made; what serves goes on serving."""
    ready = sum(each.is_ready for each in replicas)
    serving = f"; {ready} of {seen.service.spec.replicas} replicas serve on" if ready else ""
    phase: InferenceServicePhase = "Pending" if problem.passes else "Invalid"
    return status_of(seen, replicas, template, phase, problem.reason, f"{problem.message}{serving}")


def suspended_status(
    seen: ObservedService, replicas: Sequence[Replica], template: str
) -> InferenceServiceStatus:
    left = sum(len(each.everyone) for each in replicas)
    stopping = f"; {left} pod{'s' if left > 1 else ''} still to stop" if left else ""
    message = f"suspended; it serves again when spec.suspend is false{stopping}"
    return status_of(seen, replicas, template, "Suspended", Reason.SUSPENDED, message)


def status_of(
    seen: ObservedService,
    replicas: Sequence[Replica],
    template: str,
    phase: InferenceServicePhase,
    reason: str,
    message: str,
    estimated_start: str | None = None,
) -> InferenceServiceStatus:
    """The whole status for a phase."""
    service, generation = seen.service, seen.service.metadata.generation
    ready = sum(each.is_ready for each in replicas)
    before = (service.status or NO_STATUS).conditions
    return InferenceServiceStatus(
        phase=phase,
        reason=reason,
        message=message,
        observed_generation=generation,
        conditions=next_conditions(before, seen.now, generation, *_conditions(phase, reason, message)),
        replicas=sum(bool(each.pods) for each in replicas),
        ready_replicas=ready,
        updated_replicas=sum(each.is_made_from(template) and bool(each.pods) for each in replicas),
        ready=f"{ready}/{service.spec.replicas}",
        selector=selector(service),
        url=url(service),
        estimated_start=estimated_start,
    )


def _conditions(
    phase: InferenceServicePhase, reason: str, message: str
) -> Iterable[tuple[str, bool, str, str]]:
    yield "Ready", phase == "Ready", reason, message
    suspended = phase == "Suspended"
    yield "Suspended", suspended, reason if suspended else "NotSuspended", message if suspended else ""


def _what_is_missing(replicas: Sequence[Replica], now: float) -> Wait:
    """Why the first replica that is not ready is not, those without nodes before the others."""
    late = [each for each in replicas if not each.is_ready]
    first = min(late, key=lambda each: (each.all(is_bound), each.index), default=None)
    if first is None:
        return waiting_for(None)
    starts = [wait.estimated_start for each in late if (wait := _wait_of(each, now)).estimated_start]
    wait = _wait_of(first, now)
    return Wait(wait.reason, wait.message, min(starts, default=None))


def _wait_of(replica: Replica, now: float) -> Wait:
    name = f"replica {replica.index}"
    for _, pod in sorted(replica.pods.items()):
        if has_ended(pod):
            how = ending(pod) if has_failed(pod) else "ended, as a server should not"
            return Wait(Reason.WORKER_FAILED, f"{name}: pod {pod.metadata.name} {how}")
    if replica.older:
        return Wait(Reason.WAITING_FOR_PODS_TO_STOP, f"{name} waits for its last pods to stop")
    if replica.restart_at > now and not replica.pods:
        times = f"{replica.failures} times in a row" if replica.failures > 1 else "once"
        at = time.to_rfc3339(replica.restart_at)
        return Wait(Reason.WORKER_FAILED, f"{name} has failed {times} and starts again at {at}")
    if not replica.all(is_bound):
        wait = waiting_for(replica.group)
        return Wait(wait.reason, f"{name}: {wait.message}", wait.estimated_start)
    return _starting(replica, name)


def _starting(replica: Replica, name: str) -> Wait:
    """All its pods have nodes."""
    for _, pod in sorted(replica.pods.items()):
        if (why := hindrance(pod)) is not None:
            where = f"pod {pod.metadata.name} on node {pod.spec.node_name}"
            return Wait(Reason.CONTAINERS_STARTING, f"{where} does not start: {why}")
    if replica.all(is_running):
        return Wait(Reason.REPLICAS_NOT_READY, f"{name} runs but does not answer yet")
    return Wait(Reason.CONTAINERS_STARTING, f"{name}: containers are starting")


def changed(service: InferenceService, status: InferenceServiceStatus) -> Manifest | None:
    """The status to write, None where it stands there already."""
    return None if status == service.status else status.manifest()


def notes(service: InferenceService, status: InferenceServiceStatus) -> tuple[Note, ...]:
    """An Event where a phase begins that its owner would want to know of."""
    kind = _TOLD.get(status.phase or "")
    if kind is None or (service.status or NO_STATUS).phase == status.phase:
        return ()
    return (Note("Normal" if kind == "Normal" else "Warning", status.reason or "", status.message or ""),)
