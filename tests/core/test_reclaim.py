"""Lent quota is taken back from other queues; lower priority gives way inside a queue."""

from dataclasses import replace

from core.builders import (
    NOW,
    RACK,
    Policy,
    Quota,
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
from powertrain_scheduler.snapshot import PodGroup

TWO = rack("r1", nodes=2, gpu=8)
OWED = queue("owner", 8), queue("guest", 8)


class TestReclaim:
    def test_a_queue_gets_back_what_it_lent(self) -> None:
        world = cluster(
            TWO,
            *OWED,
            running("old", ["r1-0"], gpu=8, queue="guest", started=NOW - 500),
            running("young", ["r1-1"], gpu=8, queue="guest", started=NOW - 5),
            pending("claim", 1, 8, queue="owner"),
        )
        plan = decide(world)
        assert plan.evicts == (Evict("young", "young-0", "claim", "Reclaimed"),)
        assert wait(plan, "claim").reason is Reason.WAITING_FOR_EVICTION
        assert plan.reserves == (Reserve("claim", NOW, ("r1-1",), (("claim-0", "r1-1"),)),)
        assert nodes(decide(vacated(carry_out(world, plan))), "claim") == ("r1-1",)

    def test_nobody_is_evicted_twice_while_victims_leave(self) -> None:
        world = cluster(
            TWO,
            *OWED,
            running("x", ["r1-0", "r1-1"], gpu=8, queue="guest"),
            pending("claim", 1, 8, queue="owner"),
        )
        plan = decide(world)
        assert evicted(plan) == {"x-0", "x-1"}
        again = decide(carry_out(world, plan))
        assert not again.evicts and not again.binds
        assert wait(again, "claim").message == "pods have yet to leave 1 of the 1 node held for it"

    def test_a_queue_within_its_own_is_left_alone(self) -> None:
        fair = running("x", ["r1-0"], gpu=8, queue="guest"), running("y", ["r1-1"], gpu=8, queue="owner")
        plan = decide(cluster(TWO, *OWED, *fair, pending("claim", 1, 8, queue="owner")))
        assert not plan.evicts

    def test_no_more_is_taken_than_a_queue_holds_beyond_its_own(self) -> None:
        guests = [running(f"x{i}", [f"r1-{i // 2}"], gpu=4, queue="guest") for i in range(4)]
        plan = decide(
            cluster(TWO, queue("owner", 16), queue("guest", 8), *guests, pending("p", 4, 4, queue="owner"))
        )
        assert not plan.evicts, "all four would have to go, but only two are lent"

    def test_a_gang_goes_whole_even_if_part_of_it_is_the_queues_own(self) -> None:
        gang = running("x", ["r1-0", "r1-1"], gpu=8, queue="guest")
        assert evicted(decide(cluster(TWO, *OWED, gang, pending("claim", 1, 8, queue="owner")))) == {
            "x-0",
            "x-1",
        }

    def test_members_beyond_the_minimum_go_before_any_gang(self) -> None:
        plan = decide(
            cluster(
                *(rack("r1", nodes=3, gpu=8), queue("owner", 8), queue("guest", 0)),
                running("rigid", ["r1-0"], gpu=8, queue="guest", started=NOW - 1),
                running("elastic", ["r1-1", "r1-2"], gpu=8, queue="guest", min_member=1, started=NOW - 9999),
                pending("claim", 1, 8, queue="owner"),
            )
        )
        assert evicted(plan) == {"elastic-1"}

    def test_the_lowest_priority_goes_first_then_the_least_work_lost_then_the_youngest(self) -> None:
        fleet = rack("r1", nodes=4, gpu=8), queue("owner", 32), queue("guest", 0)
        guests = [
            running("low", ["r1-0"], gpu=8, queue="guest", priority=0, started=NOW - 9000),
            running("short", ["r1-1"], gpu=8, queue="guest", priority=1, started=NOW - 10),
            running("long-young", ["r1-2"], gpu=8, queue="guest", priority=1, started=NOW - 500, created=2.0),
            running("long-old", ["r1-3"], gpu=8, queue="guest", priority=1, started=NOW - 500, created=1.0),
        ]
        order = [
            evicted(decide(cluster(*fleet, *guests, pending("p", n, 8, queue="owner")))) for n in (1, 2, 3)
        ]
        assert order == [{"low-0"}, {"low-0", "short-0"}, {"low-0", "short-0", "long-young-0"}]

    def test_whoever_is_not_needed_is_spared(self) -> None:
        plan = decide(
            cluster(
                *(rack("r1", nodes=2, gpu=8), queue("owner", 8), queue("guest", 0)),
                running("cheap-but-useless", ["r1-0"], gpu=2, queue="guest", started=NOW - 1),
                running("fixed", ["r1-0"], gpu=6, queue="guest", preemptible=False),
                running("needed", ["r1-1"], gpu=8, queue="guest", started=NOW - 500),
                pending("claim", 1, 8, queue="owner"),
            )
        )
        assert evicted(plan) == {"needed-0"}

    def test_the_cheapest_rack_is_emptied(self) -> None:
        guests = [
            running(f"{name}{i}", [f"{name}-{i}"], gpu=8, queue="guest", started=NOW - age)
            for name, age in (("r1", 100.0), ("r2", 50.0), ("r3", 10.0))
            for i in range(2)
        ]
        blocker = replace(guests[-1], preemptible=False)
        plan = decide(
            cluster(
                *(rack("r1", nodes=2, gpu=8), rack("r2", nodes=2, gpu=8), rack("r3", nodes=2, gpu=8)),
                *(queue("owner", 16), queue("guest", 0)),
                *(*guests[:-1], blocker),
                pending("claim", 2, 8, queue="owner", required=RACK),
            )
        )
        assert evicted(plan) == {"r20-0", "r21-0"}, "r3 would be cheaper, but can't be emptied"

    def test_nobody_is_evicted_for_a_gang_that_would_not_fit_then(self) -> None:
        guests = [running(f"x{i}", [f"r{i}-0"], gpu=8, queue="guest") for i in (1, 2)]
        world = (
            rack("r1", nodes=1, gpu=8),
            rack("r2", nodes=1, gpu=8),
            queue("owner", 16),
            queue("guest", 0),
        )
        assert not decide(cluster(*world, *guests, pending("p", 2, 8, queue="owner", required=RACK))).evicts

    def test_free_room_is_used_before_anybody_is_evicted(self) -> None:
        plan = decide(
            cluster(
                *(rack("r1", nodes=3, gpu=8), queue("owner", 16), queue("guest", 0)),
                *(running("x", ["r1-0"], gpu=8, queue="guest"), running("y", ["r1-1"], gpu=8, queue="guest")),
                pending("claim", 2, 8, queue="owner"),
            )
        )
        assert len(plan.evicts) == 1
        assert "r1-2" in plan.reserves[0].nodes

    def test_a_queue_without_quota_and_weight_has_no_claim(self) -> None:
        busy = [running(f"x{i}", [f"r1-{i}"], gpu=8, queue="guest") for i in range(2)]
        queues = queue("guest", 0), queue("other", weight=0)
        assert not decide(cluster(TWO, *queues, *busy, pending("p", 1, 8, queue="other"))).evicts

    def test_whoever_may_not_be_evicted_stays(self) -> None:
        busy = [running(f"x{i}", [f"r1-{i}"], gpu=8, preemptible=False) for i in range(2)]
        assert not decide(cluster(TWO, *OWED, *busy, pending("p", 1, 8, queue="owner"))).evicts

    def test_siblings_settle_below_their_parent(self) -> None:
        plan = decide(
            cluster(
                *(TWO, queue("team", Quota(16, borrowing_limit=0))),
                *(queue("a", 8, parent="team"), queue("b", 8, parent="team")),
                running("x", ["r1-0", "r1-1"], gpu=8, queue="a"),
                pending("claim", 1, 8, queue="b"),
            )
        )
        assert evicted(plan) == {"x-0", "x-1"}

    def test_what_two_queues_share_through_their_parent_neither_claims_from_the_other(self) -> None:
        queues = queue("team", 8), queue("a", parent="team"), queue("b", parent="team")
        busy = running("x", ["r1-0"], gpu=8, queue="a")
        world = cluster(rack("r1", nodes=1, gpu=8), *queues, busy, pending("p", 1, 8, queue="b"))
        assert not decide(world).evicts

    def test_it_can_be_switched_off(self) -> None:
        world = cluster(
            TWO,
            *OWED,
            running("x", ["r1-0", "r1-1"], gpu=8, queue="guest"),
            pending("p", 1, 8, queue="owner"),
        )
        assert not decide(world, Policy(reclaim=False)).evicts


class TestPreempt:
    def test_lower_priority_in_the_same_queue_gives_way(self) -> None:
        busy = [running(f"x{i}", [f"r1-{i}"], gpu=8, priority=i) for i in range(2)]
        plan = decide(cluster(TWO, *busy, pending("urgent", 1, 8, priority=2)))
        assert plan.evicts == (Evict("x0", "x0-0", "urgent", "Preempted"),)

    def test_equal_priority_does_not(self) -> None:
        busy = [running(f"x{i}", [f"r1-{i}"], gpu=8, priority=1) for i in range(2)]
        assert not decide(cluster(TWO, *busy, pending("p", 1, 8, priority=1))).evicts

    def test_lower_priority_in_another_queue_does_not(self) -> None:
        busy = [running(f"x{i}", [f"r1-{i}"], gpu=8, queue="b") for i in range(2)]
        queues = queue("b"), queue("a", weight=0)
        assert not decide(cluster(TWO, *queues, *busy, pending("p", 1, 8, queue="a", priority=9))).evicts

    def test_it_works_at_the_queues_limit(self) -> None:
        plan = decide(
            cluster(
                *(rack("r1", nodes=3, gpu=8), queue("a", Quota(8, borrowing_limit=0))),
                running("low", ["r1-0"], gpu=8, queue="a"),
                pending("high", 1, 8, queue="a", priority=1),
            )
        )
        assert evicted(plan) == {"low-0"}
        assert not started(plan), "its quota is used until the victim is gone"

    def test_both_kinds_are_evicted_where_one_alone_does_not_make_room(self) -> None:
        plan = decide(
            cluster(
                *(TWO, queue("a", 24), queue("b", 0)),
                running("low", ["r1-0"], gpu=8, queue="a"),
                running("lent", ["r1-1"], gpu=8, queue="b"),
                pending("high", 2, 8, queue="a", priority=1),
            )
        )
        assert {(evict.group, evict.reason) for evict in plan.evicts} == {
            ("low", "Preempted"),
            ("lent", "Reclaimed"),
        }

    def test_pods_without_devices_are_evicted_for_their_cpu(self) -> None:
        hog = running("hog", ["r1-0"], cpu=60_000)
        plan = decide(cluster(rack("r1", nodes=1, cpu=64), hog, pending("p", 1, cpu=32_000, priority=1)))
        assert evicted(plan) == {"hog-0"}

    def test_a_gang_of_several_classes_finds_victims_for_all(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=2, gpu=8, cpu=64),
                running("gpu", ["r1-0"], gpu=8),
                running("cpu", ["r1-1"], cpu=60_000),
                running("old", ["r1-1"], gpu=1, started=NOW - 9999),
                pending("p", 1, 8, cpu=2000, priority=1, also=[pod_class(cpu=62_500)]),
            )
        )
        assert evicted(plan) == {"gpu-0", "cpu-0"}

    def test_it_can_be_switched_off(self) -> None:
        busy = [running(f"x{i}", [f"r1-{i}"], gpu=8) for i in range(2)]
        assert not decide(cluster(TWO, *busy, pending("p", 1, 8, priority=1)), Policy(preempt=False)).evicts


class TestHeldRoom:
    def test_room_that_leaving_pods_free_is_held_for_the_first_in_line(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=2, gpu=8),
                running("going", ["r1-0"], gpu=8, leaving=True),
                pending("first", 2, 8, priority=1),
                pending("small", 1, 8),
            )
        )
        assert wait(plan, "first").reason is Reason.WAITING_FOR_EVICTION
        assert not started(plan), "the free node is part of what is held"

    def test_what_evictions_made_room_for_is_kept_from_newcomers(self) -> None:
        world = cluster(
            TWO,
            *OWED,
            running("x", ["r1-0", "r1-1"], gpu=8, queue="guest"),
            pending("p", 2, 8, queue="owner"),
        )
        assert not decide(world).evicts, "16 are more than the owner's 8"
        world = cluster(
            TWO, queue("owner", 16), queue("guest", 0), *_guests(), pending("p", 2, 8, queue="owner")
        )
        after = carry_out(world, decide(world))
        late = pending("late", 1, 8, queue="owner")
        again = decide(
            vacated(replace(after, groups={**after.groups, "a-late": replace(late, name="a-late")}))
        )
        assert started(again) == {"p"}

    def test_who_has_precedence_takes_it_over_and_nobody_is_evicted_once_more(self) -> None:
        world = cluster(TWO, *OWED, *_guests(), pending("p", 1, 8, queue="owner"))
        after = carry_out(world, decide(world))
        late = pending("late", 1, 8, queue="owner", priority=9)
        plan = decide(replace(after, groups={**after.groups, "late": late}))
        assert not plan.evicts and [each.group for each in plan.reserves] == ["late"]
        assert started(decide(vacated(replace(after, groups={**after.groups, "late": late})))) == {"late"}

    def test_a_queue_with_a_claim_takes_over_what_was_made_for_a_borrower(self) -> None:
        queues = queue("owner", 8), queue("guest", 0, weight=3), queue("other", 0, weight=0)
        busy = running("x", ["r1-0"], gpu=8, queue="other")
        world = cluster(rack("r1", nodes=1, gpu=8), *queues, busy, pending("p", 1, 8, queue="guest"))
        plan = decide(world)
        assert [each.group for each in plan.reserves] == ["p"], "all is for guest while owner wants nothing"
        after = carry_out(world, plan)
        late = pending("late", 1, 8, queue="owner")
        again = decide(replace(after, groups={**after.groups, "late": late}))
        assert [each.group for each in again.reserves] == ["late"]

    def test_a_group_that_loses_pods_gets_nothing_in_the_same_breath(self) -> None:
        plan = decide(
            cluster(
                *(rack("r1", nodes=2, gpu=8), queue("owner", 8), queue("guest", 0)),
                running("x", ["r1-0"], gpu=8, queue="guest", waiting=1),
                running("y", ["r1-1"], gpu=8, queue="guest", preemptible=False),
                pending("claim", 1, 8, queue="owner"),
            )
        )
        assert evicted(plan) == {"x-0"} and not started(plan)


def _guests() -> list[PodGroup]:
    return [running(f"x{i}", [f"r1-{i}"], gpu=8, queue="guest") for i in range(2)]
