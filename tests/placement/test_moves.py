"""Moves through the running process: the moved get the nodes that are held for them, whoever asks meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from placement.builders import node, pod, pod_group, pool, queue
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import PODS


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    """Two nodes of eight devices each."""
    async with FakeKube.start() as kube:
        for number in range(2):
            kube.put(node(f"n{number}", gpu=8, labels={"pool": "h100"}))
        kube.put(pool())
        kube.put(queue("default"))
        yield kube


def put(kube: FakeKube, name: str, gpu: int, **spec: Any) -> None:
    kube.put(pod_group(name, **spec))
    kube.put(pod(f"{name}-0", group=name, gpu=gpu, rank=0))


async def half_full(kube: FakeKube) -> None:
    """Each of the nodes runs a group on half of its devices; `stays` may not be moved."""
    for name, more in (("stays", {"preemptible": False}), ("filler", {}), ("moves", {})):
        put(kube, name, 4, **more)
        await until(lambda name=name: node_of(kube, f"{name}-0"))  # type: ignore[misc]
    kube.remove(PODS, "team", "filler-0")


async def test_a_group_is_moved_and_starts_again_where_room_is_held_for_it(
    kube: FakeKube, tmp_path: Path
) -> None:
    async with scheduler(kube, tmp_path):
        await half_full(kube)
        put(kube, "whole", 8)
        await until(lambda: kube.object(PODS, "team", "moves-0") is None)
        put(kube, "eager", 4)
        await until(lambda: node_of(kube, "whole-0"))
        await until(lambda: status_of(kube, "eager").get("phase") == "Pending")
        kube.put(pod("moves-0-again", group="moves", gpu=4, rank=0))
        await until(lambda: node_of(kube, "moves-0-again"))
    assert node_of(kube, "moves-0-again") == node_of(kube, "stays-0") != node_of(kube, "whole-0")
    assert not node_of(kube, "eager-0")
    evicted = status_of(kube, "moves")["evicted"]
    assert (evicted["forGroup"], evicted["reason"]) == ("team/whole", "Consolidated")


async def test_a_place_that_nobody_comes_back_to_is_given_up(kube: FakeKube, tmp_path: Path) -> None:
    async with scheduler(kube, tmp_path):
        await half_full(kube)
        put(kube, "whole", 8)
        await until(lambda: kube.object(PODS, "team", "moves-0") is None)
        put(kube, "eager", 4)
        await until(lambda: node_of(kube, "eager-0"))
    assert node_of(kube, "whole-0") and node_of(kube, "eager-0") == node_of(kube, "stays-0")


async def test_a_restart_knows_who_was_moved(kube: FakeKube, tmp_path: Path) -> None:
    async with scheduler(kube, tmp_path):
        await half_full(kube)
        put(kube, "whole", 8)
        await until(lambda: node_of(kube, "whole-0"))
        kube.put(pod("moves-0-again", group="moves", gpu=4, rank=0))
        await until(lambda: node_of(kube, "moves-0-again"))
    kube.remove(PODS, "team", "whole-0")
    kube.remove(PODS, "team", "stays-0")
    kube.put(pod("lodger", gpu=4, node="n0" if node_of(kube, "moves-0-again") == "n1" else "n1"))
    async with scheduler(kube, tmp_path):
        put(kube, "again", 8)
        await until(lambda: status_of(kube, "again").get("phase") == "Pending")
    assert node_of(kube, "moves-0-again"), "it was moved a moment ago and is left alone"
