"""`powertrain plan --cluster`: the live cluster's answer, without a single write."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fakekube import FakeKube
from placement.builders import node, pod, pod_group, pool, queue
from powertrain_operator.cli import main
from powertrain_operator.placement.watches import CLAIMS


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        for number in range(2):
            kube.put(node(f"n{number}", gpu=8, labels={"pool": "h100"}))
        kube.put(pool())
        kube.put(queue("default"))
        yield kube


async def plan(kube: FakeKube, directory: Path) -> Result:
    """The command in a thread of its own, as it runs an event loop of its own."""
    arguments = ["plan", "--cluster", f"--kubeconfig={kube.kubeconfig(directory)}", "-o", "json"]
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


async def test_the_live_cluster_is_read_and_not_written(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("runs", gpu=8, node="n0", phase="Running"))
    kube.put(pod_group("g", minimum=2))
    for rank in range(2):
        kube.put(pod(f"g-{rank}", group="g", gpu=4, rank=rank))
    kube.put(pod("waits", gpu=2))
    result = await plan(kube, tmp_path)
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert [(each["pod"], each["node"]) for each in answer["bindings"]] == [("g-0", "n1"), ("g-1", "n1")]
    assert answer["bindings"][0]["devices"] == [{"resource": "nvidia.com/gpu", "count": 4}]
    assert [(each["group"], each["reason"]) for each in answer["waiting"]] == [("waits", "DoesNotFit")]
    assert {call.verb for call in kube.calls} == {"list"}


async def test_claims_that_may_not_be_read_are_noted_and_the_rest_is_answered(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.faults.fail("list", CLAIMS, status=403, reason="Forbidden", message="not yours to read")
    kube.put(pod("p", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]))
    kube.put(pod("q", gpu=1))
    result = await plan(kube, tmp_path)
    assert result.exit_code == 0
    assert "note: volume claims could not be read: not yours to read" in result.stderr
    assert [each["pod"] for each in json.loads(result.stdout)["bindings"]] == ["q"]


async def test_a_cluster_that_refuses_is_told_in_one_line(kube: FakeKube, tmp_path: Path) -> None:
    kube.faults.fail("list", status=403, reason="Forbidden", message="not yours to read")
    result = await plan(kube, tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: the cluster cannot be read: not yours to read (403 Forbidden)\n"
