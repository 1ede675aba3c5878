"""What a waiting group's owner reads."""

from dataclasses import replace

from core.builders import RACK, cluster, decide, pending, pod_class, rack, running, wait
from powertrain_scheduler.plan import Plan, Wait
from powertrain_scheduler.reasons import Reason

FLEET = rack("r1", nodes=3, gpu=8, cpu=32)


def told(plan: Plan, group: str) -> tuple[Reason, str]:
    found = wait(plan, group)
    return found.reason, found.message


def test_too_few_devices_are_free() -> None:
    busy = running("x", ["r1-0", "r1-1"], gpu=6)
    assert told(decide(cluster(FLEET, busy, pending("p", 2, 8))), "p") == (
        Reason.DOES_NOT_FIT,
        (
            "needs 2 x 8 nvidia.com/gpu; 3 matching nodes have room for 1 of 2 pods: "
            "2 lack nvidia.com/gpu (most free on one: 2)"
        ),
    )


def test_the_resource_that_is_short_is_told_node_by_node() -> None:
    busy = (
        running("x", ["r1-0"], gpu=8),
        running("y", ["r1-1"], cpu=31_000, preemptible=False),
        running("z", ["r1-2"], cpu=28_000, preemptible=False),
    )
    assert told(decide(cluster(FLEET, *busy, pending("p", 1, 1, cpu=8000))), "p") == (
        Reason.DOES_NOT_FIT,
        (
            "needs 1 x 1 nvidia.com/gpu; 3 matching nodes have room for 0 of 1 pod: "
            "1 lack nvidia.com/gpu (most free on one: 0), 2 lack cpu (most free on one: 4)"
        ),
    )


def test_a_pod_larger_than_any_node_never_fits() -> None:
    assert told(decide(cluster(FLEET, pending("p", 1, 16))), "p") == (
        Reason.NEVER_FITS,
        (
            "needs 1 x 16 nvidia.com/gpu; 3 matching nodes have room for 0 of 1 pod: "
            "3 lack nvidia.com/gpu (most free on one: 8), even with nothing else running"
        ),
    )


def test_a_gang_larger_than_any_rack_never_fits() -> None:
    assert told(
        decide(cluster(FLEET, rack("r2", nodes=2, gpu=8), pending("p", 4, 8, required=RACK))), "p"
    ) == (
        Reason.NEVER_FITS,
        (
            "needs 4 x 8 nvidia.com/gpu in one rack (topology/rack); the roomiest, r1, has room for 3 of 4 pods, "
            "even with nothing else running"
        ),
    )


def test_a_resource_that_no_node_has_is_named() -> None:
    assert told(decide(cluster(FLEET, pending("p", 1, 1, resource="amd.com/gpu"))), "p") == (
        Reason.NEVER_FITS,
        "needs 1 x 1 amd.com/gpu; no node has amd.com/gpu, even with nothing else running",
    )


def test_pods_without_devices_are_told_in_cpu_and_memory() -> None:
    reason, message = told(decide(cluster(FLEET, pending("p", 2, cpu=64_500, memory=4))), "p")
    assert reason is Reason.NEVER_FITS
    assert message.startswith(
        "needs 2 x (cpu 64500m, memory 4 GiB); 3 matching nodes have room for 0 of 2 pods"
    )


def test_pods_that_fit_one_by_one_but_not_together_are_told_so() -> None:
    half = pod_class(0, cpu=30_000)
    fleet = rack("r1", nodes=1, gpu=8, cpu=40)
    reason, message = told(decide(cluster(fleet, pending("p", 1, 8, cpu=30_000, also=[half]))), "p")
    assert reason is Reason.NEVER_FITS
    assert message == (
        "needs 1 x 8 nvidia.com/gpu and 1 x (cpu 30, memory 1 GiB), which fit one by one but not together, "
        "even with nothing else running"
    )


def test_a_cluster_without_nodes_says_so() -> None:
    assert told(decide(cluster(pending("p", 1, 1))), "p") == (
        Reason.NO_MATCHING_NODES,
        "the cluster has no nodes",
    )


def test_nodes_that_failed_the_group_are_counted() -> None:
    excluded = pending("p", 1, 8, excluded=["r1-0", "r1-1", "r1-2"])
    assert told(decide(cluster(FLEET, excluded)), "p") == (
        Reason.NO_MATCHING_NODES,
        "0/3 nodes match: 3 failed this group before",
    )


def test_missing_gated_and_orphaned_pods_are_told_before_anything_is_tried() -> None:
    few = pending("few", workers=1, gpu=8, min_member=3)
    gated = replace(pending("gated", workers=1, gpu=8, min_member=3), gated=2)
    orphans = replace(pending("orphans", workers=2, gpu=8), exists=False)
    plan = decide(cluster(FLEET, few, gated, orphans))
    assert plan.binds == ()
    assert plan.waits == (
        Wait("few", Reason.WAITING_FOR_PODS, "1 of the 3 pods it needs exist"),
        Wait("gated", Reason.SCHEDULING_GATED, "2 pods carry scheduling gates; 1 of 3 are free to go"),
        Wait("orphans", Reason.POD_GROUP_NOT_FOUND, "2 pods name pod group orphans, which does not exist"),
    )


def test_a_group_that_runs_in_full_is_told_nothing() -> None:
    plan = decide(cluster(FLEET, running("x", ["r1-0", "r1-1"], gpu=8), pending("p", 1, 8)))
    assert [each.group for each in plan.waits] == []


def test_alike_groups_read_alike() -> None:
    busy = running("x", ["r1-0", "r1-1", "r1-2"], gpu=8)
    plan = decide(cluster(FLEET, busy, *(pending(f"p{i}", 1, 8) for i in range(3))))
    assert len({each.message for each in plan.waits}) == 1 and len(plan.waits) == 3
