"""Clusters in a line or two: a builder takes only what a case is about.

    decide(cluster(rack("r1", nodes=2, gpu=8), pending("a", workers=2, gpu=8)))

Nodes of a rack `r1` are `r1-0`, `r1-1` ...; pods of a group `a` are `a-0`, `a-1` ...
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from powertrain_scheduler import cycle
from powertrain_scheduler.plan import Bind, Plan, Wait
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import (
    HostPort,
    NodeFacts,
    NodeTerm,
    PlacedPod,
    Pod,
    PodClass,
    PodGroup,
    PodSelector,
    PodTerm,
    Pool,
    Power,
    Queue,
    Quota,
    SharedDevice,
    Snapshot,
    Taint,
    Toleration,
    Topology,
)

NOW = 1_000_000.0
BLOCK, RACK = "topology/block", "topology/rack"
GPU = "nvidia.com/gpu"
H100 = Pool("h100", "h100-sxm", GPU, Power(70.0, 700.0, 500.0, 989.0), (BLOCK, RACK))


@dataclass(frozen=True)
class Node:
    name: str
    pool: str | None
    amounts: Mapping[str, int]
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    schedulable: bool = True


def rack(
    name: str,
    nodes: int,
    gpu: int = 0,
    *,
    block: str | None = None,
    pool: str | None = "h100",
    resource: str = GPU,
    cpu: int = 64,
    memory: int = 512,
    pods: int = 110,
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Taint] = (),
    cordoned: bool = False,
    extra: Mapping[str, int] | None = None,
) -> tuple[Node, ...]:
    """Nodes of one rack; `memory` in GiB, `pool=None` for nodes of no pool."""
    own = {RACK: name} | ({BLOCK: block} if block else {}) | dict(labels or {})
    amounts = {"pods": pods, "cpu": cpu * 1000, "memory": memory << 30} | dict(extra or {})
    if gpu:
        amounts[resource] = gpu
    carries = pool if gpu else None
    return tuple(
        Node(f"{name}-{i}", carries, amounts, own, tuple(taints), not cordoned) for i in range(nodes)
    )


def pod_class(
    gpu: int = 0, *, cpu: int = 1000, memory: int = 1, resource: str = GPU, **more: Any
) -> PodClass:
    """`cpu` in thousandths, `memory` in GiB; `extra` are further requests."""
    request = {"pods": 1, "cpu": cpu, "memory": memory << 30} | dict(more.pop("extra", {}))
    if gpu:
        request[resource] = gpu
    selector = tuple(sorted(more.pop("selector", {}).items()))
    return PodClass(tuple(sorted(request.items())), node_selector=selector, **more)


def pending(
    name: str,
    workers: int = 1,
    gpu: int = 0,
    *,
    min_member: int | None = None,
    queue: str = "default",
    created: float = 0.0,
    required: str | None = None,
    preferred: str | None = None,
    excluded: Sequence[str] = (),
    of: PodClass | None = None,
    also: Sequence[PodClass] = (),
    **more: Any,
) -> PodGroup:
    """A group that waits; `of` is its workers' class, `also` the classes of further members."""
    requests = {k: more.pop(k) for k in REQUESTS if k in more}
    worker = of or pod_class(gpu, **requests)
    pods = tuple(Pod(f"{name}-{i}", each) for i, each in enumerate([worker] * workers + list(also)))
    return PodGroup(
        name=name,
        queue=queue,
        min_member=len(pods) if min_member is None else min_member,
        created=created,
        waiting=more.pop("waiting", pods),
        topology=Topology(required, preferred),
        excluded_nodes=frozenset(excluded),
        **more,
    )


REQUESTS = ("cpu", "memory", "resource", "extra", "selector", "node_terms", "tolerations", "host_ports") + (
    *("volumes", "matched", "near", "apart", "drawn", "spread"),
)


def running(
    name: str,
    on: Sequence[str],
    gpu: int = 0,
    *,
    started: float | None = NOW - 100.0,
    leaving: bool = False,
    **more: Any,
) -> PodGroup:
    """A group that holds a node for each name in `on`; `waiting=n` more members want nodes."""
    extra = more.pop("waiting", 0)
    group = pending(name, len(on) + extra, gpu, **({"min_member": len(on)} | more))
    placed = tuple(
        PlacedPod(p.name, p.pod_class, node, leaving) for p, node in zip(group.waiting, on, strict=False)
    )
    return replace(group, placed=placed, waiting=group.waiting[len(on) :], started=started)


def queue(name: str, nominal: Mapping[str, int | Quota] | Quota | int | None = None, **more: Any) -> Queue:
    """A quota or number alone is that of h100-sxm."""
    named = {"h100-sxm": nominal} if isinstance(nominal, int | Quota) else (nominal or {})
    quotas = {key: value if isinstance(value, Quota) else Quota(value) for key, value in named.items()}
    return Queue(name, quotas=quotas, **more)


def cluster(
    *parts: tuple[Node, ...] | PodGroup | Queue | Pool, ports: Mapping[str, Sequence[HostPort]] | None = None
) -> Snapshot:
    """The snapshot of these nodes, groups, queues and pools; the pool of H100s is always there."""
    nodes = sorted((n for part in parts if isinstance(part, tuple) for n in part), key=lambda n: n.name)
    groups = {part.name: part for part in parts if isinstance(part, PodGroup)}
    pools = tuple(sorted([H100, *(p for p in parts if isinstance(p, Pool))], key=lambda p: p.name))
    pools = tuple({pool.name: pool for pool in pools}.values())
    extra = sorted({resource for node in nodes for resource in node.amounts} - {"pods", "cpu", "memory"})
    resources = ("pods", "cpu", "memory", *extra)
    number = {pool.name: i for i, pool in enumerate(pools)}
    facts = NodeFacts(
        names=tuple(node.name for node in nodes),
        resources=resources,
        allocatable=_table([[node.amounts.get(r, 0) for r in resources] for node in nodes], len(resources)),
        schedulable=np.array([node.schedulable for node in nodes], dtype=np.bool_),
        labels=tuple({"kubernetes.io/hostname": node.name, **node.labels} for node in nodes),
        taints=tuple(node.taints for node in nodes),
        pool=np.array([number.get(node.pool or "", -1) for node in nodes], dtype=np.int32),
    )
    everyone = [(pod, pod.leaving) for group in groups.values() for pod in group.placed]
    return Snapshot(
        nodes=facts,
        used=amounts(facts, [pod for pod, _ in everyone]),
        leaving=_leaving(facts, [pod for pod, _ in everyone]),
        host_ports=_ports(everyone, ports or {}),
        pools=pools,
        queues={part.name: part for part in parts if isinstance(part, Queue)},
        groups=groups,
        shared=shared([pod for pod, _ in everyone]),
        **neighbours(facts, [pod for pod, _ in everyone]),
    )


def _leaving(facts: NodeFacts, pods: Sequence[PlacedPod]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """What will be free once those that leave are gone: a split device only when all its shares are."""
    return amounts(facts, pods) - amounts(facts, [pod for pod in pods if not pod.leaving])


def _table(rows: list[list[int]], width: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


def amounts(facts: NodeFacts, pods: Sequence[PlacedPod]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """What these pods use, by node and resource."""
    used = np.zeros_like(facts.allocatable)
    for node, split in shared(pods).items():
        for device in split:
            used[facts.names.index(node), facts.resources.index(device.resource)] += 1
    for pod in pods:
        for resource, amount in pod.pod_class.request:
            used[facts.names.index(pod.node), facts.resources.index(resource)] += amount
    return used


def shared(pods: Sequence[PlacedPod]) -> dict[str, tuple[SharedDevice, ...]]:
    """The devices that these pods have shares of, by node."""
    used: dict[tuple[str, str, str], list[int]] = {}
    for pod in pods:
        if pod.pod_class.share and pod.device:
            resource, thousandths = pod.pod_class.share
            sums = used.setdefault((pod.node, resource, pod.device), [0, 0])
            sums[0] += thousandths
            sums[1] += thousandths if pod.leaving else 0
    by_node: dict[str, tuple[SharedDevice, ...]] = {}
    for (node, resource, name), (all_of_it, leaving) in sorted(used.items()):
        by_node[node] = (*by_node.get(node, ()), SharedDevice(resource, name, all_of_it, leaving))
    return by_node


def neighbours(facts: NodeFacts, pods: Sequence[PlacedPod]) -> dict[str, Any]:
    """`matching` and `repelling` of a snapshot in which these pods are placed."""
    matching: dict[PodSelector, Any] = {}
    repelling: dict[PodTerm, Any] = {}
    for pod in pods:
        row = facts.names.index(pod.node)
        for selector in pod.pod_class.matched:
            matching.setdefault(selector, np.zeros(len(facts.names), dtype=np.int64))[row] += 1
        for term in pod.pod_class.apart:
            repelling.setdefault(term, np.zeros(len(facts.names), dtype=np.int64))[row] += 1
    return {"matching": matching, "repelling": repelling}


def _ports(
    pods: Sequence[tuple[PlacedPod, bool]], more: Mapping[str, Sequence[HostPort]]
) -> dict[str, frozenset[HostPort]]:
    claimed: dict[str, set[HostPort]] = {node: set(ports) for node, ports in more.items()}
    for pod, _ in pods:
        if pod.pod_class.host_ports:
            claimed.setdefault(pod.node, set()).update(pod.pod_class.host_ports)
    return {node: frozenset(ports) for node, ports in claimed.items()}


# -- asking ------------------------------------------------------------------------------------------


def decide(snapshot: Snapshot, policy: Policy | None = None, now: float = NOW) -> Plan:
    """The plan, with the default policy at a fixed time."""
    return cycle.decide(snapshot, policy or Policy(), now)


def nodes(plan: Plan, group: str) -> tuple[str, ...]:
    """Where the group's pods go, in rank order."""
    return tuple(bind.node for bind in plan.binds if bind.group == group)


def bound(plan: Plan, group: str) -> tuple[str, ...]:
    """The group's pods that get nodes, by name."""
    return tuple(sorted(bind.pod for bind in plan.binds if bind.group == group))


def started(plan: Plan) -> set[str]:
    """Groups that get nodes."""
    return {bind.group for bind in plan.binds}


def evicted(plan: Plan) -> set[str]:
    """Pods that must leave."""
    return {evict.pod for evict in plan.evicts}


def wait(plan: Plan, group: str) -> Wait:
    """Why the group waits."""
    found = [each for each in plan.waits if each.group == group]
    assert len(found) == 1, f"{group} is told {len(found)} reasons: {plan}"
    return found[0]


# -- carrying out ------------------------------------------------------------------------------------


def carry_out(snapshot: Snapshot, plan: Plan, now: float = NOW) -> Snapshot:
    """The cluster once the plan's bindings are seen and its evictions have begun."""
    node_of = {bind.pod: bind for bind in plan.binds}
    leaving = {evict.pod for evict in plan.evicts}
    held = {reserve.group: reserve.nodes for reserve in plan.reserves if reserve.start <= now}
    moved = {evict.group for evict in plan.evicts if evict.reason == "Consolidated"}
    groups = {
        name: _after(
            replace(group, moved=now) if name in moved else group, node_of, leaving, held.get(name, ()), now
        )
        for name, group in snapshot.groups.items()
    }
    placed = [pod for group in groups.values() for pod in group.placed]
    strangers = snapshot.used - amounts(
        snapshot.nodes, [p for g in snapshot.groups.values() for p in g.placed]
    )
    gone = snapshot.leaving - _leaving(
        snapshot.nodes, [p for g in snapshot.groups.values() for p in g.placed]
    )
    ports = {node: set(claimed) for node, claimed in snapshot.host_ports.items()}
    for pod in placed:
        if pod.pod_class.host_ports:
            ports.setdefault(pod.node, set()).update(pod.pod_class.host_ports)
    return replace(
        snapshot,
        used=strangers + amounts(snapshot.nodes, placed),
        leaving=gone + _leaving(snapshot.nodes, placed),
        shared=shared(placed),
        host_ports={node: frozenset(claimed) for node, claimed in ports.items()},
        groups=groups,
        **neighbours(snapshot.nodes, placed),
    )


def _after(
    group: PodGroup, node_of: Mapping[str, Bind], leaving: set[str], held: tuple[str, ...], now: float
) -> PodGroup:
    new = tuple(
        PlacedPod(p.name, p.pod_class, node_of[p.name].node, False, p.subgroup, node_of[p.name].device)
        for p in group.waiting
        if p.name in node_of
    )
    placed = tuple(replace(p, leaving=p.leaving or p.name in leaving) for p in group.placed) + new
    enough = sum(not pod.leaving for pod in placed) >= group.min_member
    return replace(
        group,
        placed=placed,
        waiting=tuple(pod for pod in group.waiting if pod.name not in node_of),
        started=now if group.started is None and enough and new else group.started,
        nominated=held,
    )


def vacated(snapshot: Snapshot) -> Snapshot:
    """The cluster once every leaving pod is gone; its group's pods are made anew and wait."""
    groups = {}
    for name, group in snapshot.groups.items():
        stay = tuple(pod for pod in group.placed if not pod.leaving)
        new = tuple(pod.waits() for pod in group.placed if pod.leaving)
        running_still = len(stay) >= group.min_member
        groups[name] = replace(
            group, placed=stay, waiting=new + group.waiting, started=group.started if running_still else None
        )
    return replace(
        snapshot,
        used=snapshot.used - snapshot.leaving,
        leaving=np.zeros_like(snapshot.leaving),
        host_ports=_ports([(pod, False) for group in groups.values() for pod in group.placed], {}),
        shared=shared([pod for group in groups.values() for pod in group.placed]),
        groups=groups,
        **neighbours(snapshot.nodes, [pod for group in groups.values() for pod in group.placed]),
    )


__all__ = [
    "BLOCK", "GPU", "H100", "NOW", "RACK", "HostPort", "NodeTerm", "Policy", "Pool", "Power", "Quota", "Taint", "Toleration",
    "carry_out", "cluster", "decide", "evicted", "nodes", "pending", "pod_class", "queue", "rack", "running", "started",
    "vacated", "wait",
]  # fmt: skip
