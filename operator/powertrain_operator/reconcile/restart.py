"""What follows a mishap: the next attempt, when it begins, or that there is none."""

from powertrain_operator.api import TrainingJob, time
from powertrain_operator.api.trainingjob import FailurePolicy, TrainingJobStatus
from powertrain_operator.reconcile.gang import Gang
from powertrain_operator.reconcile.jobstatus import blame, status_before, status_of
from powertrain_operator.reconcile.mishap import Mishap
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.reasons import Reason


def backoff(policy: FailurePolicy, restarts: int) -> float:
    """Seconds before the restart that follows `restarts` earlier ones: doubling, up to the maximum."""
    longest = policy.backoff.maximum_seconds
    doubled: float = policy.backoff.initial_seconds * 2 ** min(restarts, 60)
    return min(doubled, longest)


def after(mishap: Mishap, seen: ObservedJob, gang: Gang) -> TrainingJobStatus:
    """The status that ends the present attempt.

    It is written before anything of the attempt is touched, and all else follows from it: pods
    of lower attempts go, and those of the new one are made when they are gone and it is time. So
    a crash at any moment neither loses nor repeats a restart.
    """
    policy, restarts = seen.job.spec.failure_policy, status_before(seen.job).restarts or 0
    if mishap.counts and restarts >= policy.max_restarts:
        return _given_up(mishap, seen, gang)
    wait = backoff(policy, restarts if mishap.counts else 0) if mishap.waits else 0.0
    at = time.to_rfc3339(seen.now + wait)
    number = f"restart {restarts + 1} of {policy.max_restarts}" if mishap.counts else "it starts again"
    return status_of(
        seen,
        gang.next(),
        "Restarting",
        mishap.reason,
        f"{mishap.message}; {number}{f' at {at}' if wait else ''}",
        restarts=restarts + 1 if mishap.counts else restarts,
        restart_at=at if wait else None,
        failed_nodes=blame(status_before(seen.job).failed_nodes, mishap.blamed_node),
    )


def _given_up(mishap: Mishap, seen: ObservedJob, gang: Gang) -> TrainingJobStatus:
    most = seen.job.spec.failure_policy.max_restarts
    used = f"all {most} restarts are used" if most > 1 else "the only restart is used"
    spent = used if most else "failurePolicy.maxRestarts allows none"
    return status_of(
        seen,
        gang,
        "Failed",
        Reason.RESTART_LIMIT,
        f"{mishap.message}; {spent}",
        completion_time=time.to_rfc3339(seen.now),
        failed_nodes=blame(status_before(seen.job).failed_nodes, mishap.blamed_node),
    )


def seconds_to_restart(job: TrainingJob, now: float) -> float:
    """Until the present attempt may begin; 0 where it may."""
    at = status_before(job).restart_at
    return max(time.from_rfc3339(at) - now, 0.0) if at else 0.0
