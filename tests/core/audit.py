"""What no plan may do, checked one thing after another from the snapshot and the plan alone.

Written apart from the core on purpose: loops over dicts, nothing of the core's own searches.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from core.builders import NOW
from powertrain_scheduler import columns, fit
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PlacedPod, PodGroup, Snapshot, SubGroup

Held = list[tuple[PodGroup, PlacedPod]]


def violations(snapshot: Snapshot, plan: Plan, policy: Policy | None = None) -> list[str]:
    """Sentences; empty for a plan that keeps every promise."""
    return [
        *_nodes(snapshot, plan),
        *_rules(snapshot, plan, policy or Policy()),
        *_gangs(snapshot, plan),
        *_domains(snapshot, plan),
        *_quotas(snapshot, plan),
        *_evictions(snapshot, plan),
        *_words(snapshot, plan),
    ]


def new(snapshot: Snapshot, plan: Plan) -> Held:
    """The plan's bindings as placed pods, with their groups, in the order of the groups' ranks."""
    bound = {bind.pod: bind for bind in plan.binds}
    return [
        (
            group,
            PlacedPod(
                pod.name, pod.pod_class, bound[pod.name].node, False, pod.subgroup, bound[pod.name].device
            ),
        )
        for group in snapshot.groups.values()
        for pod in group.waiting
        if pod.name in bound
    ]


def stays(snapshot: Snapshot, plan: Plan) -> Held:
    """What is placed now and neither leaves nor is evicted."""
    gone = {evict.pod for evict in plan.evicts}
    return [
        (group, pod)
        for group in snapshot.groups.values()
        for pod in group.placed
        if not pod.leaving and pod.name not in gone
    ]


def _nodes(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    facts, rows = snapshot.nodes, columns.row_of(snapshot.nodes)
    used: dict[tuple[str, str], int] = {}
    split: Counter[tuple[str, str, str]] = Counter()
    for node, devices in snapshot.shared.items():
        for device in devices:
            split[node, device.resource, device.name] = device.used
    for name, row in rows.items():
        for column, resource in enumerate(facts.resources):
            used[name, resource] = int(snapshot.used[row, column])
    added = new(snapshot, plan)
    if len({pod.name for _, pod in added}) != len(plan.binds):
        yield "a pod is bound twice, or one that does not wait"
    for _, pod in added:
        for resource, amount in pod.pod_class.request:
            used[pod.node, resource] = used.get((pod.node, resource), 0) + amount
        if pod.pod_class.share:
            resource, part = pod.pod_class.share
            key = (pod.node, resource, pod.device)
            if not pod.device:
                yield f"{pod.name} has a share of no device"
            used[pod.node, resource] += key not in split
            split[key] += part
    for key, thousandths in split.items():
        if thousandths > 1000:
            yield f"device {key} is over-committed: {thousandths}"
    for node in {pod.node for _, pod in added}:
        for column, resource in enumerate(facts.resources):
            if used[node, resource] > int(facts.allocatable[rows[node], column]):
                yield f"{node} is over-committed in {resource}"
    ports = Counter(
        (pod.node, port) for _, pod in [*added, *stays(snapshot, plan)] for port in pod.pod_class.host_ports
    )
    yield from (f"host port {key} is claimed {count} times" for key, count in ports.items() if count > 1)


def _rules(snapshot: Snapshot, plan: Plan, policy: Policy) -> Iterator[str]:
    facts, rows = snapshot.nodes, columns.row_of(snapshot.nodes)
    everybody = [*new(snapshot, plan), *((g, p) for g in snapshot.groups.values() for p in g.placed)]

    def domain(key: str, node: str) -> str | None:
        return facts.labels[rows[node]].get(key)

    for group, pod in new(snapshot, plan):
        if not fit.static(facts, pod.pod_class)[rows[pod.node]] or not facts.schedulable[rows[pod.node]]:
            yield f"{pod.name} goes to {pod.node} against its rules"
        if pod.node in group.excluded_nodes or group.failures.get(pod.node, 0) >= policy.node_failures:
            yield f"{pod.name} goes to {pod.node}, which failed its group"
        for term in pod.pod_class.apart:
            near = [
                other.name
                for _, other in everybody
                if other.name != pod.name
                and term.selector in other.pod_class.matched
                and domain(term.key, other.node) == domain(term.key, pod.node)
            ]
            if near and domain(term.key, pod.node) is not None:
                yield f"{pod.name} keeps apart from {near}"


def _gangs(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    after: dict[str, list[PlacedPod]] = defaultdict(list)
    for group, pod in [*stays(snapshot, plan), *new(snapshot, plan)]:
        after[group.name].append(pod)
    for name in {bind.group for bind in plan.binds} | {evict.group for evict in plan.evicts}:
        group, pods = snapshot.groups[name], after[name]
        if not pods and name not in {bind.group for bind in plan.binds}:
            continue  # evicted whole
        if not complete(group, pods):
            yield f"{name} is left with {len(pods)} pods, a part of itself"
        sizes = [each.size for each in group.topology.slices]
        if sizes and not group.subgroups and len(pods) % sizes[0]:
            yield f"{name} is left with a part of a slice"


def complete(group: PodGroup, pods: list[PlacedPod]) -> bool:
    """Whether these pods are at least the group's minimum, part by part."""
    if not _enough(
        group.min_member, group.min_subgroups, [p for p in group.subgroups if not p.parent], group, pods
    ):
        return False
    return all(_whole(part, group, pods) or not _inside(part, group, pods) for part in group.subgroups)


def _whole(part: SubGroup, group: PodGroup, pods: list[PlacedPod]) -> bool:
    children = [each for each in group.subgroups if each.parent == part.name]
    return _enough(part.min_member, part.min_subgroups, children, group, _inside(part, group, pods))


def _inside(part: SubGroup, group: PodGroup, pods: list[PlacedPod]) -> list[PlacedPod]:
    names = {part.name}
    for _ in group.subgroups:
        names |= {each.name for each in group.subgroups if each.parent in names}
    return [pod for pod in pods if pod.subgroup in names]


def _enough(
    members: int, parts: int | None, children: list[SubGroup], group: PodGroup, pods: list[PlacedPod]
) -> bool:
    whole = sum(_whole(each, group, pods) and bool(_inside(each, group, pods)) for each in children)
    return len(pods) >= members and whole >= (len(children) if parts is None else min(parts, len(children)))


def _domains(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    facts, rows = snapshot.nodes, columns.row_of(snapshot.nodes)

    def names(key: str, pods: list[PlacedPod]) -> set[str | None]:
        return {facts.labels[rows[pod.node]].get(key) for pod in pods}

    by_group: dict[str, list[PlacedPod]] = defaultdict(list)
    for group, pod in new(snapshot, plan):
        by_group[group.name].append(pod)
    for name, pods in by_group.items():
        group = snapshot.groups[name]
        wants = [(group.topology.required, pods)]
        wants += [(part.topology.required, _inside(part, group, pods)) for part in group.subgroups]
        for key, members in wants:
            if key and members and (len(names(key, members)) > 1 or None in names(key, members)):
                yield f"{name} is spread over {names(key, members)} of {key}"
        for each in group.topology.slices if not group.subgroups and not group.placed else ():
            for start in range(0, len(pods), each.size):
                block = pods[start : start + each.size]
                if len(names(each.within, block)) > 1:
                    yield f"{name}: the slice from rank {start} on is spread over {names(each.within, block)}"
        models: dict[str, set[str]] = defaultdict(set)
        for pod in pods:
            number = int(facts.pool[rows[pod.node]])
            for resource in [r for r, n in pod.pod_class.request if "/" in r and n]:
                if number >= 0 and snapshot.pools[number].resource == resource:
                    models[resource].add(snapshot.pools[number].accelerator)
        yield from (f"{name} is on {found}" for found in models.values() if len(found) > 1)


def _quotas(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    before = [(g, p) for g in snapshot.groups.values() for p in g.placed]
    added = new(snapshot, plan)
    starting = {group.name for group, _ in added if not any(not pod.leaving for pod in group.placed)}
    for name, queue in snapshot.queues.items():
        mine = {g.name for g in snapshot.groups.values() if name in _path(snapshot, g.queue)}
        for kind, quota in queue.quotas.items():
            grown = sum(_takes(snapshot, kind, p) for g, p in added if g.name in mine)
            after = grown + sum(_takes(snapshot, kind, p) for g, p in before if g.name in mine)
            limit = None if quota.borrowing_limit is None else quota.nominal + quota.borrowing_limit
            if grown and limit is not None and after > limit * _unit(kind):
                yield f"queue {name} holds {after} of at most {limit} {kind}"
            fixed = sum(_takes(snapshot, kind, p) for g, p in added if g.name in mine and not g.preemptible)
            held = fixed + sum(
                _takes(snapshot, kind, p) for g, p in before if g.name in mine and not g.preemptible
            )
            if fixed and held > quota.nominal * _unit(kind):
                yield f"fixed work of queue {name} holds {held} of its {quota.nominal} {kind}"
        running = {g.name for g, _ in before if g.name in mine} | (starting & mine)
        if queue.max_running is not None and starting & mine and len(running) > queue.max_running:
            yield f"queue {name} runs {len(running)} groups of at most {queue.max_running}"


def _path(snapshot: Snapshot, queue: str) -> list[str]:
    path: list[str] = []
    at: str | None = queue
    while at is not None and at not in path:
        path.append(at)
        at = snapshot.queues[at].parent if at in snapshot.queues else None
    return path


def _unit(kind: str) -> int:
    return 1 if kind in ("cpu", "memory") else 1000


def _takes(snapshot: Snapshot, kind: str, pod: PlacedPod) -> int:
    """Of an accelerator in thousandths of a device, else in the resource's own unit."""
    request = dict(pod.pod_class.request)
    if kind in ("cpu", "memory"):
        return request.get(kind, 0)
    rows = columns.row_of(snapshot.nodes)
    number = int(snapshot.nodes.pool[rows[pod.node]]) if pod.node in rows else -1
    if number < 0 or snapshot.pools[number].accelerator != kind:
        return 0
    share = pod.pod_class.share
    resource = snapshot.pools[number].resource
    return request.get(resource, 0) * 1000 + (share[1] if share and share[0] == resource else 0)


def _evictions(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    pods = {pod.name: (group, pod) for group in snapshot.groups.values() for pod in group.placed}
    if len({evict.pod for evict in plan.evicts}) != len(plan.evicts):
        yield "a pod is evicted twice"
    served = {each.group for each in plan.binds} | {each.group for each in plan.reserves if each.start <= NOW}
    for evict in plan.evicts:
        group, pod = pods[evict.pod]
        claimant = snapshot.groups[evict.for_group]
        if not group.preemptible or pod.fixed or pod.leaving:
            yield f"{pod.name} may not be evicted"
        if evict.for_group not in served:
            yield f"{pod.name} leaves for {evict.for_group}, which gets nothing"
        if evict.reason == "Preempted" and not (
            group.queue == claimant.queue and group.priority < claimant.priority
        ):
            yield f"{pod.name} is preempted by its equal {claimant.name}"
        if evict.reason == "Reclaimed" and group.queue == claimant.queue:
            yield f"{pod.name} is reclaimed by its own queue"
        rules = snapshot.queues[claimant.queue].preemption if claimant.queue in snapshot.queues else None
        if rules and evict.reason == "Preempted" and rules.within == "never":
            yield f"queue {claimant.queue} never preempts"
        if rules and evict.reason == "Reclaimed":
            if rules.across == "never" and rules.borrowing is None:
                yield f"queue {claimant.queue} never reclaims"
            if rules.across == "lower" and rules.borrowing is None and group.priority >= claimant.priority:
                yield f"{pod.name} is not of lower priority than {claimant.name}"
    yield from _too_young(snapshot, plan)


def _too_young(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    """Groups that lose their minimum before they ran as long as their queue, or the next above, promises."""
    gone = Counter(evict.group for evict in plan.evicts)
    for name in gone:
        group = snapshot.groups[name]
        left = [pod for owner, pod in stays(snapshot, plan) if owner.name == name]
        said = [
            snapshot.queues[queue].minimum_runtime
            for queue in _path(snapshot, group.queue)
            if queue in snapshot.queues and snapshot.queues[queue].minimum_runtime
        ]
        if said and not left and group.started is not None and NOW < group.started + said[0]:
            yield f"{name} runs for {NOW - group.started:g} s of the {said[0]:g} s it was promised"


def _words(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    told = Counter(wait.group for wait in plan.waits)
    yield from (f"{name} is told {count} reasons" for name, count in told.items() if count > 1)
    for wait in plan.waits:
        if not wait.message or "\n" in wait.message:
            yield f"{wait.group} is told nothing, or too much"
    silent = {name for name, ready in zip(snapshot.nodes.names, _ready(snapshot), strict=True) if not ready}
    there = {
        group.name
        for group in snapshot.groups.values()
        if any(pod.node in silent and not pod.leaving for pod in group.placed)
    }
    if {lost.group for lost in plan.lost} != there:
        yield f"lost members of {there}, not of {[lost.group for lost in plan.lost]}"


def _ready(snapshot: Snapshot) -> list[bool]:
    ready = snapshot.nodes.ready
    return [True] * len(snapshot.nodes.names) if ready is None else ready.tolist()
