"""The next step of one replica: make it whole, end an attempt that cannot go on, or wait."""

from dataclasses import dataclass

from powertrain_operator.api import InferenceService
from powertrain_operator.reconcile import servicepods
from powertrain_operator.reconcile.children import is_outdated
from powertrain_operator.reconcile.devices import Grant
from powertrain_operator.reconcile.observed import ObservedService
from powertrain_operator.reconcile.outcome import NOTHING, Manifest, Note, Outcome
from powertrain_operator.reconcile.podstate import (
    disruption,
    ending,
    has_ended,
    has_failed,
    is_bound,
    is_leaving,
    is_rejected,
    node_is_gone,
    since,
)
from powertrain_operator.reconcile.reasons import Reason
from powertrain_operator.reconcile.removal import group_removal, node_wait, removals, stranded
from powertrain_operator.reconcile.replica import Replica
from powertrain_operator.reconcile.views import Pod

FIRST_WAIT = 10.0
LONGEST_WAIT = 300.0
"""Seconds before an attempt that follows a failed one; doubled for each failure in a row."""

HEALTHY_SECONDS = 600.0
"""An attempt that held its nodes for so long before it failed did not fail in a row with the one before."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What replicas are made from now."""

    service: InferenceService
    template: str
    grant: Grant | None
    complete: bool = False
    """Nothing needs to be made, and nothing could be: all replicas are left as they are."""

    @property
    def mark(self) -> str:
        return servicepods.pods_hash(self.template, self.grant)

    @property
    def size(self) -> int:
        return self.service.spec.parallelism.nodes


@dataclass(frozen=True, slots=True)
class Fall:
    """Why an attempt of a replica is over."""

    reason: Reason
    message: str
    counts: bool
    """It failed by itself, and may do so again at once: the next attempt waits."""


def step(replica: Replica, wanted: Wanted, seen: ObservedService, *, replace: bool) -> Outcome:
    """`replace`: it is this outdated replica's turn to be made from the present template."""
    fall = fall_of(replica, seen)
    if fall is not None:
        return _fallen(replica, fall, seen, wanted)
    if wanted.complete:
        return NOTHING
    if replace or _may_move(replica, wanted):
        return Outcome(apply=(_next(replica, wanted),))
    if replica.older:
        return Outcome(delete=removals(replica.older, seen), requeue_after=node_wait(replica.older, seen))
    if (wait := replica.restart_at - seen.now) > 0 and not replica.pods:
        return Outcome(apply=_group_as_it_is(replica, wanted), requeue_after=wait)
    return _fill(replica, wanted, seen)


def dismantle(replica: Replica, seen: ObservedService) -> Outcome:
    """Pods first and the PodGroup last, so that a replica cut short is still known as one."""
    return Outcome(
        delete=removals(replica.everyone, seen) + group_removal(replica.group, seen.service),
        requeue_after=node_wait(replica.everyone, seen),
    )


def fall_of(replica: Replica, seen: ObservedService) -> Fall | None:
    """What ended the present attempt. One pod alone is simply made anew when it is gone."""
    for rank, pod in sorted(replica.pods.items()):
        if has_ended(pod) and not is_leaving(pod):
            return _ended(pod)
        lost = is_leaving(pod) or (not has_ended(pod) and node_is_gone(pod, seen.fleet.nodes, seen.now))
        if lost and replica.size > 1 and is_bound(pod):
            return Fall(Reason.WORKER_DISRUPTED, f"{pod.metadata.name} is gone or leaving", counts=False)
    met = not replica.holds_nothing  # members get nodes only when all of them are there
    if replica.size > 1 and replica.pods and replica.missing and met:
        return Fall(Reason.WORKER_DISRUPTED, f"a pod of replica {replica.index} was deleted", counts=False)
    return None


def _ended(pod: Pod) -> Fall:
    where = f" on node {pod.spec.node_name}" if pod.spec.node_name else ""
    if (why := disruption(pod)) is not None:
        return Fall(
            Reason.WORKER_DISRUPTED, f"{pod.metadata.name} was disrupted{where} ({why})", counts=False
        )
    if is_rejected(pod):
        why = pod.status.message or pod.status.reason
        return Fall(Reason.POD_REJECTED, f"{pod.metadata.name} was rejected{where} ({why})", counts=True)
    how = ending(pod) if has_failed(pod) else "ended, as a server should not"
    return Fall(Reason.WORKER_FAILED, f"{pod.metadata.name} {how}{where}", counts=True)


def _fallen(replica: Replica, fall: Fall, seen: ObservedService, wanted: Wanted) -> Outcome:
    """Write the next attempt's number and no more: what follows is decided when it is read again."""
    failures = _failures(replica, seen) + 1 if fall.counts else 0
    wait = min(FIRST_WAIT * 2 ** min(failures - 1, 30), LONGEST_WAIT) if failures else 0.0
    restart_at = seen.now + wait if wait else 0.0
    told = f"{fall.message}; it is made anew{f' in {wait:g} s' if wait else ''}"
    return Outcome(
        apply=(_next(replica, wanted, restart_at=restart_at, failures=failures),),
        notes=(Note("Warning", fall.reason, told),),
    )


def _failures(replica: Replica, seen: ObservedService) -> int:
    """Failures in a row before this one."""
    times = (since(pod, "PodScheduled") for pod in replica.pods.values())
    up_since = max((time for time in times if time is not None), default=seen.now)
    return 0 if seen.now - up_since >= HEALTHY_SECONDS else replica.failures


def _next(replica: Replica, wanted: Wanted, *, restart_at: float = 0.0, failures: int = 0) -> Manifest:
    return servicepods.group(
        wanted.service,
        replica.index,
        replica.attempt + 1,
        size=wanted.size,
        restart_at=restart_at,
        failures=failures,
    )


def _may_move(replica: Replica, wanted: Wanted) -> bool:
    """It waits for nodes with pods made for other nodes, or from another template: nothing is lost."""
    return bool(replica.pods) and replica.holds_nothing and not replica.has_mark(wanted.mark)


def _group_as_it_is(replica: Replica, wanted: Wanted) -> tuple[Manifest, ...]:
    """The PodGroup put right where its owner's terms have changed; one at work keeps its size."""
    outdated = bool(replica.pods) and not replica.is_made_from(wanted.template)
    manifest = servicepods.group(
        wanted.service,
        replica.index,
        replica.attempt,
        size=replica.size if outdated else wanted.size,
        restart_at=replica.restart_at,
        failures=replica.failures,
    )
    there = replica.group.metadata if replica.group else None
    return (manifest,) if is_outdated(there, manifest, wanted.service) else ()


def _fill(replica: Replica, wanted: Wanted, seen: ObservedService) -> Outcome:
    """Pods that are missing, unless the others are of a template that is no longer the present one."""
    missing = tuple(rank for rank in range(wanted.size) if rank not in replica.pods)
    if not replica.is_made_from(wanted.template):
        missing = ()
    return Outcome(
        apply=_group_as_it_is(replica, wanted),
        create=servicepods.pods(wanted.service, replica.index, replica.attempt, missing, wanted.grant),
        delete=stranded(replica.pods.values(), seen),
        requeue_after=node_wait(replica.everyone, seen),
    )
