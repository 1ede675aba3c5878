"""Several classes of pods in one gang: none takes the place that another of its own needs."""

from core.builders import (
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
from powertrain_scheduler.reasons import Reason

LEADER, WORKER = pod_class(cpu=8000), pod_class(gpu=8, cpu=8000)


def test_a_leader_leaves_the_nodes_that_its_workers_need() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8, cpu=10),
            rack("r2", nodes=1, cpu=10),
            pending("a", 0, also=[LEADER, WORKER, WORKER]),
        )
    )
    assert nodes(plan, "a") == ("r1-0", "r1-1", "r2-0")


def test_a_leader_shares_a_node_only_where_both_have_room() -> None:
    two = rack("r1", nodes=1, gpu=8, cpu=10), rack("r2", nodes=1, gpu=8, cpu=16)
    plan = decide(cluster(*two, pending("a", 0, also=[LEADER, WORKER, WORKER])))
    assert sorted(bind.node for bind in plan.binds) == ["r1-0", "r2-0", "r2-0"]


def test_a_small_class_gives_way_where_it_would_block_the_large_one() -> None:
    # First the large pods by themselves, then the small ones: neither order works, node by node.
    small, large = pod_class(cpu=1000, memory=3), pod_class(cpu=3000, memory=1)
    plan = decide(
        cluster(
            rack("r", nodes=1, cpu=4, memory=4),
            rack("s", nodes=1, cpu=3, memory=6),
            pending("a", 0, also=[small, small, small, large]),
        )
    )
    assert started(plan) == {"a"}


def test_classes_that_can_not_be_together_anywhere_wait() -> None:
    plan = decide(cluster(rack("r", nodes=1, gpu=8, cpu=10), pending("a", 0, also=[LEADER, WORKER])))
    assert wait(plan, "a").reason is Reason.NEVER_FITS
    assert "fit one by one but not together" in wait(plan, "a").message


def test_a_rack_that_holds_the_workers_but_not_the_leader_is_passed_over() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8, cpu=8),
            rack("r2", nodes=3, gpu=8, cpu=8),
            pending("a", 0, also=[LEADER, WORKER, WORKER], required=RACK),
        )
    )
    assert nodes(plan, "a") == ("r2-0", "r2-1", "r2-2")


def test_a_leader_without_devices_goes_beside_its_workers_but_not_onto_their_nodes() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=1, cpu=64),
            rack("r2", nodes=1, gpu=8, cpu=64),
            rack("r2c", nodes=1, cpu=64, labels={RACK: "r2"}),
            queue("default"),
            running("x", ["r1-0"], cpu=32000),
            pending("a", 0, also=[LEADER, WORKER], preferred=RACK),
        )
    )
    assert nodes(plan, "a") == ("r2-0", "r2c-0")
