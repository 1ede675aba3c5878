"""Which queue is next, and how many groups of it may run."""

from core.builders import (
    Policy,
    carry_out,
    cluster,
    decide,
    evicted,
    pending,
    queue,
    rack,
    running,
    started,
    vacated,
    wait,
)
from powertrain_scheduler.reasons import Reason

ONE = rack("r1", nodes=1, gpu=8)


def test_a_sibling_of_higher_priority_is_served_first_whatever_its_share() -> None:
    queues = queue("a", 8), queue("b", 8, priority=1, weight=0)
    busy = running("x", ["r1-0"], gpu=7, queue="b")
    world = cluster(ONE, *queues, busy, pending("p", 1, 1, queue="a"), pending("q", 1, 1, queue="b"))
    assert started(decide(world)) == {"q"}


def test_past_use_counts_where_the_policy_says_so() -> None:
    queues = queue("a", 8, past_use={"h100-sxm": 4.0}), queue("b", 8, created=1.0)
    world = cluster(ONE, *queues, pending("p", 1, 8, queue="a"), pending("q", 1, 8, queue="b"))
    assert started(decide(world)) == {"p"}, "the older queue"
    assert started(decide(world, Policy(past_use_weight=0.5))) == {"q"}


def test_the_share_of_a_job_that_asks_for_two_kinds_is_the_larger_one() -> None:
    quotas = {"h100-sxm": 8, "cpu": 10_000}
    world = cluster(
        ONE,
        *(queue("a", quotas), queue("b", quotas, created=1.0)),
        pending("p", 1, 1, cpu=60_000, queue="a"),
        pending("q", 1, 2, cpu=5_000, queue="b"),
    )
    assert started(decide(world)) == {"q"}, "p would take six times its queue's CPU"


class TestRunningGroups:
    def test_no_more_groups_of_a_queue_run_than_it_says(self) -> None:
        waiting = [pending(f"p{i}", 1, 1, queue="a", created=float(i)) for i in range(3)]
        world = cluster(ONE, queue("a", max_running=2), *waiting, pending("q", 1, 1))
        plan = decide(world)
        assert started(plan) == {"p0", "p1", "q"}
        told = wait(plan, "p2")
        assert (told.reason, told.message) == (Reason.QUOTA_EXCEEDED, "queue a runs 2 groups of at most 2")
        assert started(decide(carry_out(world, plan))) == set()

    def test_a_parent_counts_the_groups_of_its_subtree(self) -> None:
        queues = queue("team", max_running=1), queue("a", parent="team"), queue("b", parent="team")
        world = cluster(ONE, *queues, running("x", ["r1-0"], gpu=1, queue="a"), pending("p", 1, 1, queue="b"))
        assert wait(decide(world), "p").message == "queue team runs 1 group of at most 1"

    def test_a_running_group_grows_all_the_same(self) -> None:
        elastic = running("x", ["r1-0"], gpu=1, queue="a", waiting=2, min_member=1)
        assert len(decide(cluster(ONE, queue("a", max_running=1), elastic)).binds) == 2
        new = pending("y", 3, 1, queue="a", min_member=1)
        assert len(decide(cluster(ONE, queue("a", max_running=1), new)).binds) == 3

    def test_a_more_important_group_takes_the_place_of_another(self) -> None:
        busy = running("x", ["r1-0"], gpu=1, queue="a"), running("y", ["r1-0"], gpu=1, queue="a", priority=5)
        world = cluster(ONE, queue("a", max_running=2), *busy, pending("p", 1, 1, queue="a", priority=1))
        plan = decide(world)
        assert evicted(plan) == {"x-0"}
        assert started(decide(vacated(carry_out(world, plan)))) == {"p"}
