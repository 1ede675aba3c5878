"""The operator process as a whole, kopf included, against a fake API server."""

from pathlib import Path
from typing import Any

from controller.cluster import Cluster
from powertrain_operator.api.names import ANNOTATION_SPEC_HASH, LABEL_ATTEMPT
from powertrain_operator.kube.resources import (
    ACCELERATORPOOLS,
    INFERENCESERVICES,
    PODGROUPS,
    PODS,
    QUEUES,
    SERVICES,
    TRAININGJOBS,
)
from reconcile.building import job, service

AT_ONCE = {"maxRestarts": 3, "backoff": {"initial": "1ms", "maximum": "1ms"}}


async def test_a_job_goes_from_its_creation_to_its_end(cluster: Cluster, tmp_path: Path) -> None:
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=3))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        assert [pod["metadata"]["name"] for pod in cluster.pods()] == [f"llm-worker-{i}" for i in range(3)]
        assert cluster.kube.object(SERVICES, "team-a", "llm-workers") is not None
        cluster.end_all()
        await cluster.until(lambda: cluster.phase("llm") == "Succeeded")
        await cluster.until(lambda: cluster.kube.object(PODGROUPS, "team-a", "llm") is None)
        assert len(cluster.pods("Succeeded")) == 3, "pods that have ended stay for their logs"


async def test_what_was_there_before_the_operator_started_is_served_too(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.kube.put(job(workers=2))
    async with cluster.operator(tmp_path):
        await cluster.until(lambda: cluster.phase("llm") == "Running")


async def test_a_gang_whose_worker_fails_starts_again_as_a_whole(cluster: Cluster, tmp_path: Path) -> None:
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=2, failurePolicy=AT_ONCE))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        cluster.end("llm-worker-1", exit_code=137)
        await cluster.until(lambda: cluster.status("llm").get("attempt") == 1)
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        attempts = {pod["metadata"]["labels"][LABEL_ATTEMPT] for pod in cluster.pods()}
        assert (attempts, cluster.status("llm")["restarts"]) == ({"1"}, 1)
        assert cluster.status("llm")["failedNodes"] == [{"node": "node-1", "failures": 1}]


async def scaled(cluster: Cluster, replicas: int) -> None:
    """Returns once the service has as many replicas, after asking for them."""
    cluster.kube.change(INFERENCESERVICES, "team-a", "chat", {"spec": {"replicas": replicas}})
    ready = f"{replicas}/{replicas}"
    await cluster.until(lambda: cluster.status("chat", INFERENCESERVICES)["ready"] == ready)
    await cluster.until(lambda: len(cluster.pods()) == replicas)


async def test_a_service_gets_its_replicas_and_follows_kubectl_scale(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with cluster.operator(tmp_path):
        cluster.kube.put(service(replicas=2))
        await cluster.until(lambda: cluster.service_phase("chat") == "Ready")
        assert cluster.status("chat", INFERENCESERVICES)["url"] == "http://chat.team-a.svc:8000"
        for replicas in (3, 1, 0):
            await scaled(cluster, replicas)
        assert cluster.kube.objects(PODGROUPS, "team-a") == []


async def test_a_deleted_job_is_not_served_on_after_its_deletion_was_missed(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=2))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        cluster.kube.cut_watches()
        cluster.kube.remove(TRAININGJOBS, "team-a", "llm")
        cluster.kube.compact()  # the watches start anew from a list, which does not tell of deletions
        cluster.kube.collect_garbage()
        await cluster.until(lambda: cluster.pods() == [])
        cluster.kube.put(job("other", workers=1))
        await cluster.until(lambda: cluster.phase("other") == "Running")
        names = [pod["metadata"]["name"] for pod in cluster.pods()]
        assert names == ["other-worker-0"], "nothing is made for the job that is gone"


async def test_an_object_that_cannot_be_read_is_told_and_the_others_go_on(
    cluster: Cluster, tmp_path: Path
) -> None:
    bad = job("bad", workers=2)
    bad["spec"]["workers"]["replicas"] = "two"
    async with cluster.operator(tmp_path):
        cluster.kube.put(bad)
        cluster.kube.put(job("good", workers=1))
        await cluster.until(lambda: cluster.phase("good") == "Running")
        await cluster.until(lambda: cluster.phase("bad") == "Invalid")
        message = cluster.status("bad")["message"]
        assert message == "spec.workers.replicas: must be a whole number"
        cluster.kube.change(TRAININGJOBS, "team-a", "bad", {"spec": {"workers": {"replicas": 2}}})
        await cluster.until(lambda: cluster.phase("bad") == "Running")


async def test_a_job_becomes_valid_by_itself_when_its_pool_and_queue_appear(
    cluster: Cluster, tmp_path: Path
) -> None:
    h100 = cluster.kube.object(ACCELERATORPOOLS, None, "h100")
    assert h100 is not None
    cluster.kube.remove(ACCELERATORPOOLS, None, "h100")
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(queue="research"))
        await cluster.until(lambda: cluster.status("llm").get("reason") == "QueueNotFound")
        cluster.kube.put({"kind": "Queue", "metadata": {"name": "research"}, "spec": {}})
        await cluster.until(lambda: cluster.status("llm")["reason"] == "AcceleratorNotFound")
        assert "ascend-910b and l4" in cluster.status("llm")["message"]
        cluster.kube.put({"kind": "AcceleratorPool", "metadata": {"name": "h100"}, "spec": h100["spec"]})
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        assert cluster.kube.object(QUEUES, None, "research") is not None


async def test_pods_that_the_api_server_refuses_are_told_to_the_job_owner(
    cluster: Cluster, tmp_path: Path
) -> None:
    why = "spec.containers[0].image: Required value"
    cluster.kube.faults.fail("create", PODS, status=422, reason="Invalid", message=why, times=1)
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=1))
        await cluster.until(lambda: cluster.phase("llm") == "Invalid")
        assert cluster.status("llm")["reason"] == "PodRefused"
        assert cluster.status("llm")["message"] == (f"Pod llm-worker-0 is refused by the API server: {why}")
        await cluster.until(lambda: cluster.phase("llm") == "Running")


async def test_a_name_that_belongs_to_somebody_else_is_told_and_left_alone(
    cluster: Cluster, tmp_path: Path
) -> None:
    theirs = {"kind": "Service", "metadata": {"name": "chat", "namespace": "team-a"}, "spec": {"ports": []}}
    metadata = {"name": "llm-worker-0", "namespace": "team-a", "labels": {}}
    pod = {"kind": "Pod", "metadata": metadata, "spec": {}}
    cluster.kube.put(theirs)
    cluster.kube.put(pod)
    async with cluster.operator(tmp_path):
        cluster.kube.put(service())
        cluster.kube.put(job(workers=1))
        await cluster.until(lambda: cluster.status("chat", INFERENCESERVICES).get("reason") == "NameTaken")
        await cluster.until(lambda: cluster.status("llm").get("reason") == "NameTaken")
        found = cluster.kube.object(SERVICES, "team-a", "chat")
        assert found is not None and found["spec"] == {"ports": []}
        cluster.kube.remove(SERVICES, "team-a", "chat")
        cluster.kube.remove(PODS, "team-a", "llm-worker-0")
        await cluster.until(lambda: cluster.service_phase("chat") == "Ready")
        await cluster.until(lambda: cluster.phase("llm") == "Running")


async def test_what_users_set_on_children_is_not_fought_over(cluster: Cluster, tmp_path: Path) -> None:
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=1))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        theirs: dict[str, Any] = {"metadata": {"labels": {"team": "red"}}, "spec": {"priority": 7}}
        cluster.kube.change(PODGROUPS, "team-a", "llm", theirs)
        cluster.end("llm-worker-0")
        await cluster.until(lambda: cluster.phase("llm") == "Succeeded")
        applies = [call for call in cluster.kube.calls if call.verb == "apply" and call.name == "llm"]
        assert len([call for call in applies if call.plural == "podgroups"]) == 1
        assert ANNOTATION_SPEC_HASH in applies[0].body["metadata"]["annotations"]


async def test_a_job_that_runs_smoothly_costs_few_writes(cluster: Cluster, tmp_path: Path) -> None:
    """PodGroup, Service, the pods, and a status for each phase at most."""
    async with cluster.operator(tmp_path):
        cluster.kube.put(job(workers=4))
        await cluster.until(lambda: cluster.phase("llm") == "Running")
        cluster.end_all()
        await cluster.until(lambda: cluster.phase("llm") == "Succeeded")
        await cluster.until(lambda: cluster.kube.object(PODGROUPS, "team-a", "llm") is None)
    kube = cluster.kube
    assert kube.count("create", PODS) == 4
    assert kube.count("apply", PODGROUPS) == kube.count("apply", SERVICES) == 1
    assert kube.count("apply", TRAININGJOBS, "status") <= 6
    assert kube.count("patch") == 0, "kopf writes nothing"
