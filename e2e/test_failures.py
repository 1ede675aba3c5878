"""As somebody who trains, I want my gang to go on after a worker or a node has failed."""

from storykit.tenant import Tenant, training_job

AT_ONCE = {"maxRestarts": 2, "backoff": {"initial": "1s", "maximum": "2s"}}


def test_a_worker_that_dies_restarts_the_whole_gang(tenant: Tenant) -> None:
    tenant.apply(
        training_job(
            "unlucky", tenant.image, 3, failurePolicy=AT_ONCE, env={"FAIL_AT": "1:3:7", "PAUSE": 0.2}
        )
    )
    first = tenant.until("all workers run", lambda: _uids(tenant, "unlucky", "0"))
    second = tenant.until("a second attempt runs", lambda: _uids(tenant, "unlucky", "1"))
    assert not first & second  # every worker is a new one
    tenant.until("the job succeeds", lambda: tenant.phase("ptj", "unlucky") == "Succeeded")
    status = tenant.status("ptj", "unlucky")
    assert (status["restarts"], status["attempt"]) == (1, 1)
    assert [failed["failures"] for failed in status["failedNodes"]] == [1]
    assert tenant.status("ptj", "unlucky")["workers"] == "0/3"


def _uids(tenant: Tenant, job: str, attempt: str) -> set[str]:
    """Of the attempt's three workers, once all of them are there."""
    pods = [
        pod for pod in tenant.pods_of(job) if pod["metadata"]["labels"]["powertrain.dev/attempt"] == attempt
    ]
    return {pod["metadata"]["uid"] for pod in pods} if len(pods) == 3 else set()


def test_a_job_that_keeps_failing_is_given_up(tenant: Tenant) -> None:
    policy = {"maxRestarts": 0, "backoff": {"initial": "1s"}}
    tenant.apply(training_job("hopeless", tenant.image, 2, failurePolicy=policy, env={"FAIL_AT": "1:1:9"}))
    tenant.until("the job fails", lambda: tenant.phase("ptj", "hopeless") == "Failed")
    assert "exit code 9" in tenant.status("ptj", "hopeless")["message"]


def test_a_gang_goes_on_elsewhere_when_its_node_is_out_of_service(tenant: Tenant) -> None:
    """A node without power may come back with its pods still running: its owner says that it will not."""
    tenant.apply(training_job("stranded", tenant.image, 1, devices=8, env={"STEPS": 1000, "PAUSE": 1}))
    tenant.until("the job runs", lambda: tenant.phase("ptj", "stranded") == "Running")
    lost = tenant.pods_of("stranded")[0]["spec"]["nodeName"]
    tenant.cluster.stop_node(lost)
    try:
        tenant.until("the node is not ready", lambda: not _is_ready(tenant, lost), 120.0)
        tenant.cluster.kubectl("taint", "node", lost, OUT_OF_SERVICE)
        tenant.until("it runs on another node", lambda: _elsewhere(tenant, lost), 120.0)
        assert tenant.status("ptj", "stranded")["restarts"] == 0  # not the job's own failure
    finally:
        tenant.cluster.start_node(lost)
        tenant.cluster.kubectl("wait", "--for=condition=Ready", "node", lost, "--timeout=120s", seconds=150)
        tenant.cluster.kubectl("taint", "node", lost, f"{OUT_OF_SERVICE}-")


OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"


def _is_ready(tenant: Tenant, node: str) -> bool:
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    return tenant.cluster.kubectl("get", "node", node, f"--output=jsonpath={path}") == "True"


def _elsewhere(tenant: Tenant, lost: str) -> str:
    nodes = [pod["spec"].get("nodeName", "") for pod in tenant.pods_of("stranded")]
    running = tenant.phase("ptj", "stranded") == "Running"
    return next((node for node in nodes if running and node and node != lost), "")
