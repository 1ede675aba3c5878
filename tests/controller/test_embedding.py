"""The operator beside others in one process: it starts late, stops cleanly, and leaves alone what is not its own."""

import asyncio
import os
import re
import signal
from pathlib import Path

import aiohttp
import pytest
from controller.cluster import Cluster
from powertrain_operator.controller import kopfthread
from powertrain_operator.controller.process import OperatorOptions, run_operator
from powertrain_operator.kube.errors import ConfigError
from powertrain_operator.kube.resources import PODS
from reconcile.building import job


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kopfthread, "FIRST_WAIT", 0.01)


async def logged(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Returns once a log line says so."""
    async with asyncio.timeout(20):
        while words not in caplog.text:
            await asyncio.sleep(0.01)


async def test_the_kinds_may_be_installed_after_the_operator_has_started(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.kube.install_crds(False)
    cluster.kube.put(job(workers=1))
    async with cluster.operator(tmp_path):
        while "are the CRDs installed?" not in caplog.text:
            await asyncio.sleep(0.01)
        assert cluster.phase("llm") is None
        cluster.kube.install_crds()
        await cluster.until(lambda: cluster.phase("llm") == "Running")


async def test_kopf_is_started_anew_when_it_fails(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failure = {"kind": "Status", "metadata": {}, "code": 500, "reason": "InternalError", "message": "no"}
    async with cluster.operator(tmp_path):
        cluster.kube.put(job("before", workers=1))
        await cluster.until(lambda: cluster.phase("before") == "Running")
        cluster.kube.send("ERROR", failure)
        while "kopf has failed" not in caplog.text:
            await asyncio.sleep(0.01)
        cluster.kube.put(job("after", workers=1))
        await cluster.until(lambda: cluster.phase("after") == "Running")


async def test_kopf_runs_as_a_user_who_has_no_name(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's user id stands in no /etc/passwd."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    monkeypatch.setattr("getpass.getuser", nobody)
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=1))
        await cluster.until(lambda: cluster.phase("llm") == "Running")


async def test_signals_and_tasks_of_the_process_stay_as_they_were(cluster: Cluster, tmp_path: Path) -> None:
    """kopf, left to itself, takes the signal handlers and cancels every task of its event loop."""
    received = asyncio.Event()
    beside = asyncio.create_task(asyncio.Event().wait())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, received.set)
    try:
        async with cluster.operator(tmp_path):
            cluster.kube.put(job(workers=1))
            await cluster.until(lambda: cluster.phase("llm") == "Running")
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(5):
                await received.wait()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    assert not beside.done()
    beside.cancel()
    await asyncio.wait([beside])
    left = [task for task in asyncio.all_tasks() if "powertrain_operator" in repr(task)]
    assert left == []


async def test_ready_is_said_once_the_cluster_is_known_and_metrics_are_served(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="powertrain_operator")
    gate = cluster.kube.faults.hold("list")
    options = OperatorOptions(kubeconfig=cluster.kube.kubeconfig(tmp_path), listen="127.0.0.1:0")
    operator = asyncio.create_task(run_operator(options))
    await gate.arrival()
    url = re.search(r"http://[0-9.:]+", caplog.text)
    assert url is not None
    async with aiohttp.ClientSession(url.group()) as client:
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/healthz")).status == 200
        gate.open()
        cluster.kube.put(job(workers=1))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        assert (await client.get("/readyz")).status == 200
        page = await (await client.get("/metrics")).text()
    assert 'powertrain_api_requests_total{code="201",resource="pods",verb="create"} 1.0' in page
    assert 'powertrain_reconcile_errors_total{kind="TrainingJob"} 0.0' in page
    operator.cancel()
    await asyncio.wait([operator])
    assert operator.cancelled()


async def test_an_operator_without_a_login_ends_and_says_why(tmp_path: Path) -> None:
    options = OperatorOptions(kubeconfig=str(tmp_path / "none"), listen=None)
    with pytest.raises(ConfigError, match="no kubeconfig at"):
        await run_operator(options)


async def test_an_operator_of_one_namespace_leaves_the_others_alone(cluster: Cluster, tmp_path: Path) -> None:
    elsewhere = job("other", workers=1)
    elsewhere["metadata"]["namespace"] = "team-b"
    cluster.kube.put(elsewhere)
    async with cluster.operator(tmp_path, namespace="team-a"):
        cluster.kube.put(job(workers=1))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        assert cluster.kube.objects(PODS, "team-b") == []
