"""Volume claims: followed only where they matter, and waited for where they are not bound."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakekube import FakeKube
from placement.builders import Json, node, pod, pod_group
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.kube.client import Client
from powertrain_operator.placement.watches import CLAIMS, VOLUMES

MOUNT = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        kube.put(node("east", gpu=8, labels={"zone": "east"}))
        kube.put(node("west", gpu=8, labels={"zone": "west"}))
        yield kube


def claim(phase: str) -> Json:
    metadata = {"name": "data", "namespace": "team"}
    return {"metadata": metadata, "spec": {"volumeName": "v"}, "status": {"phase": phase}}


def volume(zone: str) -> Json:
    terms = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}]
    affinity = {"required": {"nodeSelectorTerms": terms}}
    return {"metadata": {"name": "v"}, "spec": {"nodeAffinity": affinity}}


async def test_claims_are_not_followed_where_no_pod_mounts_one(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("p", gpu=1, volumes=[{"name": "tmp", "emptyDir": {}}]))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "p"))
    assert kube.count("list", CLAIMS) == kube.count("list", VOLUMES) == 0


async def test_a_pod_waits_until_its_claim_is_bound_and_goes_where_the_volume_is(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod_group("g"))
    kube.put(pod("p", group="g", gpu=1, volumes=MOUNT))
    async with Client.connect(kube.kubeconfig(tmp_path)) as client, scheduler(kube, tmp_path):
        await until(lambda: "does not exist" in status_of(kube, "g").get("message", ""))
        assert status_of(kube, "g")["reason"] == "VolumeNotBound"
        await client.create(CLAIMS, claim("Pending"))
        await until(lambda: "is not bound" in status_of(kube, "g").get("message", ""))
        await client.create(VOLUMES, volume("west"))
        await client.merge_patch(CLAIMS, "team", "data", claim("Bound"))
        await until(lambda: node_of(kube, "p"))
    assert node_of(kube, "p") == "west"


async def test_claims_that_may_not_be_read_are_told_and_hold_up_nobody_else(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.faults.fail("list", CLAIMS, status=403, reason="Forbidden", times=1_000_000)
    kube.put(pod_group("g"))
    kube.put(pod("p", group="g", gpu=1, volumes=MOUNT))
    async with scheduler(kube, tmp_path):
        await until(lambda: "could not be read" in status_of(kube, "g").get("message", ""))
        kube.put(pod("q", gpu=1))
        await until(lambda: node_of(kube, "q"))
    assert not node_of(kube, "p")
