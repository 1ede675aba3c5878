"""What a pod's own state says: where it stands, how it ended, whether anything can still stop it."""

from collections.abc import Mapping
from datetime import datetime

from powertrain_operator.reconcile.observed import NodeHealth
from powertrain_operator.reconcile.views import ContainerStatus, Metadata, Pod

UNKNOWN_NODE_SECONDS = 40.0
"""How long a pod may sit on a node that we have never seen: our watch of nodes may lag behind."""

_DISRUPTIONS = frozenset({"Evicted", "Preempting", "NodeShutdown", "Shutdown", "Terminated", "NodeLost"})
"""`status.reason` of failed pods that their node ended for its own sake, without DisruptionTarget."""

_REJECTIONS = ("OutOf", "UnexpectedAdmissionError", "NodeAffinity", "NodePorts", "TopologyAffinityError")
"""How `status.reason` begins where a kubelet would not take the pod at all."""


def number(text: str) -> int | None:
    """A label or annotation of ours as a number; None where it is missing or was tampered with."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def attempt_of(pod: Pod) -> int | None:
    return number(pod.metadata.labels.attempt)


def rank_of(pod: Pod) -> int | None:
    return number(pod.metadata.labels.rank)


def is_leaving(pod: Pod) -> bool:
    """Somebody has asked for its deletion."""
    return pod.metadata.deletion_timestamp is not None


def has_failed(pod: Pod) -> bool:
    return pod.status.phase == "Failed"


def has_succeeded(pod: Pod) -> bool:
    return pod.status.phase == "Succeeded"


def has_ended(pod: Pod) -> bool:
    return has_failed(pod) or has_succeeded(pod)


def is_running(pod: Pod) -> bool:
    """All its containers were started; says nothing about readiness."""
    return pod.status.phase == "Running" and not is_leaving(pod)


def is_bound(pod: Pod) -> bool:
    return bool(pod.spec.node_name)


def is_ready(pod: Pod) -> bool:
    return is_running(pod) and condition_is(pod, "Ready")


def condition_is(pod: Pod, type: str) -> bool:
    return any(each.type == type and each.status == "True" for each in pod.status.conditions)


def since(pod: Pod, type: str) -> float | None:
    """When the condition last changed, in seconds since the epoch."""
    return next(
        (_epoch(each.last_transition_time) for each in pod.status.conditions if each.type == type), None
    )


def disruption(pod: Pod) -> str | None:
    """Why somebody else ended the pod, as a clause; None where nobody says so."""
    for each in pod.status.conditions:
        if each.type == "DisruptionTarget" and each.status == "True":
            return each.message or each.reason
    if has_failed(pod) and pod.status.reason in _DISRUPTIONS:
        return pod.status.message or pod.status.reason
    return None


def is_rejected(pod: Pod) -> bool:
    """Its node's kubelet refused it before any container ran."""
    return has_failed(pod) and not pod.status.container_statuses and pod.status.reason.startswith(_REJECTIONS)


def node_is_gone(pod: Pod, nodes: Mapping[str, NodeHealth], now: float) -> bool:
    """Whether nothing can run the pod any more: its node was deleted, or was never there."""
    if not is_bound(pod):
        return False
    health = nodes.get(pod.spec.node_name)
    if health is not None:
        return health == NodeHealth.GONE
    bound_at = since(pod, "PodScheduled")
    return bound_at is not None and now - bound_at >= UNKNOWN_NODE_SECONDS


def unknown_node_wait(pod: Pod, nodes: Mapping[str, NodeHealth], now: float) -> float | None:
    """Seconds until `node_is_gone` turns true if the node does not show up; None: it never will by itself."""
    if not is_bound(pod) or pod.spec.node_name in nodes or has_ended(pod):
        return None
    bound_at = since(pod, "PodScheduled")
    if bound_at is None:
        return None
    return max(bound_at + UNKNOWN_NODE_SECONDS - now, 0.0) or None


def is_stuck(pod: Pod, nodes: Mapping[str, NodeHealth]) -> bool:
    """It is leaving, but its node does not answer, so nobody can say that it has stopped."""
    return is_leaving(pod) and nodes.get(pod.spec.node_name) == NodeHealth.UNREADY


def ending(pod: Pod) -> str:
    """How a failed pod ended, as a clause: `failed with exit code 137 (OOMKilled)`."""
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        ended = status.state.terminated
        if ended is not None and ended.exit_code != 0:
            told = f" ({ended.reason})" if ended.reason not in ("", "Error") else ""
            return f"failed with exit code {ended.exit_code}{told}"
    why = ": ".join(part for part in (pod.status.reason, pod.status.message) if part)
    return f"failed ({why})" if why else "failed"


def ended_at(pod: Pod) -> float:
    """When its first failed container ended; infinity where nobody says."""
    times = [
        _epoch(status.state.terminated.finished_at)
        for status in pod.status.container_statuses
        if status.state.terminated is not None and status.state.terminated.exit_code != 0
    ]
    return min((time for time in times if time is not None), default=float("inf"))


def hindrance(pod: Pod) -> str | None:
    """What keeps a bound pod's containers from starting, as a clause: `ImagePullBackOff: ...`."""
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if (clause := _hindrance(status)) is not None:
            return clause
    return None


def _hindrance(status: ContainerStatus) -> str | None:
    waiting = status.state.waiting
    if waiting is None or waiting.reason in ("", "ContainerCreating", "PodInitializing"):
        return None
    return f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason


def describe(metadata: Metadata) -> str:
    """A pod as its owner knows it: `worker 3`, or by its name."""
    rank = number(metadata.labels.rank)
    return metadata.name if rank is None else f"worker {rank}"


def _epoch(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
