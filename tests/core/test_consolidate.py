"""Running groups move so that one that waits gets a whole node, rack or domain, and have somewhere to go."""

from dataclasses import replace

import pytest
from core.builders import (
    GPU,
    NOW,
    RACK,
    Policy,
    carry_out,
    cluster,
    decide,
    evicted,
    nodes,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
    vacated,
    wait,
)
from powertrain_scheduler.plan import Evict, Reserve
from powertrain_scheduler.reasons import Reason

FOUR = rack("r", nodes=2, gpu=4)
ONE, TWO = running("one", ["r-0"], gpu=2), running("two", ["r-1"], gpu=2)
WIDE = pending("wide", 1, 3)


def test_a_group_moves_beside_another_to_free_a_node() -> None:
    plan = decide(cluster(FOUR, ONE, TWO, WIDE))
    assert plan.evicts == (Evict("two", "two-0", "wide", "Consolidated", "r-0"),)
    assert plan.reserves == (
        Reserve("wide", NOW, ("r-1",), (("wide-0", "r-1"),)),
        Reserve("two", NOW, ("r-0",), (("two-0", "r-0"),)),
    )
    assert wait(plan, "wide").reason is Reason.WAITING_FOR_EVICTION


def test_both_start_once_it_has_left() -> None:
    world = cluster(FOUR, ONE, TWO, WIDE)
    after = decide(vacated(carry_out(world, decide(world))))
    assert nodes(after, "wide") == ("r-1",) and nodes(after, "two") == ("r-0",)


def test_the_new_place_is_kept_while_the_pods_are_still_leaving() -> None:
    world = cluster(FOUR, ONE, TWO, WIDE)
    leaving = carry_out(world, decide(world))
    eager = pending("eager", 1, 2, created=-1.0)
    again = decide(replace(leaving, groups={**leaving.groups, "eager": eager}))
    assert started(again) == set() and again.evicts == ()
    assert {each.group: each.nodes for each in again.reserves} == {"wide": ("r-1",), "two": ("r-0",)}


def test_and_until_they_are_made_anew() -> None:
    world = cluster(FOUR, ONE, TWO, WIDE)
    gone = vacated(carry_out(world, decide(world)))
    two = gone.groups["two"]
    two = replace(two, waiting=(), moving=two.waiting)
    eager = pending("eager", 1, 2, created=-1.0)
    plan = decide(replace(gone, groups={**gone.groups, "two": two, "eager": eager}))
    assert started(plan) == {"wide"}
    assert Reserve("two", NOW, ("r-0",), (("two-0", "r-0"),)) in plan.reserves


def test_a_gang_moves_whole_since_it_restarts_whole() -> None:
    gang = running("gang", ["r-0", "r-1"], gpu=1)
    plan = decide(cluster(FOUR, gang, pending("whole", 1, 4)))
    assert [each.pod for each in plan.evicts] == ["gang-0", "gang-1"]
    assert len({each.to for each in plan.evicts}) == 1


def test_a_member_beyond_the_minimum_moves_alone() -> None:
    elastic = running("elastic", ["r-0", "r-1"], gpu=1, min_member=1)
    plan = decide(cluster(FOUR, elastic, pending("whole", 1, 4)))
    assert [(each.pod, each.to) for each in plan.evicts] == [("elastic-1", "r-0")]


def test_a_rack_is_freed_for_a_gang_that_needs_one() -> None:
    racks = (*rack("a", nodes=2, gpu=4), *rack("b", nodes=2, gpu=4))
    plan = decide(
        cluster(
            racks,
            running("x", ["a-0"], gpu=4),
            running("y", ["b-1"], gpu=4),
            pending("g", 2, 4, required=RACK),
        )
    )
    assert len(plan.evicts) == 1
    assert wait(plan, "g").reason is Reason.WAITING_FOR_EVICTION


def test_what_moves_keeps_to_its_own_topology() -> None:
    pair = running("pair", ["a-0", "a-1"], gpu=4, required=RACK)
    world = cluster(
        *(rack("a", nodes=3, gpu=4), rack("b", nodes=1, gpu=4), rack("c", nodes=1, gpu=4)),
        *(pair, running("alone", ["b-0"], gpu=4, preemptible=False)),
        pending("g", 3, 4, required=RACK),
    )
    assert decide(world).evicts == (), "the pair has no other rack to go to"


def test_nothing_moves_where_too_little_is_free_in_all() -> None:
    plan = decide(cluster(FOUR, replace(ONE), running("two", ["r-1"], gpu=3), WIDE))
    assert plan.evicts == ()


@pytest.mark.parametrize(
    "still",
    [
        pytest.param({"preemptible": False}, id="it may not be evicted"),
        pytest.param({"moved": NOW - 60.0}, id="it was moved a minute ago"),
        pytest.param({"queue": "steady", "started": NOW - 60.0}, id="its queue lets it run for longer"),
    ],
)
def test_who_stays_where_he_is(still: dict[str, object]) -> None:
    groups = [replace(group, **still) for group in (ONE, TWO)]  # type: ignore[arg-type]
    plan = decide(cluster(FOUR, *groups, WIDE, queue("steady", minimum_runtime=600.0)))
    assert plan.evicts == ()


def test_whoever_may_not_move_has_the_other_move() -> None:
    assert evicted(decide(cluster(FOUR, ONE, replace(TWO, moved=NOW - 60.0), WIDE))) == {"one-0"}


@pytest.mark.parametrize(("expected", "moves"), [(200.0, False), (2000.0, True)])
def test_it_is_waited_for_the_end_of_work_where_that_costs_less_than_a_move(
    expected: float, moves: bool
) -> None:
    """The move costs 2 devices 300 s and the 100 s they ran; the group gains its 3 devices' waiting."""
    groups = [replace(group, expected_seconds=expected) for group in (ONE, TWO)]
    assert bool(decide(cluster(FOUR, *groups, WIDE)).evicts) is moves


def test_no_more_groups_move_than_the_policy_allows() -> None:
    """Each of the four nodes holds a group; the gang needs two of them whole."""
    singles = [running(f"s{i}", [f"n-{i}"], gpu=1) for i in range(4)]
    world = cluster(rack("n", nodes=4, gpu=4), *singles, pending("g", 2, 4))
    assert len(decide(world).evicts) == 2
    assert decide(world, Policy(moving_groups=1)).evicts == ()


def test_another_moves_where_the_first_choice_finds_no_place() -> None:
    """The younger would go first, but nowhere else are three devices free."""
    groups = [
        running("large", ["n-0"], gpu=3, created=9.0, started=NOW - 10.0),
        running("small", ["n-1"], gpu=2),
        running("stays", ["n-2"], gpu=2, preemptible=False),
    ]
    world = cluster(rack("n", nodes=3, gpu=4), *groups, pending("g", 1, 4))
    assert decide(world).evicts == (Evict("small", "small-0", "g", "Consolidated", "n-2"),)


def test_a_move_comes_before_an_eviction() -> None:
    lower = [replace(group, priority=-1) for group in (ONE, TWO)]
    reasons = {each.reason for each in decide(cluster(FOUR, *lower, WIDE)).evicts}
    assert reasons == {"Consolidated"}


def test_it_can_be_switched_off() -> None:
    assert decide(cluster(FOUR, ONE, TWO, WIDE), Policy(consolidate=False)).evicts == ()


def test_the_moved_start_before_others_take_their_place() -> None:
    world = cluster(FOUR, ONE, TWO, WIDE)
    back = vacated(carry_out(world, decide(world)))
    eager = pending("eager", 1, 1, priority=9)
    plan = decide(replace(back, groups={**back.groups, "eager": eager}))
    assert started(plan) == {"wide", "two", "eager"}
    assert nodes(plan, "eager") == ("r-1",)


def test_nobody_is_moved_back_and_forth() -> None:
    """Two groups that each want what the other's move would take: one is helped, then all rest."""
    world = cluster(FOUR, ONE, TWO, WIDE, pending("wide2", 1, 3, created=1.0))
    moved: list[str] = []
    for _ in range(6):
        plan = decide(world)
        moved += [each.pod for each in plan.evicts]
        world = vacated(carry_out(world, plan))
    assert moved == ["two-0"]
    assert all(world.groups[name].placed for name in ("one", "two", "wide"))


def test_shares_of_devices_move_together_for_who_needs_a_whole_one() -> None:
    half = pod_class(share=(GPU, 500))
    halves = [running(f"half{i}", [f"n-{i}"], of=half) for i in range(2)]
    halves = [
        replace(group, placed=tuple(replace(pod, device="0") for pod in group.placed)) for group in halves
    ]
    plan = decide(cluster(rack("n", nodes=2, gpu=1), *halves, pending("whole", 1, 1)))
    assert [(each.pod, each.to) for each in plan.evicts] == [("half1-0", "n-0")]
