"""From one attempt of a TrainingJob to the next, for other causes than a mishap (see `restart`)."""

from powertrain_operator.api.trainingjob import Shape, TrainingJobPhase, TrainingJobStatus
from powertrain_operator.reconcile import jobpods
from powertrain_operator.reconcile.devices import grant_of
from powertrain_operator.reconcile.gang import Gang
from powertrain_operator.reconcile.jobstatus import changed, status_before, status_of
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.outcome import Outcome
from powertrain_operator.reconcile.podstate import describe, is_stuck
from powertrain_operator.reconcile.reasons import Problem, Reason
from powertrain_operator.reconcile.removal import node_wait, removals


def overtaken(seen: ObservedJob, gang: Gang) -> TrainingJobStatus | None:
    """A new attempt where the pods are not what they should be.

    Where a part of the spec has changed that only a suspended job may change, it was suspended
    and resumed before we looked. Pods that hold nothing yet are also made anew for other pools.
    """
    wanted = jobpods.template_hash(seen.job)
    made = [pod.metadata.annotations.spec_hash for pod in gang.workers.values()]
    if any(mark.partition("-")[0] != wanted for mark in made):
        return _anew(seen, gang, Reason.SPEC_CHANGED, "the spec was changed; the pods are made anew")
    if not made or not gang.holds_nothing or not _would_differ(seen, gang, made):
        return None
    if gang.shape is not None and any(
        pod.metadata.labels.shape not in ("", gang.shape.title) for pod in gang.workers.values()
    ):
        message = f"shape {gang.shape.title} was chosen; the waiting pods are made anew for it"
        return _anew(seen, gang, Reason.SHAPE_CHOSEN, message)
    message = "the pools' nodes were changed; the waiting pods are made anew"
    return _anew(seen, gang, Reason.POOLS_CHANGED, message)


def _would_differ(seen: ObservedJob, gang: Gang, made: list[str]) -> bool:
    """Whether pods made now would be others. Where none can be, these wait on: a pool may come back."""
    try:
        mark = jobpods.pods_hash(seen.job, gang, grant_of(_shapes(gang), seen.fleet.pools))
    except Problem:
        return False
    return any(each != mark for each in made)


def _shapes(gang: Gang) -> tuple[Shape, ...]:
    return () if gang.shape is None else (gang.shape,)


def _anew(seen: ObservedJob, gang: Gang, reason: Reason, message: str) -> TrainingJobStatus:
    phase: TrainingJobPhase = "Restarting" if status_before(seen.job).phase == "Running" else "Queued"
    return status_of(seen, gang.next(), phase, reason, message)


def remove_older(seen: ObservedJob, gang: Gang) -> Outcome:
    """Pods of other attempts go before any of this one is made."""
    return Outcome(
        delete=removals(gang.older, seen),
        status=changed(seen.job, _waiting_for_older(seen, gang)),
        requeue_after=node_wait(gang.older, seen),
    )


def _waiting_for_older(seen: ObservedJob, gang: Gang) -> TrainingJobStatus:
    """Why the new attempt does not start; a restart goes on telling its cause, unless a node holds it up."""
    before = status_before(seen.job)
    phase: TrainingJobPhase = "Restarting" if before.phase == "Restarting" else "Queued"
    stuck = next((pod for pod in gang.older if is_stuck(pod, seen.fleet.nodes)), None)
    if stuck is None and phase == "Restarting":
        return before
    count = len(gang.older)
    message = f"waits for {count} pod{'s' if count > 1 else ''} of an earlier attempt to stop"
    if stuck is not None:
        message = (
            f"waits for {describe(stuck.metadata)} of an earlier attempt to stop on node "
            f"{stuck.spec.node_name}, which does not answer; if that node is lost for good, deleting "
            "its Node lets the job go on"
        )
    reason = Reason.WAITING_FOR_PODS_TO_STOP
    return status_of(seen, gang, phase, reason, message, restart_at=before.restart_at)
