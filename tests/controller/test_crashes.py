"""The operator is stopped anywhere, and the API server fails it in every way: jobs still reach their end."""

import asyncio
import random
from pathlib import Path

import pytest
from controller.cluster import Cluster
from fakekube import Call
from fakekube.objects import Change
from powertrain_operator.api.names import LABEL_ATTEMPT
from powertrain_operator.controller import controller
from powertrain_operator.kube.resources import PODGROUPS, PODS, SERVICES, TRAININGJOBS
from powertrain_operator.reconcile import ObservedJob, Outcome, reconcile_training_job
from reconcile.building import job

AT_ONCE = {"maxRestarts": 5, "backoff": {"initial": "1ms", "maximum": "1ms"}}


def attempts_never_mix(cluster: Cluster) -> None:
    """From here on no pod may be made while one of another attempt is there."""

    def check(change: Change) -> None:
        if change.kind.plural != "pods" or change.type != "ADDED":
            return
        name = change.object["metadata"]["labels"].get("powertrain.dev/training-job")
        attempts = {
            pod["metadata"]["labels"][LABEL_ATTEMPT]
            for pod in cluster.pods()
            if pod["metadata"]["labels"].get("powertrain.dev/training-job") == name
        }
        assert len(attempts) == 1, f"pods of attempts {attempts} side by side"

    cluster.kube.listeners.append(check)


@pytest.mark.parametrize("seed", range(6))
async def test_a_job_reaches_its_end_however_often_the_operator_is_killed(
    cluster: Cluster, tmp_path: Path, seed: int
) -> None:
    """Killed after a number of writes that the seed chooses, a dozen times, with failures in between."""
    chance = random.Random(seed)
    attempts_never_mix(cluster)
    cluster.kube.put(job(workers=3, failurePolicy=AT_ONCE))
    for _ in range(12):
        async with cluster.operator(tmp_path):
            writes = asyncio.create_task(cluster.writes(chance.randint(1, 8)))
            await asyncio.wait([writes], timeout=0.5)
            writes.cancel()
        running = cluster.pods("Running")
        if running and chance.random() < 0.4:
            cluster.end(chance.choice(running)["metadata"]["name"], exit_code=1)
    async with cluster.operator(tmp_path):
        await cluster.until(lambda: cluster.finishes("llm"))
        await cluster.until(lambda: cluster.kube.object(PODGROUPS, "team-a", "llm") is None)
    held = [pod for pod in cluster.pods() if pod["status"]["phase"] in ("Pending", "Running")]
    assert held == [] and cluster.status("llm")["restarts"] <= 5


@pytest.mark.parametrize(
    ("verb", "resource", "status"),
    [
        ("create", PODS, 500),
        ("create", PODS, 429),
        ("create", PODS, 409),
        ("apply", PODGROUPS, 500),
        ("apply", SERVICES, 503),
        ("apply", TRAININGJOBS, 409),
        ("apply", TRAININGJOBS, 500),
        ("get", TRAININGJOBS, 500),
        ("delete", PODS, 500),
    ],
)
@pytest.mark.parametrize("after", [False, True], ids=["not done", "done but not told"])
async def test_a_job_reaches_its_end_though_requests_fail(
    cluster: Cluster, tmp_path: Path, verb: str, resource: object, status: int, after: bool
) -> None:
    attempts_never_mix(cluster)
    reason = {409: "Conflict", 429: "TooManyRequests", 404: "NotFound"}.get(status, "InternalError")
    retry_after = 0 if status == 429 else None
    cluster.kube.faults.fail(
        verb,
        resource,  # type: ignore[arg-type]
        status=status,
        reason=reason,
        times=3,
        after=after,
        retry_after=retry_after,
    )
    cluster.kube.put(job(workers=3, failurePolicy=AT_ONCE))
    async with cluster.operator(tmp_path):
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        cluster.end("llm-worker-2", exit_code=1)
        await cluster.until(lambda: cluster.status("llm")["attempt"] == 1)
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        cluster.end_all()
        await cluster.until(lambda: cluster.phase("llm") == "Succeeded")
    assert cluster.status("llm")["restarts"] == 1


async def test_jobs_go_on_while_the_watches_are_cut_again_and_again(cluster: Cluster, tmp_path: Path) -> None:
    names = [f"job-{number}" for number in range(4)]
    async with cluster.operator(tmp_path):
        for name in names:
            cluster.kube.put(job(name, workers=2))
            await cluster.writes(3)
            cluster.kube.cut_watches()
            cluster.kube.compact()
        await cluster.until(lambda: all(cluster.phase(name) == "Running" for name in names))
        cluster.end_all()
        await cluster.until(lambda: all(cluster.phase(name) == "Succeeded" for name in names))


async def test_a_mistake_of_ours_with_one_object_does_not_stop_the_others(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(seen: ObservedJob) -> Outcome:
        if seen.job.name == "cursed":
            raise ZeroDivisionError("a mistake")
        return reconcile_training_job(seen)

    monkeypatch.setattr(controller, "reconcile_training_job", faulty)
    async with cluster.operator(tmp_path):
        cluster.kube.put(job("cursed", workers=1))
        cluster.kube.put(job("llm", workers=1))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
    told = [
        record for record in caplog.records if record.exc_info and "ZeroDivisionError" in str(record.exc_info)
    ]
    assert {str(record.__dict__["object"]) for record in told} == {"TrainingJob team-a/cursed"}


async def test_nothing_is_made_on_the_word_of_a_status_that_is_out_of_date(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The new attempt is written, but its writer does not hear of it, and then a pod seems to be missing."""
    cluster.starting = False
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=2))
        await cluster.until(lambda: cluster.phase("llm") == "Starting")
        cluster.kube.faults.fail("watch", TRAININGJOBS, status=503, times=1000)
        cluster.kube.end_watches()  # kopf sees nothing more
        ahead = {**cluster.status("llm"), "attempt": 1, "phase": "Restarting"}
        cluster.kube.change(TRAININGJOBS, "team-a", "llm", {"status": ahead})
        cluster.kube.remove(PODS, "team-a", "llm-worker-1")
        await cluster.until(lambda: len(cluster.pods()) == 2 and attempts(cluster) == {"1"})
    made = [
        call.body["metadata"]["labels"][LABEL_ATTEMPT] for call in cluster.kube.calls if is_creation(call)
    ]
    assert made == ["0", "0", "1", "1"]


def attempts(cluster: Cluster) -> set[str]:
    return {pod["metadata"]["labels"][LABEL_ATTEMPT] for pod in cluster.pods()}


def is_creation(call: Call) -> bool:
    return (call.verb, call.plural) == ("create", "pods")
