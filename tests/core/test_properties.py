"""What holds for every plan, on random small clusters."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
from core.builders import NOW, amounts, carry_out, decide, shared, vacated
from core.profiles import examples
from core.worlds import clusters
from hypothesis import given
from hypothesis import strategies as st
from powertrain_scheduler import asks, columns, fit, gang, scores, timeline
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import HostPort, PlacedPod, PodGroup, Snapshot

bounded = examples(60)


def bound(snapshot: Snapshot, plan: Plan) -> list[tuple[PodGroup, PlacedPod]]:
    """The plan's bindings as placed pods."""
    classes = {
        pod.name: (group, pod.pod_class) for group in snapshot.groups.values() for pod in group.waiting
    }
    return [
        (classes[b.pod][0], PlacedPod(b.pod, classes[b.pod][1], b.node, device=b.device)) for b in plan.binds
    ]


def alive(group: PodGroup) -> int:
    return sum(not pod.leaving for pod in group.placed)


@bounded
@given(clusters)
def test_no_node_takes_more_than_it_has(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    new = [pod for _, pod in bound(snapshot, plan)]
    old = [pod for group in snapshot.groups.values() for pod in group.placed]
    used = amounts(snapshot.nodes, [*old, *new])
    assert all(device.used <= 1000 for split in shared([*old, *new]).values() for device in split)
    touched = {pod.node for pod in new}
    for row, name in enumerate(snapshot.nodes.names):
        assert name not in touched or (used[row] <= snapshot.nodes.allocatable[row]).all()
    assert len({pod.name for pod in new}) == len(new)


@bounded
@given(clusters)
def test_every_pod_goes_where_its_rules_allow(snapshot: Snapshot) -> None:
    for group, pod in bound(snapshot, decide(snapshot)):
        row = columns.row_of(snapshot.nodes)[pod.node]
        assert fit.static(snapshot.nodes, pod.pod_class)[row]
        assert pod.node not in group.excluded_nodes


@bounded
@given(clusters)
def test_a_host_port_is_given_once(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    claims = Counter(pod.node for _, pod in bound(snapshot, plan) if pod.pod_class.host_ports)
    claims.update({node: 1 for node, ports in snapshot.host_ports.items() if ports and claims[node]})
    assert all(count <= 1 for count in claims.values())


@bounded
@given(clusters)
def test_a_gang_gets_its_minimum_or_nothing(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    given_pods = Counter(bind.group for bind in plan.binds)
    for name, count in given_pods.items():
        group = snapshot.groups[name]
        gone = sum(evict.group == name for evict in plan.evicts)
        assert alive(group) - gone + count >= group.min_member


@bounded
@given(clusters)
def test_a_gang_sits_on_one_accelerator_model_and_in_its_required_domain(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    rows = columns.row_of(snapshot.nodes)
    for name in {bind.group for bind in plan.binds}:
        group = snapshot.groups[name]
        new = [pod for owner, pod in bound(snapshot, plan) if owner.name == name]
        pools: dict[str, set[str]] = {}
        for pod in new:
            device = next((r for r, _ in pod.pod_class.request if "/" in r), None)
            if device:
                pools.setdefault(device, set()).add(
                    snapshot.pools[snapshot.nodes.pool[rows[pod.node]]].accelerator
                )
        assert all(len(models) == 1 for models in pools.values())
        if group.topology.required:
            domains = {snapshot.nodes.labels[rows[pod.node]].get(group.topology.required) for pod in new}
            assert len(domains) == 1 and None not in domains


def held(snapshot: Snapshot, pods: list[tuple[PodGroup, PlacedPod]], fixed: bool) -> Counter[tuple[str, str]]:
    """Devices by (queue, accelerator), subtrees included."""
    rows = columns.row_of(snapshot.nodes)
    total: Counter[tuple[str, str]] = Counter()
    for group, pod in pods:
        number = snapshot.nodes.pool[rows[pod.node]]
        if number < 0 or (fixed and group.preemptible):
            continue
        pool = snapshot.pools[number]
        at: str | None = group.queue
        while at is not None:
            total[at, pool.accelerator] += dict(pod.pod_class.request).get(pool.resource, 0)
            at = snapshot.queues[at].parent if at in snapshot.queues else None
    return total


@bounded
@given(clusters)
def test_no_queue_takes_more_than_its_limit(snapshot: Snapshot) -> None:
    new = bound(snapshot, decide(snapshot))
    old = [(group, pod) for group in snapshot.groups.values() for pod in group.placed]
    grown, after = held(snapshot, new, fixed=False), held(snapshot, old + new, fixed=False)
    fixed_grown, fixed_after = held(snapshot, new, fixed=True), held(snapshot, old + new, fixed=True)
    for name, queue in snapshot.queues.items():
        for accelerator, quota in queue.quotas.items():
            if quota.borrowing_limit is not None and grown[name, accelerator]:
                assert after[name, accelerator] <= quota.nominal + quota.borrowing_limit
            if fixed_grown[name, accelerator]:
                assert fixed_after[name, accelerator] <= quota.nominal


@bounded
@given(clusters)
def test_only_preemptible_gangs_are_evicted_and_never_below_their_minimum_but_whole(
    snapshot: Snapshot,
) -> None:
    plan = decide(snapshot)
    gone = Counter(evict.group for evict in plan.evicts)
    assert len({evict.pod for evict in plan.evicts}) == len(plan.evicts)
    for name, count in gone.items():
        group = snapshot.groups[name]
        left = alive(group) - count
        assert group.preemptible
        assert left == 0 or left >= group.min_member


@bounded
@given(clusters)
def test_nobody_is_evicted_unless_the_claimant_then_starts(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    after = decide(vacated(carry_out(snapshot, plan)))
    assert_claimants_start(snapshot, plan, after)


def assert_claimants_start(snapshot: Snapshot, plan: Plan, after: Plan) -> None:
    """Whoever others left for starts, unless one with precedence takes the room over."""
    starts = {bind.group for bind in (*plan.binds, *after.binds)}
    room = {reserve.group: set(reserve.nodes) for reserve in plan.reserves}
    given = [(bind.group, bind.node) for bind in after.binds]
    given += [(reserve.group, node) for reserve in after.reserves for node in reserve.nodes]
    for name in {evict.for_group for evict in plan.evicts} - starts:
        mine = snapshot.groups[name]
        takers = [snapshot.groups[group] for group, node in given if node in room.get(name, ())]
        assert any(each.queue != mine.queue or each.priority > mine.priority for each in takers), name


@bounded
@given(clusters)
def test_evictions_are_between_queues_for_what_is_owed_or_down_in_priority(snapshot: Snapshot) -> None:
    for evict in decide(snapshot).evicts:
        victim, claimant = snapshot.groups[evict.group], snapshot.groups[evict.for_group]
        if evict.reason == "Consolidated":
            assert evict.to
        elif evict.reason == "Preempted":
            assert victim.queue == claimant.queue and victim.priority < claimant.priority
        else:
            assert evict.reason == "Reclaimed" and victim.queue != claimant.queue


@bounded
@given(clusters, st.integers(0, 1000))
def test_the_order_in_which_things_are_listed_changes_nothing(snapshot: Snapshot, seed: int) -> None:
    plan = decide(snapshot)
    shuffle = random.Random(seed)
    groups, queues = list(snapshot.groups.items()), list(snapshot.queues.items())
    shuffle.shuffle(groups)
    shuffle.shuffle(queues)
    facts = replace(snapshot.nodes, memo={})
    assert decide(replace(snapshot, nodes=facts, groups=dict(groups), queues=dict(queues))) == plan
    assert decide(snapshot) == plan  # nor does what was worked out before


@bounded
@given(clusters)
def test_without_quotas_deciding_again_after_carrying_out_changes_nothing(snapshot: Snapshot) -> None:
    """But for groups that wait for pods to leave: nodes held for one may suit another meanwhile."""
    unlimited = {name: replace(queue, quotas={}) for name, queue in snapshot.queues.items()}
    snapshot = replace(snapshot, queues=unlimited)
    plan = decide(snapshot)
    again = decide(carry_out(snapshot, plan))
    awaiting = {wait.group for wait in plan.waits if wait.reason is Reason.WAITING_FOR_EVICTION}
    awaiting |= {each.group for each in plan.evicts if each.to}
    assert {bind.group for bind in again.binds} <= awaiting
    assert again.evicts == ()


@bounded
@given(clusters)
def test_a_cluster_left_alone_comes_to_rest(snapshot: Snapshot) -> None:
    """With quotas a grant may make its queue a borrower, from which a waiting group may then reclaim; but it ends."""
    for _ in range(2 * len(snapshot.groups) + 2):
        plan = decide(snapshot)
        if not plan.binds and not plan.evicts:
            return
        snapshot = vacated(carry_out(snapshot, plan))
    raise AssertionError("still binding and evicting")


@bounded
@given(clusters)
def test_every_group_with_pods_left_waiting_is_told_exactly_one_reason(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    told = Counter(wait.group for wait in plan.waits)
    given_nodes = Counter(bind.group for bind in plan.binds)
    for name, group in snapshot.groups.items():
        gone = sum(evict.group == name for evict in plan.evicts)
        left = len(group.waiting) > given_nodes[name]
        assert told[name] == (1 if left else 0) or (gone and told[name] == 0), name
    for wait in plan.waits:
        assert wait.message and "\n" not in wait.message
        assert wait.estimated_start is None or wait.estimated_start >= NOW


@bounded
@given(clusters)
def test_a_reservation_is_not_delayed_by_what_starts_before_it(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    moved = {each.group for each in plan.evicts if each.to}
    for reserve in (each for each in plan.reserves if each.group not in moved):
        first = snapshot.groups[reserve.group]
        ended = replace(
            snapshot,
            groups={n: g for n, g in snapshot.groups.items() if n == first.name or _runs(g, reserve.start)},
        )
        others = [
            (g, p) for g in ended.groups.values() if g.name != first.name for p in g.placed if not p.leaving
        ]
        starting = [(g, p) for g, p in bound(snapshot, plan) if _still(g, reserve.start)]
        gone = {evict.pod for evict in plan.evicts}
        there = [(g, p) for g, p in others if p.name not in gone] + starting
        used = amounts(snapshot.nodes, [p for _, p in there])
        ports: dict[str, set[HostPort]] = {}
        for _, pod in there:
            ports.setdefault(pod.node, set()).update(pod.pod_class.host_ports)
        world = replace(
            snapshot,
            used=used,
            leaving=np.zeros_like(used),
            host_ports={node: frozenset(claimed) for node, claimed in ports.items() if claimed},
            shared=shared([p for _, p in there]),
            groups={first.name: replace(first, placed=tuple(p for p in first.placed if not p.leaving))},
            queues={},
        )
        queueless = replace(first, queue="default", placed=world.groups[first.name].placed)
        assert {b.group for b in decide(replace(world, groups={first.name: queueless})).binds} == {first.name}


def _runs(group: PodGroup, moment: float) -> bool:
    end = timeline.expected_end(group, NOW, Policy().overrun_seconds)
    return end is None or end > moment


def _still(group: PodGroup, moment: float) -> bool:
    end = timeline.end(group, NOW, Policy().overrun_seconds)
    return end is None or end > moment


@bounded
@given(clusters, st.lists(st.integers(0, 3), max_size=8))
def test_what_is_undone_leaves_no_trace(snapshot: Snapshot, steps: list[int]) -> None:
    fleet = Fleet(snapshot)
    groups = sorted(snapshot.groups.values(), key=lambda group: group.name)
    session = Draft(fleet, Policy(), NOW).now
    traits = [fleet.traits(pod.pod_class) for group in groups for pod in group.waiting[:1]]
    before = [(fit.room(session, t).copy(), scores.keys(session, t).copy()) for t in traits]
    used, held_before, ports = (
        session.used.copy(),
        session.held.copy(),
        {k: sorted(map(str, v)) for k, v in session.ports.items()},
    )
    mark, moment = session.checkpoint(), session.moment
    for step in steps:
        for group in groups[step : step + 2]:
            wanted = asks.minimum(fleet, group) if group.waiting else None
            placement = gang.find(wanted, [session], None) if wanted and wanted.pods else None
            for change in placement.changes() if placement else ():
                session.place(change)
                fit.room(session, change.traits)
    session.rollback(mark)
    assert session.moment == moment
    assert (session.used == used).all() and (session.held == held_before).all()
    assert {k: sorted(map(str, v)) for k, v in session.ports.items() if v} == {
        k: v for k, v in ports.items() if v
    }
    for t, (room, keys) in zip(traits, before, strict=True):
        assert (fit.room(session, t) == room).all() and (scores.keys(session, t) == keys).all()


@bounded
@given(clusters)
def test_what_follows_row_by_row_is_what_follows_from_scratch(snapshot: Snapshot) -> None:
    fleet = Fleet(snapshot)
    groups = sorted(snapshot.groups.values(), key=lambda group: group.name)
    session = Draft(fleet, Policy(), NOW).now
    traits = [fleet.traits(pod.pod_class) for group in groups for pod in group.waiting[:1]]
    for group in groups:
        session.free()
        for each in traits:
            fit.room(session, each), scores.keys(session, each)
        wanted = asks.minimum(fleet, group) if group.waiting else None
        placement = gang.find(wanted, [session], None) if wanted and wanted.pods else None
        for change in placement.changes() if placement else ():
            session.place(change)
    fresh = session.copy()
    assert session.free() == fresh.free()
    for each in traits:
        assert (fit.room(session, each) == fit.room(fresh, each)).all()
        assert (scores.keys(session, each) == scores.keys(fresh, each)).all()
