"""PodGroups of several shapes: what the core is shown of them, and what comes of its choice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from placement.builders import GPU, Json, node, pod, pod_group, pool, queue
from placement.running import node_of, scheduler, status_of, until
from placement.test_groups import built, cache_of
from powertrain_operator.kube.resources import PODS


def shape(name: str, members: int, gpu: int, speed: float = 1.0) -> Json:
    resources = {"limits": {GPU: str(gpu)}, "requests": {GPU: str(gpu)}}
    spec = {"containers": [{"name": "main", "resources": resources}], "nodeSelector": {"model": name}}
    return {"name": name, "minMember": members, "speed": speed, "podSpec": spec}


SHAPES = [shape("big", 1, 8), shape("small", 2, 4, 0.5)]


def choosy(**more: Any) -> Json:
    return pod_group("g", runtime={"expected": "1h"}, **({"shapes": SHAPES} | more))


def worker(rank: int, of: str, gpu: int, **more: Any) -> Json:
    labels = {"powertrain.dev/shape": of}
    return pod(f"g-{rank}", group="g", gpu=gpu, rank=rank, labels=labels, nodeSelector={"model": of}, **more)


def test_the_core_sees_the_present_shape_and_the_others() -> None:
    group = built(cache_of(choosy(objective="cost"), worker(0, "big", 8)), "team/g")
    assert (group.shape, group.speed, group.min_member, group.objective) == ("big", 1.0, 1, "cost")
    assert group.expected_seconds == 3600.0
    (other,) = group.alternatives
    assert (other.name, other.min_member, other.speed, len(other.pods)) == ("small", 2, 0.5, 2)
    assert dict(other.pods[0].pod_class.request)[GPU] == 4
    assert other.pods[0].pod_class.node_selector == (("model", "small"),)


def test_the_pods_say_which_shape_is_present() -> None:
    group = built(cache_of(choosy(), worker(0, "small", 4), worker(1, "small", 4)), "team/g")
    assert (group.shape, group.min_member, group.expected_seconds) == ("small", 2, 7200.0)
    assert [each.name for each in group.alternatives] == ["big"]


def test_pods_without_the_label_are_of_the_first_shape() -> None:
    assert built(cache_of(choosy(), pod("g-0", group="g", gpu=8)), "team/g").shape == "big"


def test_a_shape_whose_pods_are_not_all_there_is_not_present() -> None:
    chosen = choosy() | {"status": {"shape": "small"}}
    group = built(cache_of(chosen, worker(0, "small", 4)), "team/g")
    assert (group.shape, group.chosen, group.min_member) == ("", "small", 2)
    assert {each.name for each in group.alternatives} == {"big", "small"}


def test_a_shape_that_cannot_be_read_is_left_out() -> None:
    broken = shape("broken", 1, 8)
    broken["podSpec"]["containers"][0]["resources"]["requests"] = {"cpu": "many"}
    group = built(cache_of(choosy(shapes=[*SHAPES, broken]), worker(0, "big", 8)), "team/g")
    assert [each.name for each in group.alternatives] == ["small"]


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    """A node of the one model and a node of the other."""
    async with FakeKube.start() as kube:
        kube.put(node("n-big", gpu=8, labels={"model": "big", "pool": "h100"}))
        kube.put(node("n-small", gpu=8, labels={"model": "small", "pool": "h100"}))
        kube.put(pool())
        kube.put(queue("default"))
        yield kube


async def test_a_chosen_shape_is_told_and_its_room_is_held_until_the_pods_are_there(
    kube: FakeKube, tmp_path: Path
) -> None:
    """The pods are for `big`, whose node is full for good: `small` is told, a later pod gets no room on its
    node, and the pods that are made for it do."""
    kube.put(pod("busy", gpu=8, node="n-big", ours=False))
    kube.put(choosy())
    kube.put(worker(0, "big", 8))
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("shape") == "small")
        assert status_of(kube, "g")["reason"] == "ChangingShape"
        kube.put(pod("later", gpu=8, nodeSelector={"model": "small"}))
        kube.remove(PODS, "team", "g-0")
        for rank in range(2):
            kube.put(worker(rank, "small", 4))
        await until(lambda: status_of(kube, "g").get("phase") == "Scheduled")
    assert [node_of(kube, f"g-{rank}") for rank in range(2)] == ["n-small", "n-small"]
    assert node_of(kube, "later") == ""
    assert status_of(kube, "g")["shape"] == "small"
    assert status_of(kube, "g")["members"] == "2/2"
