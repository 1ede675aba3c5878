"""Shares of devices: said in an annotation, placed on a named device, and read back from the pod."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakekube import FakeKube
from placement.builders import GPU, Json, node, node_view, pod, pod_view
from placement.running import node_of, scheduler, until
from powertrain_operator.kube.resources import PODS
from powertrain_operator.placement.cache import Cache
from powertrain_operator.placement.translate import shares
from powertrain_scheduler.snapshot import SharedDevice


def said(part: object, device: str = "") -> dict[str, str]:
    found = {"powertrain.dev/device-share": f"{GPU}={part}", "example.com/other": "x"}
    return found | ({"powertrain.dev/device": device} if device else {})


@pytest.mark.parametrize("text", ["nvidia.com/gpu=0", "nvidia.com/gpu=1000", "nvidia.com/gpu=half", "cpu=500", "500", "a/b=-1"])  # fmt: skip
def test_what_is_no_share_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"nvidia\.com/gpu=500"):
        shares.share(text)


def test_a_share_is_a_resource_and_thousandths() -> None:
    assert shares.share("") is None
    assert shares.share(" huawei.com/Ascend910=250 ") == (
        "huawei.com/Ascend910",
        250,
    )


def cache(*pods: Json) -> Cache:
    found = Cache()
    found.on_node("n0", None, node_view(node("n0", gpu=4)))
    for manifest in pods:
        found.on_pod(f"team/{manifest['metadata']['name']}", None, pod_view(manifest))
    return found


def test_a_device_with_shares_counts_as_one_whole_and_leaves_with_its_last() -> None:
    snapshot = cache(
        pod("a", node="n0", annotations=said(300, "0")),
        pod("b", node="n0", annotations=said(300, "0"), leaving=True),
        pod("c", node="n0", annotations=said(900, "1"), leaving=True),
        pod("d", node="n0", gpu=1),
    ).snapshot()
    column = snapshot.nodes.resources.index(GPU)
    assert snapshot.shared == {"n0": (SharedDevice(GPU, "0", 600, 300), SharedDevice(GPU, "1", 900, 900))}
    assert (snapshot.used[0, column], snapshot.leaving[0, column]) == (3, 1)
    assert [p.device for p in snapshot.groups["team/pod/a"].placed] == ["0"]


def test_a_share_of_a_device_that_nobody_knows_counts_as_a_whole_one() -> None:
    snapshot = cache(pod("a", node="n0", annotations=said(300))).snapshot()
    assert snapshot.shared == {} and snapshot.used[0, snapshot.nodes.resources.index(GPU)] == 1


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        kube.put(node("n0", gpu=2))
        yield kube


def device_of(kube: FakeKube, name: str) -> str:
    found = kube.object(PODS, "team", name) or {}
    return str(found["metadata"].get("annotations", {}).get("powertrain.dev/device", ""))


def told(kube: FakeKube, name: str) -> str:
    found = kube.object(PODS, "team", name) or {}
    return " ".join(each.get("message", "") for each in found["status"].get("conditions", ()))


async def test_shares_are_packed_on_a_device_and_named_with_the_binding(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod("there", node="n0", annotations=said(500, "1"), phase="Running"))
    kube.put(pod("joins", annotations=said(500)))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "joins"))
        assert device_of(kube, "joins") == "1"
        kube.put(pod("whole", gpu=1))
        await until(lambda: node_of(kube, "whole"))
        kube.put(pod("late", annotations=said(100)))
        await until(lambda: told(kube, "late"))
    assert not node_of(kube, "late")
    assert "have no device with 0.1 nvidia.com/gpu free" in told(kube, "late")


async def test_a_share_that_cannot_be_read_waits_and_says_so(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("bad", annotations=said("lots")))
    kube.put(pod("both", gpu=1, annotations=said(500)))
    async with scheduler(kube, tmp_path):
        await until(lambda: told(kube, "bad") and told(kube, "both"))
    assert "such as nvidia.com/gpu=500" in told(kube, "bad")
    assert "and whole ones, too" in told(kube, "both")
    assert not node_of(kube, "bad") and not node_of(kube, "both")
