"""What went wrong with a gang, told from its pods: who, how, where, and whether it counts.

A gang fails as a whole, and one cause fells many workers: when a node goes, its peers die of broken
connections. So a disruption anywhere explains the failures beside it, and only where there is none is
the worker blamed that failed first.
"""

from dataclasses import dataclass

from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.reconcile.gang import Gang
from powertrain_operator.reconcile.observed import NodeHealth, ObservedJob
from powertrain_operator.reconcile.podstate import (
    describe,
    disruption,
    ended_at,
    ending,
    has_ended,
    has_failed,
    has_succeeded,
    is_leaving,
    is_rejected,
    node_is_gone,
)
from powertrain_operator.reconcile.reasons import Reason
from powertrain_operator.reconcile.views import Pod


@dataclass(frozen=True, slots=True)
class Mishap:
    """Why the present attempt is over."""

    reason: Reason
    message: str
    """A clause that names the worker and the node: the restart's own words are put behind it."""
    counts: bool = False
    """Toward maxRestarts."""
    waits: bool = False
    """The next attempt waits, since it may meet the same fate at once."""
    blamed_node: str | None = None
    """Where the job should not go again if this happens there twice."""


def mishap_of(gang: Gang, seen: ObservedJob, *, ran: bool) -> Mishap | None:
    """What ended the present attempt, None where nothing did.

    `ran`: all its workers have run together. Before that a worker that is deleted or loses its
    node is simply made anew: it has met nobody yet.
    """
    lost = _lost(gang, seen) if ran else None
    failed = [pod for _, pod in gang.in_order() if has_failed(pod) and not is_leaving(pod)]
    if lost or not failed:
        return lost
    return _disrupted(failed) or _beside_lost_node(gang, seen) or _rejected(failed) or _failed(failed)


def _lost(gang: Gang, seen: ObservedJob) -> Mishap | None:
    """A worker of a running gang that is gone, on its way out, or on a node that is no more."""
    for rank, pod in gang.in_order():
        if has_succeeded(pod):
            continue
        if node_is_gone(pod, seen.fleet.nodes, seen.now) and not has_ended(pod):
            return Mishap(Reason.NODE_LOST, f"node {pod.spec.node_name} of worker {rank} is gone")
        if is_leaving(pod):
            return _evicted(seen) or Mishap(Reason.WORKER_DISRUPTED, f"worker {rank} {_why_leaving(pod)}")
    if gang.missing:
        return _evicted(seen) or Mishap(Reason.WORKER_DISRUPTED, f"worker {gang.missing[0]} was deleted")
    return None


def _why_leaving(pod: Pod) -> str:
    why = disruption(pod)
    return f"was disrupted{_where(pod)} ({why})" if why else f"was deleted{_where(pod)}"


def _evicted(seen: ObservedJob) -> Mishap | None:
    """What the placement process says of an eviction of this attempt, not of an earlier one."""
    group, evicted = seen.group, seen.group.status.evicted if seen.group else None
    if group is None or evicted is None or evicted.time is None:
        return None
    placed = group.status.scheduled_time
    if placed is not None and evicted.time < placed:
        return None
    at = to_rfc3339(evicted.time.timestamp())
    return Mishap(Reason.EVICTED, f"evicted ({evicted.reason}) in favour of {evicted.for_group} at {at}")


def _disrupted(failed: list[Pod]) -> Mishap | None:
    """A failure that somebody else brought about. A node that ran out of something may do so again."""
    for pod in failed:
        if (why := disruption(pod)) is not None:
            message = f"{describe(pod.metadata)} was disrupted{_where(pod)} ({why})"
            return Mishap(Reason.WORKER_DISRUPTED, message, waits=pod.status.reason == "Evicted")
    return None


def _beside_lost_node(gang: Gang, seen: ObservedJob) -> Mishap | None:
    """Workers fail when a peer falls silent, and before anybody says that its node is lost."""
    for rank, pod in gang.in_order():
        health = seen.fleet.nodes.get(pod.spec.node_name, NodeHealth.READY)
        if health != NodeHealth.READY and not has_succeeded(pod):
            how = "is gone" if health == NodeHealth.GONE else "does not answer"
            return Mishap(Reason.NODE_LOST, f"node {pod.spec.node_name} of worker {rank} {how}")
    return None


def _rejected(failed: list[Pod]) -> Mishap | None:
    for pod in failed:
        if is_rejected(pod):
            why = pod.status.message or pod.status.reason
            message = f"{describe(pod.metadata)} was rejected{_where(pod)} ({why})"
            return Mishap(Reason.POD_REJECTED, message, waits=True, blamed_node=pod.spec.node_name or None)
    return None


def _failed(failed: list[Pod]) -> Mishap:
    """The worker whose container ended first: the others most likely died of its death."""
    first = min(failed, key=ended_at)
    return Mishap(
        Reason.WORKER_FAILED,
        f"{describe(first.metadata)} {ending(first)}{_where(first)}",
        counts=True,
        waits=True,
        blamed_node=first.spec.node_name or None,
    )


def _where(pod: Pod) -> str:
    return f" on node {pod.spec.node_name}" if pod.spec.node_name else ""
