"""A gang that has waited for long is kept the nodes that are free, through the running process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakekube import FakeKube
from placement.builders import node, pod, pod_group, pool, queue
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import PODS
from powertrain_scheduler.policy import Policy


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    """Two nodes of eight devices each, one of them taken by work that does not say when it ends."""
    async with FakeKube.start() as kube:
        for number in range(2):
            kube.put(node(f"n{number}", gpu=8, labels={"pool": "h100"}))
        kube.put(pool())
        kube.put(queue("default"))
        kube.put(pod("endless", gpu=8, node="n0"))
        yield kube


def put_gang(kube: FakeKube) -> None:
    kube.put(pod_group("gang", minimum=2))
    for rank in range(2):
        kube.put(pod(f"gang-{rank}", group="gang", gpu=8, rank=rank))


async def test_nodes_are_kept_for_it_until_it_starts(kube: FakeKube, tmp_path: Path) -> None:
    async with scheduler(kube, tmp_path, policy=Policy(patience_seconds=0.0)):
        put_gang(kube)
        await until(lambda: status_of(kube, "gang").get("phase") == "Pending")
        kube.put(pod_group("small"))
        kube.put(pod("small-0", group="small", gpu=8, rank=0))
        await until(lambda: status_of(kube, "small").get("reason") == "Reserved")
        kube.remove(PODS, "team", "endless")
        await until(lambda: node_of(kube, "gang-0") and node_of(kube, "gang-1"))
    assert not node_of(kube, "small-0")


async def test_others_go_first_while_it_has_not_waited_for_long(kube: FakeKube, tmp_path: Path) -> None:
    async with scheduler(kube, tmp_path, policy=Policy(patience_seconds=1e6)):
        put_gang(kube)
        await until(lambda: status_of(kube, "gang").get("phase") == "Pending")
        kube.put(pod("small", gpu=8))
        await until(lambda: node_of(kube, "small") == "n1")
