"""Free room: all or nothing, packed, in order, on one accelerator model."""

from dataclasses import replace

import pytest
from core.builders import (
    GPU,
    H100,
    RACK,
    cluster,
    decide,
    nodes,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Pool, Power, Taint

H200 = Pool("h200", "h200-sxm", GPU, Power(74.0, 700.0, 500.0, 1200.0), H100.levels)


def test_a_gang_gets_a_node_for_each_worker_in_rank_order() -> None:
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), pending("a", workers=2, gpu=8)))
    assert plan == Plan(
        binds=(
            Bind("a", "a-0", "r1-0", ((GPU, 8),)),
            Bind("a", "a-1", "r1-1", ((GPU, 8),)),
        )
    )


def test_nothing_waits_and_nothing_is_decided() -> None:
    assert decide(cluster(rack("r1", nodes=2, gpu=8), running("a", ["r1-0"], gpu=8))) == Plan()


def test_a_gang_that_does_not_fit_gets_nothing_and_holds_up_nobody() -> None:
    plan = decide(
        cluster(rack("r1", nodes=2, gpu=8), pending("big", 3, 8), pending("small", 1, 8, created=1.0))
    )
    assert started(plan) == {"small"}


def test_pods_beyond_the_minimum_come_after_every_other_minimum() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=4, gpu=8),
            pending("elastic", workers=4, gpu=8, min_member=1),
            pending("rigid", workers=2, gpu=8, created=1.0),
        )
    )
    assert len(nodes(plan, "elastic")) == 2
    assert len(nodes(plan, "rigid")) == 2


def test_members_that_already_run_count_towards_the_minimum() -> None:
    plan = decide(
        cluster(rack("r1", nodes=3, gpu=8), running("a", ["r1-0", "r1-1"], gpu=8, min_member=3, waiting=1))
    )
    assert nodes(plan, "a") == ("r1-2",)


def test_a_lost_member_is_placed_anew_in_the_rack_of_the_others() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8),
            rack("r2", nodes=3, gpu=8),
            rack("r0", nodes=3, gpu=8),
            running("a", ["r2-0", "r2-1"], gpu=8, min_member=3, waiting=1, required=RACK),
        )
    )
    assert nodes(plan, "a") == ("r2-2",)


def test_a_lost_member_waits_rather_than_leave_the_rack_of_the_others() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8),
            rack("r2", nodes=2, gpu=8),
            running("a", ["r2-0", "r2-1"], gpu=8, min_member=3, waiting=1, required=RACK),
        )
    )
    assert not started(plan)
    assert wait(plan, "a").message == (
        "needs 1 x 8 nvidia.com/gpu in one rack (topology/rack); "
        "r2, where its other members are, has room for 0 of 1 pod"
    )


def test_a_gang_never_mixes_accelerator_models() -> None:
    racks = rack("a", nodes=2, gpu=8), rack("b", nodes=3, gpu=8, pool="h200")
    assert nodes(decide(cluster(*racks, H200, pending("fits", 3, 8))), "fits") == ("b-0", "b-1", "b-2")
    assert not started(decide(cluster(*racks, H200, pending("large", 4, 8))))


def test_a_member_joins_the_accelerator_model_of_its_gang() -> None:
    plan = decide(
        cluster(
            *(rack("a", nodes=2, gpu=8), rack("b", nodes=3, gpu=8, pool="h200"), H200),
            running("gang", ["a-0"], gpu=8, min_member=2, waiting=1),
        )
    )
    assert nodes(plan, "gang") == ("a-1",)


def test_a_group_never_goes_back_to_a_node_that_failed_it() -> None:
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), pending("a", 1, 8, excluded=["r1-0"])))
    assert nodes(plan, "a") == ("r1-1",)


def test_members_of_several_classes_start_together_or_not_at_all() -> None:
    leader = pod_class(0, cpu=32_000)
    fits = cluster(rack("r1", nodes=2, gpu=8, cpu=40), pending("a", 2, 8, cpu=8000, also=[leader]))
    assert nodes(decide(fits), "a") == ("r1-0", "r1-1", "r1-0")
    crowded = cluster(rack("r1", nodes=2, gpu=8, cpu=39), pending("a", 2, 8, cpu=8000, also=[leader]))
    assert not started(decide(crowded))


def test_the_fullest_node_that_fits_is_taken_so_that_whole_nodes_stay_free() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=3, gpu=8),
            running("x", ["r1-1"], gpu=2),
            running("y", ["r1-2"], gpu=4),
            *(pending(f"p{i}", 1, 2, created=float(i)) for i in range(4)),
        )
    )
    assert [bind.node for bind in plan.binds] == ["r1-2", "r1-2", "r1-1", "r1-1"]


def test_pods_without_devices_stay_off_nodes_with_free_devices() -> None:
    plan = decide(cluster(rack("gpu", nodes=1, gpu=8), rack("plain", nodes=1), pending("a", 1)))
    assert nodes(plan, "a") == ("plain-0",)


def test_of_two_models_the_one_that_needs_less_energy_for_the_work_is_taken() -> None:
    slow = Pool("slow", "a100-sxm-80gb", GPU, Power(50.0, 400.0, 500.0, 312.0), H100.levels)
    plan = decide(
        cluster(rack("a", nodes=1, gpu=8, pool="slow"), rack("b", nodes=1, gpu=8), slow, pending("p", 1, 1))
    )
    assert nodes(plan, "p") == ("b-0",), "350 W / 312 is more than 630 W / 989"


def test_a_sleeping_node_is_woken_last() -> None:
    sleepy = replace(H100, power=replace(H100.power, sleeps=True))
    awake = running("x", ["r1-1"], gpu=1)
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8), sleepy, awake, pending("p", 1, 4), pending("q", 1, 4, created=1.0)
        )
    )
    assert nodes(plan, "p") == ("r1-1",)
    assert nodes(plan, "q") == ("r1-0",)


def test_what_is_its_own_goes_before_what_a_queue_would_borrow() -> None:
    plan = decide(
        cluster(
            *(rack("a", nodes=1, gpu=8), rack("b", nodes=1, gpu=8, pool="h200"), H200),
            queue("team", {"h100-sxm": 8, "h200-sxm": 0}),
            pending("p", 1, 8, queue="team"),
        )
    )
    assert nodes(plan, "p") == ("a-0",), "h200 would take less energy, but could be reclaimed"


def test_devices_on_nodes_of_no_pool_can_be_used() -> None:
    plan = decide(cluster(rack("r1", nodes=1, gpu=8, pool=None), pending("a", 1, 8)))
    assert nodes(plan, "a") == ("r1-0",)


def test_other_schedulers_pods_count_as_used() -> None:
    snapshot = cluster(rack("r1", nodes=1, gpu=8), pending("a", 1, 8))
    snapshot.used[0, snapshot.nodes.resources.index(GPU)] = 1
    assert not started(decide(snapshot))


def test_a_node_takes_no_more_pods_than_it_may() -> None:
    plan = decide(cluster(rack("r1", nodes=1, gpu=8, pods=2), pending("a", 3, 1, min_member=1)))
    assert len(plan.binds) == 2


@pytest.mark.parametrize("how", ["cordoned", "tainted"])
def test_a_node_that_is_closed_gets_nothing(how: str) -> None:
    closed = rack(
        "r1", nodes=1, gpu=8, cordoned=how == "cordoned", taints=[Taint("lab")] if how == "tainted" else []
    )
    plan = decide(cluster(closed, rack("r2", nodes=1, gpu=8), pending("a", 1, 8)))
    assert nodes(plan, "a") == ("r2-0",)


class TestOrder:
    def test_inside_a_queue_priority_comes_before_age_and_age_before_name(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=3, gpu=8),
                pending("young", 1, 8, created=2.0),
                pending("old", 1, 8, created=1.0),
                pending("b-same-age", 1, 8, created=1.0),
                pending("urgent", 1, 8, created=3.0, priority=1),
            )
        )
        assert started(plan) == {"urgent", "old", "b-same-age"}

    def test_between_queues_the_least_share_of_its_own_comes_first(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=3, gpu=8),
                *(queue("a", 16), queue("b", 16), running("x", ["r1-0"], gpu=8, queue="a")),
                pending("a-next", 1, 8, queue="a"),
                pending("b-next", 1, 8, queue="b", created=9.0),
                pending("b-later", 1, 8, queue="b", created=10.0),
            )
        )
        assert started(plan) == {"b-next", "a-next"}

    def test_who_would_borrow_goes_after_who_asks_for_its_own(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=1, gpu=8),
                *(queue("idle", 4), queue("busy", 8)),
                *(pending("borrows", 1, 8, queue="idle"), pending("owns", 1, 8, queue="busy", created=9.0)),
            )
        )
        assert started(plan) == {"owns"}

    def test_surplus_goes_by_weight(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=4, gpu=8),
                *(queue("heavy", 0, weight=3), queue("light", 0, weight=1)),
                *(pending(f"h{i}", 1, 8, queue="heavy") for i in range(4)),
                *(pending(f"l{i}", 1, 8, queue="light") for i in range(4)),
            )
        )
        assert len([name for name in started(plan) if name.startswith("h")]) == 3

    def test_siblings_are_compared_below_what_they_share(self) -> None:
        plan = decide(
            cluster(
                rack("r1", nodes=1, gpu=8),
                queue("team", 8),
                queue("own", 8, parent="team"),
                queue("guest", parent="team"),
                pending("small", 1, 1, queue="guest"),
                pending("large", 1, 8, queue="own", created=9.0),
            )
        )
        assert started(plan) == {"large"}, "the team's share is the same whoever of it is served"


def test_a_group_without_its_pods_waits_for_them() -> None:
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), pending("a", workers=1, gpu=8, min_member=2)))
    assert wait(plan, "a").reason is Reason.WAITING_FOR_PODS


def test_any_pods_are_the_minimum_where_the_first_fit_nowhere_and_the_rest_grows_beyond_them() -> None:
    world = cluster(
        rack("r1", nodes=1, gpu=4), pending("a", 0, min_member=2, also=[pod_class(8), *[pod_class(1)] * 3])
    )
    assert [bind.pod for bind in decide(world).binds] == ["a-1", "a-2", "a-3"]
