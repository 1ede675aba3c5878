"""What a queue may hold: its own, what it borrows, what others keep; at every level of the tree."""

import pytest
from core.builders import (
    GPU,
    H100,
    Quota,
    cluster,
    decide,
    nodes,
    pending,
    queue,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Pool, Power

FLEET = rack("r1", nodes=4, gpu=8)


def test_a_queue_borrows_what_others_leave_idle() -> None:
    plan = decide(cluster(FLEET, queue("a", 8), queue("b", 24), pending("p", 3, 8, queue="a")))
    assert started(plan) == {"p"}


def test_a_queue_never_holds_more_than_its_borrowing_limit() -> None:
    world = cluster(
        FLEET,
        queue("a", Quota(8, borrowing_limit=8)),
        running("x", ["r1-0"], gpu=8, queue="a"),
        pending("p", 2, 8, queue="a"),
    )
    found = wait(decide(world), "p")
    assert found.reason is Reason.QUOTA_EXCEEDED
    assert found.message == "asks for 16 h100-sxm; queue a holds 8 of at most 16"


def test_a_parent_limits_the_sum_of_its_children() -> None:
    plan = decide(
        cluster(
            FLEET,
            *(
                queue("team", Quota(16, borrowing_limit=0)),
                queue("a", 16, parent="team"),
                queue("b", 16, parent="team"),
            ),
            running("x", ["r1-0"], gpu=8, queue="a"),
            pending("p", 2, 8, queue="b"),
            pending("q", 1, 8, queue="b", created=1.0),
        )
    )
    assert started(plan) == {"q"}
    assert wait(plan, "p").message == "asks for 16 h100-sxm; queue team holds 16 of at most 16"


def test_what_a_queue_does_not_lend_stays_free_for_it() -> None:
    queues = queue("owner", Quota(16, lending_limit=8)), queue("guest", 0)
    plan = decide(
        cluster(
            FLEET, *queues, pending("p", 4, 8, queue="guest"), pending("q", 3, 8, queue="guest", created=1.0)
        )
    )
    assert started(plan) == {"q"}
    assert wait(plan, "p").reason is Reason.QUOTA_EXCEEDED


def test_what_is_not_lent_stays_free_for_a_whole_subtree() -> None:
    queues = queue("team"), queue("owner", Quota(16, lending_limit=0), parent="team"), queue("guest", 0)
    plan = decide(
        cluster(
            FLEET, *queues, pending("p", 3, 8, queue="guest"), pending("q", 2, 8, queue="guest", created=1.0)
        )
    )
    assert started(plan) == {"q"}


def test_an_owner_may_always_take_its_own() -> None:
    queues = queue("a", Quota(32, lending_limit=0)), queue("b", Quota(32, lending_limit=0))
    assert started(decide(cluster(FLEET, *queues, pending("p", 4, 8, queue="a")))) == {"p"}


def test_work_that_may_not_be_evicted_never_borrows() -> None:
    world = cluster(FLEET, queue("a", 8), queue("b", 24), pending("p", 2, 8, queue="a", preemptible=False))
    found = wait(decide(world), "p")
    assert found.reason is Reason.QUOTA_EXCEEDED
    assert found.message == "asks for 16 h100-sxm and may not be evicted; such groups hold 0 of queue a's 8"


def test_borrowed_work_does_not_take_the_place_of_work_that_may_not_be_evicted() -> None:
    plan = decide(
        cluster(
            *(FLEET, queue("a", 8), queue("b", 24)),
            running("borrows", ["r1-0", "r1-1"], gpu=8, queue="a"),
            pending("stays", 1, 8, queue="a", preemptible=False),
        )
    )
    assert started(plan) == {"stays"}


def test_an_accelerator_without_an_entry_is_not_limited() -> None:
    plan = decide(cluster(FLEET, queue("a", {"l4": 0}), pending("p", 4, 8, queue="a", preemptible=False)))
    assert started(plan) == {"p"}


def test_pods_without_devices_cost_no_quota() -> None:
    none = queue("a", Quota(0, borrowing_limit=0))
    assert started(decide(cluster(FLEET, none, pending("p", 4, 0, queue="a")))) == {"p"}


def test_devices_of_one_resource_are_limited_model_by_model() -> None:
    h200 = Pool("h200", "h200-sxm", GPU, Power(74.0, 700.0, 500.0, 989.0), H100.levels)
    plan = decide(
        cluster(
            *(rack("a", nodes=2, gpu=8), rack("b", nodes=2, gpu=8, pool="h200"), h200),
            queue(
                "team", {"h100-sxm": Quota(8, borrowing_limit=0), "h200-sxm": Quota(16, borrowing_limit=0)}
            ),
            pending("p", 2, 8, queue="team"),
        )
    )
    assert nodes(plan, "p") == ("b-0", "b-1")


def test_a_queue_at_its_limit_holds_up_no_other() -> None:
    plan = decide(
        cluster(
            *(FLEET, queue("full", Quota(0, borrowing_limit=0)), queue("free", 8)),
            *(pending("p", 1, 8, queue="full", priority=9), pending("q", 1, 8, queue="free")),
        )
    )
    assert started(plan) == {"q"}
    assert plan.reserves == ()


def test_optional_pods_stop_at_the_limit() -> None:
    plan = decide(
        cluster(FLEET, queue("a", Quota(24, borrowing_limit=0)), pending("p", 4, 8, queue="a", min_member=1))
    )
    assert len(plan.binds) == 3


class TestWrongQueues:
    def test_a_queue_that_does_not_exist_is_named_and_the_others_go_on(self) -> None:
        plan = decide(cluster(FLEET, pending("p", 1, 8, queue="nowhere"), pending("q", 1, 8)))
        assert started(plan) == {"q"}
        assert (wait(plan, "p").reason, wait(plan, "p").message) == (
            Reason.QUEUE_NOT_FOUND,
            "there is no queue nowhere",
        )

    def test_a_missing_parent_is_named(self) -> None:
        plan = decide(cluster(FLEET, queue("a", 8, parent="gone"), pending("p", 1, 8, queue="a")))
        assert wait(plan, "p").message == "queue a lies under queue gone, which does not exist"

    def test_a_cycle_is_shown(self) -> None:
        queues = queue("a", 8, parent="b"), queue("b", 8, parent="a")
        plan = decide(cluster(FLEET, *queues, pending("p", 1, 8, queue="a"), pending("q", 1, 8)))
        assert wait(plan, "p").reason is Reason.INVALID_QUEUE
        assert wait(plan, "p").message == "the parents of queue a form a cycle: a > b > a"
        assert started(plan) == {"q"}

    @pytest.mark.parametrize(
        ("quota", "told"),
        [
            (Quota(8, lending_limit=9), "it lends up to 9 of 8"),
            (Quota(-1), "a quota is less than 0"),
            (Quota(8, borrowing_limit=-1), "a quota is less than 0"),
        ],
    )
    def test_figures_that_contradict_each_other_are_told(self, quota: Quota, told: str) -> None:
        plan = decide(cluster(FLEET, queue("a", quota), pending("p", 1, 8, queue="a")))
        assert wait(plan, "p").reason is Reason.INVALID_QUEUE
        assert told in wait(plan, "p").message

    def test_the_default_queue_is_there_without_being_made(self) -> None:
        assert started(decide(cluster(FLEET, pending("p", 1, 8)))) == {"p"}

    def test_running_work_of_a_queue_that_is_gone_disturbs_nobody(self) -> None:
        plan = decide(cluster(FLEET, running("x", ["r1-0"], gpu=8, queue="gone"), pending("p", 1, 8)))
        assert started(plan) == {"p"}
