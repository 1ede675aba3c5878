"""The virtual cluster that a case describes."""

from collections.abc import Iterator, Mapping

import numpy as np
from powertrain_scheduler.fleet import DEFAULT_QUEUE
from powertrain_scheduler.replay.virtual import VirtualCluster
from powertrain_scheduler.snapshot import (
    CPU,
    MEMORY,
    PODS,
    NodeFacts,
    PlacedPod,
    Pod,
    PodGroup,
    Pool,
    Power,
    Queue,
    Quota,
)

from scenarios import case as cases
from scenarios.case import Case, Job, Pods
from scenarios.read.cluster import ENDLESS, QUEUE_PRIORITY
from scenarios.read.jobs import GPU

NOW = 1_000_000.0
POOL = "gpu"
WHOLE = 1000
"""Thousandths of a device."""
KINDS = {"gpus": POOL, "cpu": "cpu", "memory": "memory"}
"""What queues count amounts as."""


def build(case: Case) -> VirtualCluster:
    """The cluster as the case begins."""
    pool = Pool(POOL, POOL, GPU, Power(0.0, 0.0, 0.0), case.levels)
    queues = {each.name: _queue(each, age) for age, each in enumerate(case.queues)}
    cluster = VirtualCluster(_nodes(case), (pool,), queues, NOW)
    devices = _devices(case)
    for job in case.jobs:
        cluster.submit(_group(job, devices))
    return cluster


def _devices(case: Case) -> dict[str, str]:
    """By pod, the device that it has a share of: the named one, else the fullest that has room, else a new one."""
    used: dict[str, dict[str, int]] = {node.name: {} for node in case.nodes}
    found: dict[str, str] = {}
    there = [(name, pods) for job in case.jobs for name, pods in numbered(job) if _shares(pods)]
    for name, pods in sorted(there, key=lambda each: not each[1].device):
        assert pods.on is not None
        assert pods.pod_class.share is not None
        on_node, part = used[pods.on], pods.pod_class.share[1]
        room = [device for device, sum_ in on_node.items() if sum_ + part <= WHOLE]
        new = next(str(i) for i in range(len(on_node) + 1) if str(i) not in on_node)
        device = pods.device or max(room, key=lambda each: on_node[each], default=new)
        on_node[device] = on_node.get(device, 0) + part
        found[name] = device
    return found


def _shares(pods: Pods) -> bool:
    return pods.on is not None and pods.state != "finished" and pods.pod_class.share is not None


def _nodes(case: Case) -> NodeFacts:
    nodes = sorted(case.nodes, key=lambda node: node.name)
    cpu = _unsaid("cpu", [node.cpu for node in nodes])
    memory = _unsaid("memory", [node.memory for node in nodes])
    table = [
        [
            ENDLESS["gpus"] if node.max_pods is None else node.max_pods,
            cpu if node.cpu is None else node.cpu,
            memory if node.memory is None else node.memory,
            node.gpus,
        ]
        for node in nodes
    ]
    return NodeFacts(
        names=tuple(node.name for node in nodes),
        resources=(PODS, CPU, MEMORY, GPU),
        allocatable=np.array(table, dtype=np.int64).reshape(len(nodes), 4),
        schedulable=np.array([node.ready and not node.cordoned for node in nodes], dtype=np.bool_),
        labels=tuple(node.labels for node in nodes),
        taints=tuple(node.taints for node in nodes),
        pool=np.zeros(len(nodes), dtype=np.int32),
        ready=np.array([node.ready for node in nodes], dtype=np.bool_),
    )


def _unsaid(kind: str, amounts: list[int | None]) -> int:
    """What a node has that says nothing: more than enough where no node says anything, else none."""
    return ENDLESS[kind] if all(amount is None for amount in amounts) else 0


def _queue(queue: cases.Queue, age: int) -> Queue:
    quotas = {}
    for kind, each in queue.amounts.items():
        limit = ENDLESS[kind] if each.limit is None else each.limit
        nominal = min(each.quota or 0, limit)
        quotas[KINDS[kind]] = Quota(nominal, limit - nominal if limit < ENDLESS[kind] else None)
    return Queue(
        name=queue.name,
        parent=queue.parent,
        quotas=quotas,
        weight=queue.weight,
        created=float(age),
        priority=queue.priority - QUEUE_PRIORITY,
        preemption=queue.evicts,
    )


def _group(job: Job, devices: Mapping[str, str]) -> PodGroup:
    """The job's group: its pods by `pod_priority`, then as they are listed."""
    listed = list(numbered(job))
    ordered = sorted(listed, key=lambda each: -each[1].priority)
    there = [(name, pods) for name, pods in ordered if pods.on is not None and pods.state != "finished"]
    minimum = max(0, _minimum(job) - sum(pods.state == "finished" for _, pods in listed))
    running = sum(pods.state != "terminating" for _, pods in there)
    evictable = any(pods.preemptible for _, pods in listed)
    return PodGroup(
        name=job.name,
        queue=job.queue or DEFAULT_QUEUE,
        min_member=minimum,
        created=job.created,
        priority=job.priority,
        waiting=tuple(Pod(name, pods.pod_class, pods.part) for name, pods in ordered if pods.on is None),
        placed=tuple(_placed(name, pods, evictable, devices.get(name, "")) for name, pods in there),
        topology=job.topology,
        preemptible=evictable,
        expected_seconds=job.runtime,
        started=NOW if running and running >= minimum else None,
        subgroups=job.parts,
        min_subgroups=job.min_subgroups,
    )


def numbered(job: Job) -> Iterator[tuple[str, Pods]]:
    """Each of the job's pods by name, in the order in which they are listed."""
    listed = [pods for pods in job.pods for _ in range(pods.count)]
    for number, pods in enumerate(listed):
        yield f"{job.name}-{number}", pods


def _placed(name: str, pods: Pods, evictable: bool, device: str) -> PlacedPod:
    assert pods.on is not None
    return PlacedPod(
        name=name,
        pod_class=pods.pod_class,
        node=pods.on,
        leaving=pods.state == "terminating",
        subgroup=pods.part,
        device=device,
        fixed=evictable and not pods.preemptible,
    )


def _minimum(job: Job) -> int:
    """Pods the job needs at least: what it says, else all, or else what its parts need."""
    if job.least is not None:
        return job.least
    if not any(part.min_member for part in job.parts):
        return sum(pods.count for pods in job.pods)
    parts = {part.name for part in job.parts}
    own = sum(pods.count for pods in job.pods if pods.part not in parts)
    return own + _needed(job, "", job.min_subgroups)


def _needed(job: Job, parent: str, least: int | None) -> int:
    """Pods that the parts of `parent` need at least, `least` of them, the smallest."""
    needs = sorted(
        max(part.min_member, _needed(job, part.name, part.min_subgroups))
        for part in job.parts
        if part.parent == parent
    )
    return sum(needs if least is None else needs[:least])
