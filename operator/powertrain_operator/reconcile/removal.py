"""Getting rid of pods, and of a PodGroup: what still has to be asked for, and when to look again."""

from collections.abc import Iterable

from powertrain_operator.reconcile.children import Owner, deletion, is_owned
from powertrain_operator.reconcile.observed import ObservedJob, ObservedService
from powertrain_operator.reconcile.outcome import Deletion
from powertrain_operator.reconcile.podstate import has_ended, is_leaving, node_is_gone, unknown_node_wait
from powertrain_operator.reconcile.views import Pod, PodGroup

Seen = ObservedJob | ObservedService


def removals(pods: Iterable[Pod], seen: Seen) -> tuple[Deletion, ...]:
    """The deletions that are still needed to get rid of the pods.

    A pod that is leaving is left to its node's kubelet, and is removed by force only where that
    node is gone: on a node that merely does not answer, its containers may still be running.
    """
    found = (_removal(pod, seen) for pod in pods)
    return tuple(each for each in found if each is not None)


def _removal(pod: Pod, seen: Seen) -> Deletion | None:
    if node_is_gone(pod, seen.fleet.nodes, seen.now):
        return deletion("Pod", pod.metadata, grace_seconds=0)
    return None if is_leaving(pod) else deletion("Pod", pod.metadata)


def stranded(pods: Iterable[Pod], seen: Seen) -> tuple[Deletion, ...]:
    """Deletions of the pods that can never run or end, since their nodes are gone."""
    nodes, now = seen.fleet.nodes, seen.now
    return removals((pod for pod in pods if not has_ended(pod) and node_is_gone(pod, nodes, now)), seen)


def group_removal(group: PodGroup | None, owner: Owner) -> tuple[Deletion, ...]:
    """The deletion of our PodGroup, which gives up its place in line."""
    if group is None or not is_owned(group.metadata, owner) or group.metadata.deletion_timestamp:
        return ()
    return (deletion("PodGroup", group.metadata),)


def node_wait(pods: Iterable[Pod], seen: Seen) -> float | None:
    """Seconds until a pod on a node that we have never seen counts as stranded; None: there is none."""
    waits = (unknown_node_wait(pod, seen.fleet.nodes, seen.now) for pod in pods)
    return soonest(*waits)


def soonest(*waits: float | None) -> float | None:
    """The shortest of the waits that there are."""
    return min((wait for wait in waits if wait is not None), default=None)
