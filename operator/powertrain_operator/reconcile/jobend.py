"""The ends of a TrainingJob, and its suspension: when they come, and what is left to do then."""

from powertrain_operator.api import time
from powertrain_operator.api.trainingjob import TrainingJobStatus
from powertrain_operator.reconcile.gang import Gang
from powertrain_operator.reconcile.jobstatus import changed, notes, running_since, status_before, status_of
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.outcome import Deletion, Outcome
from powertrain_operator.reconcile.podstate import has_ended, has_succeeded
from powertrain_operator.reconcile.reasons import Reason
from powertrain_operator.reconcile.removal import group_removal, node_wait, removals, soonest


def end_of(seen: ObservedJob, gang: Gang) -> TrainingJobStatus | None:
    """The final status, where the job has just come to its end."""
    at = time.to_rfc3339(seen.now)
    if _has_succeeded(seen, gang):
        return status_of(seen, gang, "Succeeded", Reason.SUCCEEDED, _success(seen, gang), completion_time=at)
    maximum, left = _longest_run(seen), time_left(seen, status_before(seen.job))
    if maximum is not None and left is not None and left <= 0:
        message = f"ran for runtime.maximum, {time.format_duration(maximum)}, without coming to an end"
        return status_of(seen, gang, "Failed", Reason.DEADLINE_EXCEEDED, message, completion_time=at)
    return None


def _has_succeeded(seen: ObservedJob, gang: Gang) -> bool:
    if seen.job.spec.success_policy == "RankZero":
        return 0 in gang.workers and has_succeeded(gang.workers[0])
    return gang.all(has_succeeded)


def _success(seen: ObservedJob, gang: Gang) -> str:
    count = gang.size
    if seen.job.spec.success_policy == "RankZero" or count == 1:
        return "worker 0 ended with exit code 0"
    return f"all {count} workers ended with exit code 0"


def time_left(seen: ObservedJob, status: TrainingJobStatus) -> float | None:
    """Seconds that the present attempt may still run; None where it does not run, or without bound."""
    maximum, since = _longest_run(seen), running_since(status)
    return None if maximum is None or since is None else since + maximum - seen.now


def _longest_run(seen: ObservedJob) -> float | None:
    return seen.job.spec.runtime.maximum_seconds if seen.job.spec.runtime else None


def clear_up(seen: ObservedJob, gang: Gang) -> Outcome:
    """After the end: free what is still held, keep what has ended for its logs, until the job's own time."""
    ttl, done = seen.job.spec.ttl_seconds_after_finished, status_before(seen.job).completion_time
    left = None if ttl is None or done is None else time.from_rfc3339(done) + ttl - seen.now
    if left is not None and left <= 0:
        job = seen.job
        return Outcome(delete=(Deletion(job.kind, job.namespace, job.name, job.metadata.uid),))
    pods = tuple(pod for pod in gang.everyone if not has_ended(pod))
    return Outcome(
        delete=removals(pods, seen) + group_removal(seen.group, seen.job),
        requeue_after=soonest(left, node_wait(pods, seen)),
    )


def suspend(seen: ObservedJob, gang: Gang) -> Outcome:
    """No pods, and no PodGroup, so that its place in line is free. Resuming begins a new attempt."""
    before = status_before(seen.job).phase
    begun = before not in (None, "Suspended") or (before is None and bool(gang.everyone))
    left = len(gang.everyone)
    stopping = f"; {left} pod{'s' if left > 1 else ''} still to stop" if left else ""
    message = f"suspended; it goes on when spec.suspend is false{stopping}"
    present = gang.next() if begun else gang
    status = status_of(seen, present, "Suspended", Reason.SUSPENDED, message)
    return Outcome(
        delete=() if begun else removals(gang.everyone, seen) + group_removal(seen.group, seen.job),
        status=changed(seen.job, status),
        notes=notes(seen.job, status),
        requeue_after=node_wait(gang.everyone, seen),
    )
