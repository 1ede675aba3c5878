"""From what was seen to what is shown: lines of text, no terminal and no cluster."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from powertrain_operator.api.cluster import Node, Pod
from powertrain_operator.api.names import LABEL_JOB, LABEL_SERVICE
from powertrain_operator.api.quantity import whole

from demo.world import Pool, Workload, World

_NUMBERED = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)$")
NOT_SEEN = "-"
"""Stands for what nobody has written yet."""
_CONTENT = frozenset({"Running", "Ready", "Succeeded"})
"""Phases in which nobody asks why."""
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class WorkloadLine:
    """One workload as the table shows it."""

    kind: str
    name: str
    phase: str
    ready: str
    where: str
    """Its nodes, and the narrowest domain that holds them all."""
    why: str
    """What it waits for or suffers from, and when it is expected to start; empty while all is well."""


@dataclass(frozen=True, slots=True)
class PoolLine:
    """One pool as the table shows it."""

    name: str
    accelerator: str
    nodes: str
    allocated: str
    watts: str
    kilowatt_hours: str


@dataclass(frozen=True, slots=True)
class NodeLine:
    """What sits on one node."""

    node: str
    pods: tuple[str, ...]
    devices: str
    """Held and present, `8/8 nvidia.com/gpu`."""


def workload_lines(world: World) -> list[WorkloadLine]:
    return [_workload_line(workload, world) for workload in world.all_workloads()]


def _workload_line(workload: Workload, world: World) -> WorkloadLine:
    status = workload.status
    return WorkloadLine(
        kind=workload.kind,
        name=workload.metadata.name,
        phase=status.phase or NOT_SEEN,
        ready=workload.ready or NOT_SEEN,
        where=place(nodes_of(workload.metadata.name, world.pods.values()), world.nodes, world.pools.values()),
        why="" if status.phase in _CONTENT else why(status.reason, status.message, status.estimated_start),
    )


def why(reason: str, message: str, start: datetime | None) -> str:
    """Reason and sentence, and the expected start as a time of day in the local zone."""
    told = f"{reason}: {message}" if reason and message else reason or message
    if start is None:
        return told
    return f"{told} (expected to start at {start.astimezone():%H:%M:%S})".strip()


def nodes_of(name: str, pods: Iterable[Pod]) -> list[str]:
    """Nodes that the workload's pods hold now, sorted as a person counts."""
    found = {pod.spec.node_name for pod in pods if owner(pod) == name and holds_node(pod)}
    return sorted(found, key=_natural)


def owner(pod: Pod) -> str:
    """Name of the workload that the pod was made for."""
    labels = pod.metadata.labels
    return labels.get(LABEL_JOB) or labels.get(LABEL_SERVICE) or ""


def holds_node(pod: Pod) -> bool:
    return bool(pod.spec.node_name) and pod.status.phase not in _FINISHED


def place(names: Sequence[str], nodes: Mapping[str, Node], pools: Iterable[Pool]) -> str:
    """`h100-4..7 (rack h100-rack-1)`: the nodes in few words, and the narrowest domain around them."""
    if not names:
        return ""
    levels = list(dict.fromkeys(level for pool in pools for level in pool.spec.topology_levels))
    around = domain([nodes[name] for name in names if name in nodes], levels)
    return f"{ranges(names)} ({around})" if around else ranges(names)


def domain(nodes: Sequence[Node], levels: Sequence[str]) -> str:
    """The narrowest level at which all nodes are together; `levels` from the widest to the narrowest."""
    for level in reversed(levels):
        values = {node.metadata.labels.get(level, "") for node in nodes}
        if len(values) == 1 and (value := values.pop()):
            return f"{level.rpartition('/')[2]} {value}"
    return ""


def ranges(names: Iterable[str]) -> str:
    """`a-0..2, a-5, b-1`: names with consecutive numbers as one."""
    runs: list[list[str]] = []
    for name in sorted(names, key=_natural):
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}..{_natural(run[-1])[1]}" for run in runs)


def _follows(earlier: str, later: str) -> bool:
    (prefix, number), (other_prefix, other_number) = _natural(earlier), _natural(later)
    return prefix == other_prefix and other_number == number + 1


def _natural(name: str) -> tuple[str, int]:
    parts = _NUMBERED.match(name)
    return (parts["prefix"], int(parts["number"])) if parts else (name, -1)


def pool_lines(pools: Iterable[Pool]) -> list[PoolLine]:
    return [_pool_line(pool) for pool in sorted(pools, key=lambda pool: pool.metadata.name)]


def _pool_line(pool: Pool) -> PoolLine:
    status = pool.status
    return PoolLine(
        name=pool.metadata.name,
        accelerator=pool.spec.accelerator,
        nodes=str(status.nodes),
        allocated=f"{status.allocated}/{status.devices}",
        watts=NOT_SEEN if status.watts is None else f"{status.watts:,.0f}",
        kilowatt_hours=NOT_SEEN if status.kilowatt_hours is None else f"{status.kilowatt_hours:.3f}",
    )


def node_lines(world: World) -> list[NodeLine]:
    """Every node that holds a pod, with its pods."""
    found: dict[str, list[Pod]] = {}
    for pod in world.pods.values():
        if holds_node(pod):
            found.setdefault(pod.spec.node_name, []).append(pod)
    resources = {pool.spec.resource_name for pool in world.pools.values()}
    return [
        _node_line(name, found[name], world.nodes.get(name), resources)
        for name in sorted(found, key=_natural)
    ]


def _node_line(name: str, pods: Sequence[Pod], node: Node | None, resources: set[str]) -> NodeLine:
    names = sorted((pod.metadata.name for pod in pods), key=_natural)
    present = node.status.allocatable if node else {}
    devices = [
        f"{sum(_held(pod, resource) for pod in pods)}/{present[resource]} {resource}"
        for resource in sorted(resources & present.keys())
    ]
    return NodeLine(name, tuple(names), ", ".join(devices))


def _held(pod: Pod, resource: str) -> int:
    return sum(whole(container.resources.limits.get(resource, 0)) for container in pod.spec.containers)
