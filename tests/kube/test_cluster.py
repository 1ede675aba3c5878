from datetime import UTC, datetime

import msgspec
import pytest
from powertrain_operator.api.cluster import Named, Node, Pod, PodGroupView, from_manifest


def test_a_pod_keeps_the_fields_we_read_and_no_others() -> None:
    pod = msgspec.json.decode(
        b"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"ns","uid":"u","managedFields":[{}],
        "resourceVersion":"7","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"l":"1"}},
        "spec":{"nodeName":"n1","containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"}},
          "ports":[{"containerPort":80,"hostPort":8080,"hostIP":"10.0.0.1"}]}],
          "initContainers":[{"name":"s","restartPolicy":"Always"}],
          "affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
            {"matchExpressions":[{"key":"k","operator":"In","values":["v"]}]}]}}}},
        "status":{"phase":"Failed","podIP":"1.2.3.4","containerStatuses":[{"name":"c","ready":false,
          "restartCount":1,"state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}}""",
        type=Pod,
    )
    assert pod.metadata.creation_timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert pod.spec.containers[0].ports[0].host_ip == "10.0.0.1"
    assert pod.spec.init_containers[0].restart_policy == "Always"
    assert pod.spec.affinity and pod.spec.affinity.node_affinity and pod.spec.affinity.node_affinity.required
    assert pod.spec.affinity.node_affinity.required.node_selector_terms[0].match_expressions[0].values == (
        "v",
    )
    terminated = pod.status.container_statuses[0].state.terminated
    assert terminated and (terminated.exit_code, terminated.reason) == (137, "OOMKilled")
    assert pod.status.pod_ip == "1.2.3.4"


def test_absent_fields_have_the_meaning_of_absent() -> None:
    pod = msgspec.json.decode(b'{"metadata":{"name":"a"}}', type=Pod)
    assert (pod.status.phase, pod.spec.node_name, pod.spec.containers) == ("Pending", "", ())
    assert msgspec.json.decode(b'{"metadata":{"name":"n"}}', type=Node).status.allocatable == {}
    assert msgspec.json.decode(b'{"metadata":{"name":"g"}}', type=PodGroupView).spec.queue == "default"


def test_null_in_a_persons_manifest_is_absent_and_numbers_are_quantities() -> None:
    manifest = {
        "metadata": {"name": "n", "labels": None},
        "spec": None,
        "status": {"allocatable": {"cpu": 0.5, "nvidia.com/gpu": 8}},
    }
    node = from_manifest(manifest, Node)
    assert (node.metadata.labels, node.spec.taints) == ({}, ())
    assert node.status.allocatable == {"cpu": 0.5, "nvidia.com/gpu": 8}


def test_a_wrong_manifest_is_refused_with_the_fields_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.metadata\.labels"):
        from_manifest({"metadata": {"name": "n", "labels": ["a"]}}, Named)


def test_equal_objects_are_equal_and_have_equal_hashes_whatever_the_order_of_resources() -> None:
    one = from_manifest(_pod({"cpu": "1", "memory": "2Gi"}), Pod)
    other = from_manifest(_pod({"memory": "2Gi", "cpu": "1"}), Pod)
    assert one == other
    assert hash(one.spec.containers) == hash(other.spec.containers)


def _pod(requests: dict[str, str]) -> dict[str, object]:
    return {"metadata": {"name": "a"}, "spec": {"containers": [{"resources": {"requests": requests}}]}}
