"""What to do about a TrainingJob, decided from what is seen of it: `reconcile_training_job`.

One attempt of the gang follows another, numbered by `status.attempt`, which every pod carries.
Whatever ends an attempt is first written to the status, as the next attempt's number; all else
follows from that number alone: pods of other attempts go, pods of this one are made when they
are gone. So at no moment do two attempts run side by side, wherever the operator was stopped.
"""

from powertrain_operator.api.trainingjob import TrainingJobPhase, TrainingJobStatus
from powertrain_operator.reconcile import jobpods, restart
from powertrain_operator.reconcile.children import is_outdated, is_owned, refuse_foreign
from powertrain_operator.reconcile.devices import Grant, check_queue, check_template, grant_of
from powertrain_operator.reconcile.gang import Gang, gang_of, worker_name
from powertrain_operator.reconcile.jobattempt import overtaken, remove_older
from powertrain_operator.reconcile.jobend import clear_up, end_of, suspend, time_left
from powertrain_operator.reconcile.jobphase import phase_of
from powertrain_operator.reconcile.jobstatus import (
    FINISHED,
    changed,
    excluded_nodes,
    notes,
    status_before,
    status_of,
)
from powertrain_operator.reconcile.mishap import mishap_of
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.outcome import NOTHING, Manifest, Outcome
from powertrain_operator.reconcile.reasons import Problem
from powertrain_operator.reconcile.removal import node_wait, soonest, stranded


def reconcile_training_job(seen: ObservedJob) -> Outcome:
    """The next step of the job's life. Each step leads, once it is seen, to the one below it."""
    gang, phase = gang_of(seen), status_before(seen.job).phase

    if seen.job.metadata.deletion_timestamp is not None:
        return NOTHING  # its children go with it, by their owner references
    if phase in FINISHED:
        return clear_up(seen, gang)
    if seen.job.spec.suspend:
        return suspend(seen, gang)
    if (end := end_of(seen, gang)) is not None:
        return _tell(seen, end)
    if (stale := overtaken(seen, gang)) is not None:
        return _tell(seen, stale)
    if (mishap := mishap_of(gang, seen, ran=phase == "Running")) is not None:
        return _tell(seen, restart.after(mishap, seen, gang))
    if gang.older:
        return remove_older(seen, gang)
    if (wait := restart.seconds_to_restart(seen.job, seen.now)) > 0:
        return Outcome(requeue_after=wait)
    try:
        return _run(seen, gang)
    except Problem as problem:
        waits: TrainingJobPhase = "Queued" if problem.passes else "Invalid"
        return _tell(seen, status_of(seen, gang, waits, problem.reason, problem.message))


def _tell(seen: ObservedJob, status: TrainingJobStatus) -> Outcome:
    """Write the status and no more: what follows from it is decided when it is read again."""
    return Outcome(status=changed(seen.job, status), notes=notes(seen.job, status))


def _run(seen: ObservedJob, gang: Gang) -> Outcome:
    """Make what is missing of the gang, and tell how far it has come. Problem where nothing can be made."""
    excluded = excluded_nodes(status_before(seen.job).failed_nodes)
    children = (jobpods.service(seen.job), jobpods.group(seen.job, gang, excluded, seen.fleet.pools))
    grant = _checked(seen, gang) if gang.missing else None
    pods = jobpods.pods(seen.job, gang, grant) if gang.missing else ()
    status = phase_of(seen, gang)
    return Outcome(
        apply=_outdated(seen, children),
        create=pods,
        delete=stranded(gang.workers.values(), seen),
        status=changed(seen.job, status),
        notes=notes(seen.job, status),
        requeue_after=soonest(time_left(seen, status), node_wait(gang.everyone, seen)),
    )


def _checked(seen: ObservedJob, gang: Gang) -> Grant | None:
    """The devices of new pods. Problem where the job cannot run in this cluster as it is."""
    spec = seen.job.spec
    refuse_foreign("Service", seen.service.metadata if seen.service else None, seen.job)
    refuse_foreign("PodGroup", seen.group.metadata if seen.group else None, seen.job)
    others = {pod.metadata.name: pod.metadata for pod in seen.pods if not is_owned(pod.metadata, seen.job)}
    for rank in gang.missing:
        refuse_foreign("Pod", others.get(worker_name(seen.job.name, rank)), seen.job)
    check_queue(spec.queue, seen.fleet)
    grant = grant_of(() if gang.shape is None else (gang.shape,), seen.fleet.pools)
    check_template(spec.workers.template, grant)
    return grant


def _outdated(seen: ObservedJob, children: tuple[Manifest, Manifest]) -> tuple[Manifest, ...]:
    there = (seen.service.metadata if seen.service else None, seen.group.metadata if seen.group else None)
    return tuple(
        wanted for child, wanted in zip(there, children, strict=True) if is_outdated(child, wanted, seen.job)
    )
