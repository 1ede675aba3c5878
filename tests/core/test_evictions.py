"""Who is evicted, where victims and claimant are of unlike size."""

from dataclasses import replace
from typing import Any

from core.builders import (
    NOW,
    RACK,
    cluster,
    decide,
    evicted,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
)
from powertrain_scheduler.snapshot import Pod, PodGroup, Slice, SubGroup, Topology


def one_gpu_jobs(nodes: int, each: int, prefix: str = "r1", **more: Any) -> list[PodGroup]:
    """`each` jobs of one GPU on every node, numbered across the nodes, so that neighbours in age are spread."""
    return [
        running(f"lent-{i}-{n}", [f"{prefix}-{n}"], gpu=1, queue="guest", created=float(i), **more)
        for i in range(each)
        for n in range(nodes)
    ]


def test_whole_nodes_are_reclaimed_from_small_jobs_that_are_spread_over_all_of_them() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=6, gpu=8),
            *one_gpu_jobs(nodes=6, each=8),
            queue("owner", 16),
            queue("guest", 32),
            pending("claim", workers=2, gpu=8, queue="owner"),
        )
    )
    assert len(plan.evicts) == 16
    assert len({evict.pod.rsplit("-", 2)[1] for evict in plan.evicts}) == 2, "victims sit on two nodes only"


def test_a_node_that_is_partly_free_is_cleared_before_a_full_one() -> None:
    jobs = one_gpu_jobs(nodes=3, each=8)
    on_the_second = [job for job in jobs if job.name.endswith("-1")]
    there = [job for job in jobs if job not in on_the_second[:5]]
    plan = decide(
        cluster(
            rack("r1", nodes=3, gpu=8),
            *there,
            queue("owner", 8),
            queue("guest", 8),
            pending("claim", workers=1, gpu=8, queue="owner", required=RACK),
        )
    )
    assert evicted(plan) == {f"lent-{i}-1-0" for i in (5, 6, 7)}


def test_nobody_is_evicted_where_no_node_could_be_cleared() -> None:
    fixed = [running(f"fixed-{n}", [f"r1-{n}"], gpu=1, queue="guest", preemptible=False) for n in range(3)]
    plan = decide(
        cluster(
            rack("r1", nodes=3, gpu=8),
            *fixed,
            *one_gpu_jobs(nodes=3, each=7),
            queue("owner", 8),
            queue("guest", 8),
            pending("claim", workers=1, gpu=8, queue="owner"),
        )
    )
    assert not plan.evicts and not started(plan)


def test_for_slices_no_more_racks_are_cleared_than_there_are_slices() -> None:
    racks = [rack(f"r{i}", nodes=4, gpu=8) for i in range(6)]
    guests = [
        running(f"x{i}{n}", [f"r{i}-{n}"], gpu=8, queue="guest", started=NOW - (i * 7 + n * 5) % 11 - 1)
        for i in range(6)
        for n in range(4)
    ]
    claim = pending("claim", workers=8, gpu=8, queue="owner")
    sliced = replace(claim, topology=Topology(slices=(Slice(4, RACK),)))
    plan = decide(cluster(*racks, *guests, queue("owner", 192), queue("guest", 0), sliced))
    assert len(plan.evicts) == 8
    assert len({evict.group[:2] for evict in plan.evicts}) == 2


def test_for_parts_each_in_a_rack_no_more_goes_than_they_need() -> None:
    racks = [rack(f"r{i}", nodes=4, gpu=8) for i in range(6)]
    guests = [
        running(f"x{i}{n}", [f"r{i}-{n}"], gpu=8, queue="guest", started=NOW - (i * 7 + n * 5) % 11 - 1)
        for i in range(6)
        for n in range(4)
    ]
    names = ["a", "a", "b", "b"]
    pods = tuple(Pod(f"claim-{i}", pod_class(8), subgroup=part) for i, part in enumerate(names))
    parts = tuple(SubGroup(part, 2, topology=Topology(required=RACK)) for part in ("a", "b"))
    claim = replace(pending("claim", 4, 8, queue="owner"), waiting=pods, subgroups=parts)
    plan = decide(cluster(*racks, *guests, queue("owner", 192), queue("guest", 0), claim))
    assert len(plan.evicts) == 4
