"""How far the present attempt of a TrainingJob has come, told from its pods and its PodGroup."""

from powertrain_operator.api import time
from powertrain_operator.api.trainingjob import TrainingJobPhase, TrainingJobStatus
from powertrain_operator.reconcile.gang import Gang
from powertrain_operator.reconcile.jobpods import template_hash
from powertrain_operator.reconcile.jobstatus import status_before, status_of
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.podstate import has_ended, hindrance, is_bound, is_running
from powertrain_operator.reconcile.reasons import Reason
from powertrain_operator.reconcile.waiting import waiting_for


def phase_of(seen: ObservedJob, gang: Gang) -> TrainingJobStatus:
    """Running once all workers have run together, and until the attempt ends; else how near that is."""
    if gang.is_up or status_before(seen.job).phase == "Running":
        return _running(seen, gang)
    if gang.all(is_bound):
        return _told(seen, gang, "Starting", Reason.CONTAINERS_STARTING, _starting(gang))
    if not gang.holds_nothing:
        message = f"{gang.count(is_bound)} of {gang.size} workers have their nodes"
        return _told(seen, gang, "Placing", Reason.PLACING, message)
    wait = waiting_for(seen.group)
    return _told(seen, gang, "Queued", wait.reason, wait.message, estimated_start=wait.estimated_start)


def _running(seen: ObservedJob, gang: Gang) -> TrainingJobStatus:
    ended = gang.count(has_ended)
    done = f"; {ended} ended with exit code 0" if ended else ""
    message = f"{gang.count(is_running)} of {gang.size} workers run{done}"
    start = status_before(seen.job).start_time or time.to_rfc3339(seen.now)
    return _told(seen, gang, "Running", Reason.RUNNING, message, start_time=start)


def _starting(gang: Gang) -> str:
    """Which workers do not run yet, and what keeps the first of them that says."""
    waiting = [(rank, pod) for rank, pod in gang.in_order() if not is_running(pod) and not has_ended(pod)]
    for rank, pod in waiting:
        if (why := hindrance(pod)) is not None:
            return f"worker {rank} on node {pod.spec.node_name} does not start: {why}"
    return f"{gang.size - len(waiting)} of {gang.size} workers run; the others' containers are starting"


def _told(
    seen: ObservedJob, gang: Gang, phase: TrainingJobPhase, reason: str, message: str, **changes: str | None
) -> TrainingJobStatus:
    template = template_hash(seen.job)
    return status_of(seen, gang, phase, reason, message, template_hash=template, **changes)
