"""Who is evicted, where victims and claimant are of unlike size."""

from typing import Any

from core.builders import RACK, cluster, decide, evicted, pending, queue, rack, running, started
from powertrain_scheduler.snapshot import PodGroup


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
