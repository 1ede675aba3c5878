"""What a pod's annotations make its fake kubelet do, and what a node's."""

from typing import Any

import pytest
from localcluster import Cluster

from .conftest import eventually

pytestmark = pytest.mark.cluster
PODS = "/api/v1/namespaces/default/pods"


def run(cluster: Cluster, name: str, labels: dict[str, str] | None = None, **fakes: str) -> None:
    """A pod on a node of the fleet with these `powertrain.dev/fake-...` annotations."""
    annotations = {f"powertrain.dev/fake-{key.replace('_', '-')}": value for key, value in fakes.items()}
    cluster.api.post(
        PODS,
        {
            "metadata": {"name": name, "annotations": annotations, "labels": labels or {}},
            "spec": {"nodeName": "l4-0", "containers": [{"name": "main", "image": "example"}]},
        },
    )


def status(cluster: Cluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.api.get(f"{PODS}/{name}")["status"]
    return found


def exit_code(cluster: Cluster, name: str) -> int:
    eventually(lambda: status(cluster, name)["phase"] in ("Succeeded", "Failed"))
    ended = status(cluster, name)
    code: int = ended["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    assert ended["phase"] == ("Failed" if code else "Succeeded")
    assert {c["type"]: c["status"] for c in ended["conditions"]}["Ready"] == "False"
    return code


def test_a_pod_runs_at_once_with_an_address_of_its_own_and_does_not_end(local: Cluster) -> None:
    for name in ("plain-0", "plain-1"):
        run(local, name)
        eventually(lambda name=name: status(local, name)["phase"] == "Running")  # type: ignore[misc]
    one, other = status(local, "plain-0"), status(local, "plain-1")
    assert {c["type"]: c["status"] for c in one["conditions"]}["Ready"] == "True"
    assert one["podIP"] != other["podIP"]
    assert one["containerStatuses"][0]["ready"] is True


def test_a_pod_costs_one_status_write_to_run_and_one_to_end(local: Cluster) -> None:
    run(local, "counted", duration="1s")
    assert exit_code(local, "counted") == 0
    fields = local.api.get(f"{PODS}/counted")["metadata"]["managedFields"]
    writers = [field["manager"] for field in fields if field.get("subresource") == "status"]
    assert writers == ["kwok"]
    events = local.api.get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=counted")
    assert events["items"] == []


def test_a_pod_ends_well_after_its_duration(local: Cluster) -> None:
    run(local, "short", duration="1s")
    assert exit_code(local, "short") == 0


def test_a_pod_ends_with_the_exit_code_that_is_asked_for(local: Cluster) -> None:
    run(local, "fails", duration="1s", exit_code="137")
    assert exit_code(local, "fails") == 137


@pytest.mark.parametrize(
    ("name", "rank", "attempt", "code"),
    [("its-rank", "2", "0", 1), ("another-rank", "3", "0", 0), ("another-attempt", "2", "1", 0)],
)
def test_one_rank_fails_in_one_attempt(name: str, rank: str, attempt: str, code: int, local: Cluster) -> None:
    labels = {"powertrain.dev/rank": rank, "powertrain.dev/attempt": attempt}
    run(local, name, labels, duration="500ms", exit_code="1", exit_rank="2", exit_attempt="0")
    assert exit_code(local, name) == code


def test_a_pod_starts_and_stops_as_slowly_as_it_is_told(local: Cluster) -> None:
    run(local, "slow", start="4s", stop="4s")
    assert status(local, "slow")["phase"] == "Pending"
    eventually(lambda: status(local, "slow")["phase"] == "Running")
    local.api.delete(f"{PODS}/slow")
    assert local.api.get(f"{PODS}/slow")["metadata"]["deletionTimestamp"]
    eventually(lambda: not local.api.answers(f"{PODS}/slow"))


def test_the_end_of_a_pod_is_not_put_off_by_a_restart_of_the_kubelet(local: Cluster) -> None:
    run(local, "through-a-restart", duration="2s")
    eventually(lambda: status(local, "through-a-restart")["phase"] == "Running")
    local.restart("kwok")
    assert exit_code(local, "through-a-restart") == 0


def test_a_failed_node_is_tainted_and_a_mended_one_is_not(local: Cluster) -> None:
    def taints() -> set[str]:
        node = local.api.get("/api/v1/nodes/ascend-0")
        return {taint["key"] for taint in node["spec"].get("taints", [])}

    local.fail_node("ascend-0")
    eventually(lambda: "node.kubernetes.io/not-ready" in taints())
    local.mend_node("ascend-0")
    eventually(lambda: taints() == set())
