"""Shares of devices: on a named one that has room, joined before a whole one is begun, and taken back exactly."""

from dataclasses import replace

import numpy as np
from core.builders import (
    GPU,
    NOW,
    cluster,
    decide,
    evicted,
    nodes,
    pending,
    pod_class,
    queue,
    rack,
    running,
    shared,
    started,
    wait,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from powertrain_scheduler import fit, session, shares
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodClass, PodGroup, Snapshot


def share(thousandths: int, cpu: int = 1000) -> PodClass:
    return pod_class(cpu=cpu, share=(GPU, thousandths))


def sharing(name: str, on: str, *devices: str, of: PodClass, **more: object) -> PodGroup:
    """A group that runs on one node, a pod on each of the devices named."""
    group = running(name, [on] * len(devices), of=of, **more)  # type: ignore[arg-type]
    placed = tuple(replace(pod, device=d) for pod, d in zip(group.placed, devices, strict=True))
    return replace(group, placed=placed)


def where(plan: Plan, group: str) -> list[tuple[str, str]]:
    return [(bind.node, bind.device) for bind in plan.binds if bind.group == group]


def test_shares_join_one_device_until_it_is_full() -> None:
    plan = decide(cluster(rack("r", nodes=1, gpu=4), pending("a", 5, of=share(400))))
    assert where(plan, "a") == [("r-0", "0"), ("r-0", "0"), ("r-0", "1"), ("r-0", "1"), ("r-0", "2")]
    assert plan.binds[0] == Bind("a", "a-0", "r-0", (), "0")


def test_a_share_joins_the_fullest_device_that_has_room() -> None:
    here = [sharing("b", "r-0", "x", of=share(300)), sharing("c", "r-0", "y", of=share(500))]
    plan = decide(cluster(rack("r", nodes=1, gpu=4), *here, pending("a", 1, of=share(400))))
    assert where(plan, "a") == [("r-0", "y")]


def test_a_new_device_has_the_least_number_that_is_not_in_use() -> None:
    here = [sharing("b", "r-0", "1", of=share(900)), sharing("c", "r-0", "0", of=share(900))]
    plan = decide(cluster(rack("r", nodes=1, gpu=4), *here, pending("a", 2, of=share(600))))
    assert where(plan, "a") == [("r-0", "2"), ("r-0", "3")]


def test_whole_devices_are_only_those_nobody_has_a_share_of() -> None:
    snapshot = cluster(
        rack("r", nodes=1, gpu=2), sharing("b", "r-0", "0", of=share(100)), pending("a", 1, gpu=2)
    )
    assert started(decide(snapshot)) == set()
    assert started(decide(replace(snapshot, groups={"a": pending("a", 1, gpu=1)}))) == {"a"}


def test_a_share_waits_where_only_pieces_are_left_and_is_told_so() -> None:
    here = [sharing(f"b{i}", "r-0", str(i), of=share(600)) for i in range(2)]
    plan = decide(cluster(rack("r", nodes=1, gpu=2), *here, pending("a", 1, of=share(500))))
    assert started(plan) == set()
    assert "1 have no device with 0.5 nvidia.com/gpu free" in wait(plan, "a").message
    assert wait(plan, "a").message.startswith("needs 1 x 0.5 nvidia.com/gpu")


def test_a_gang_of_shares_is_all_or_nothing() -> None:
    def with_gang(size: int) -> Snapshot:
        here = sharing("b", "r-0", "0", of=share(500))
        return cluster(rack("r", nodes=2, gpu=1), here, pending("a", size, of=share(400)))

    assert len(nodes(decide(with_gang(3)), "a")) == 3
    assert started(decide(with_gang(4))) == set()


def test_shares_and_whole_devices_of_one_gang_do_not_get_the_same_device() -> None:
    both = pending("a", 1, gpu=1, also=[share(500), share(500), share(500)])
    plan = decide(cluster(rack("r", nodes=1, gpu=3), both))
    assert [device for _, device in where(plan, "a")].count("") == 1
    assert started(decide(cluster(rack("r", nodes=1, gpu=2), both))) == set()


def test_a_share_held_back_for_a_leaving_one_gets_the_device_that_both_have_room_on() -> None:
    """Device 0 has room now and 1 only later: a share that starts now may not count on 1."""
    here = [sharing("stays", "r-0", "0", of=share(600)), sharing("goes", "r-0", "1", of=share(900))]
    leaving = replace(here[1], placed=tuple(replace(pod, leaving=True) for pod in here[1].placed))
    nodes_ = rack("r", nodes=1, gpu=2)
    plan = decide(cluster(nodes_, here[0], leaving, pending("a", 1, of=share(400))))
    assert where(plan, "a") == [("r-0", "0")]
    plan = decide(cluster(nodes_, here[0], leaving, pending("a", 1, of=share(500))))
    assert started(plan) == set() and plan.reserves[0].group == "a"


def test_a_device_is_whole_again_only_when_all_its_shares_leave() -> None:
    def after(*leaves: str) -> Plan:
        here = [sharing(name, "r-0", "0", of=share(400)) for name in ("b", "c")]
        here = [
            replace(g, placed=tuple(replace(p, leaving=g.name in leaves) for p in g.placed)) for g in here
        ]
        return decide(cluster(rack("r", nodes=1, gpu=1), *here, pending("a", 1, gpu=1)))

    assert not after("b").reserves
    assert [reserve.group for reserve in after("b", "c").reserves] == ["a"]


def test_quota_counts_thousandths_of_a_device() -> None:
    plan = decide(
        cluster(
            rack("r", nodes=2, gpu=4),
            queue("team", {"h100-sxm": 1}),
            pending("a", 2, of=share(500), queue="team", preemptible=False),
            pending("b", 1, of=share(100), queue="team", created=1.0, preemptible=False),
        )
    )
    assert started(plan) == {"a"}


def test_shares_are_evicted_for_a_whole_device_of_higher_priority() -> None:
    here = [sharing(name, "r-0", "0", of=share(400)) for name in ("b", "c")]
    spared = sharing("d", "r-0", "1", of=share(400), priority=5)
    plan = decide(cluster(rack("r", nodes=1, gpu=2), *here, spared, pending("a", 1, gpu=1, priority=3)))
    assert evicted(plan) == {"b-0", "c-0"}


def test_a_share_evicts_no_more_than_one_that_makes_room() -> None:
    here = [sharing(f"b{i}", "r-0", str(i), of=share(700)) for i in range(4)]
    plan = decide(cluster(rack("r", nodes=1, gpu=4), *here, pending("a", 1, of=share(600), priority=3)))
    assert len(evicted(plan)) == 1


def test_a_share_of_what_no_node_has_waits() -> None:
    of = pod_class(share=("vendor.example/none", 500))
    plan = decide(cluster(rack("r", nodes=1, gpu=1), pending("a", 1, of=of)))
    assert "no node has vendor.example/none" in wait(plan, "a").message


def test_a_pod_whose_device_nobody_knows_is_taken_back_without_a_trace() -> None:
    known, unknown = (
        sharing("b", "r-0", "0", of=share(300)),
        running("c", ["r-0"], of=share(300), min_member=1),
    )
    draft = Draft(
        Fleet(cluster(rack("r", nodes=1, gpu=1), known, unknown, pending("a", 1, gpu=1))), Policy(), NOW
    )
    world, column = draft.now, draft.fleet.column_of[GPU]
    before = world.used.copy(), world.split(column).copy()
    for change in draft.holdings.changes(np.ones(2, dtype=np.bool_)):
        world.release(change)
    assert world.used[0, column] == 0 and not world.split(column).any()
    world.rollback(0)
    assert (world.used == before[0]).all() and (world.split(column) == before[1]).all()


states = st.lists(st.sampled_from([0, 0, 100, 300, 500, 700, 900, 1000]), min_size=3, max_size=3)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.lists(states, min_size=1, max_size=3), st.lists(st.integers(0, 2), min_size=3, max_size=3),
    st.sampled_from([100, 200, 300, 500, 700]),
)  # fmt: skip
def test_as_many_shares_are_placed_as_there_is_room_for(
    worlds: list[list[int]], wholes: list[int], of: int
) -> None:
    wholes = wholes[: len(worlds)]
    splits = [np.array([each], dtype=np.int64) for each in worlds]
    room = int(shares.room_in_all(splits, [np.array([n], dtype=np.int64) for n in wholes], of)[0])
    for count in range(room + 1):
        chosen = shares.choose(worlds, wholes, of, count, shares.fullest)
        if chosen is None:
            assert len(worlds) > 1  # worlds that compete for whole devices may want another order
            continue
        for split, whole in zip(worlds, wholes, strict=True):
            after = split + [0] * count
            for slot in chosen:
                after[slot] += of
            assert all(used <= 1000 or slot not in chosen for slot, used in enumerate(after))
            begun = sum(a > 0 and b == 0 for a, b in zip(after, split + [0] * count, strict=True))
            assert begun <= max(whole, 0)
    if len(worlds) == 1:
        assert room == shares.room_at(worlds[0], wholes[0], of)
        assert shares.choose(worlds, wholes, of, room + 1, shares.fullest) is None


def test_a_fleet_without_shares_keeps_no_columns_of_them() -> None:
    snapshot = cluster(rack("r", nodes=2, gpu=4), running("b", ["r-0"], gpu=2), pending("a", 1, gpu=1))
    draft = Draft(Fleet(snapshot), Policy(), NOW)
    fit.room(draft.now, draft.fleet.traits(snapshot.groups["a"].waiting[0].pod_class))
    assert draft.now.shares == {} and shared([]) == {}
    assert session.Session.copy(draft.now).shares == {}


def test_one_half_moves_beside_the_other_so_that_a_whole_device_is_free() -> None:
    world = cluster(
        rack("r1", nodes=2, gpu=1),
        sharing("a", "r1-0", "0", of=share(500)),
        sharing("b", "r1-1", "0", of=share(500), created=1.0),
        pending("whole", 1, 1, created=2.0),
    )
    plan = decide(world)
    assert [(evict.pod, evict.to) for evict in plan.evicts] == [("b-0", "r1-0")]
    assert {each.group: each.nodes for each in plan.reserves} == {"whole": ("r1-1",), "b": ("r1-0",)}
