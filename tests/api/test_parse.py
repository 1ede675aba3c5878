"""From manifests to models: what is read, what is overlooked, and how a refusal reads."""

import datetime
from typing import Any

import pytest
from api.bad_objects import REMOVED, good
from powertrain_operator.api import InvalidObject, Queue, TrainingJob, parse
from powertrain_operator.api.podtemplate import pod_manifest


def job(patch: dict[str, Any]) -> TrainingJob:
    parsed = parse(good("TrainingJob", patch))
    assert isinstance(parsed, TrainingJob)
    return parsed


def refusal(manifest: Any) -> InvalidObject:
    with pytest.raises(InvalidObject) as refused:
        parse(manifest)
    return refused.value


def test_what_is_left_out_has_the_default_that_the_crd_has() -> None:
    spec = job({}).spec
    assert (spec.queue, spec.priority, spec.preemptible, spec.suspend) == ("default", 0, True, False)
    assert (spec.failure_policy.max_restarts, spec.failure_policy.backoff.initial_seconds) == (3, 10)


def test_a_queue_needs_no_spec() -> None:
    queue = parse({"apiVersion": "powertrain.dev/v1alpha1", "kind": "Queue", "metadata": {"name": "team-a"}})
    assert isinstance(queue, Queue)
    assert queue.spec.weight == 1


def test_a_field_that_is_null_counts_as_left_out() -> None:
    patch = {"spec.queue": None, "spec.runtime": None, "spec.devices": None}
    assert job(patch).spec == job({"spec.runtime": REMOVED, "spec.devices": REMOVED}).spec


def test_metadata_that_we_do_not_read_is_dropped() -> None:
    metadata = job({"metadata.managedFields": [{"manager": "kubectl"}], "metadata.uid": "u-1"}).metadata
    assert metadata.uid == "u-1"
    assert "managedFields" not in metadata.manifest()


def test_a_time_that_yaml_has_read_already_is_read() -> None:
    made = datetime.datetime(2026, 11, 24, 8, tzinfo=datetime.UTC)
    assert job({"metadata.creationTimestamp": made}).metadata.creation_timestamp == "2026-11-24T08:00:00Z"


def test_an_object_without_a_namespace_is_in_the_one_called_default() -> None:
    assert job({}).key == "default/good"
    assert job({"metadata.namespace": "demo"}).key == "demo/good"
    assert parse(good("Queue", {"metadata.namespace": "demo"})).key == "good"


@pytest.mark.parametrize(
    "status", [{"phase": "Dreaming"}, {"nodes": 7}, "fine", {"conditions": [{"type": "Running"}]}]
)
def test_a_status_that_cannot_be_read_counts_as_absent(status: Any) -> None:
    assert job({"status": status}).status is None


def test_a_status_keeps_what_it_knows_beside_what_it_does_not() -> None:
    status = job({"status": {"phase": "Running", "fromTheFuture": {"a": 1}}}).status
    assert status is not None
    assert status.manifest() == {"phase": "Running", "conditions": [], "failedNodes": [], "nodes": []}


def test_a_bad_status_does_not_hide_a_bad_spec() -> None:
    refused = refusal(good("TrainingJob", {"status": {"phase": "Dreaming"}, "spec.workers.replicas": 0}))
    assert [path for path, _ in refused.errors] == ["spec.workers.replicas"]


def test_a_bad_status_does_not_hide_a_broken_rule_of_the_whole_object() -> None:
    refused = refusal(good("TrainingJob", {"status": {"phase": "Dreaming"}, "metadata.name": "a.b"}))
    assert [path for path, _ in refused.errors] == ["metadata.name"]


def test_a_refusal_names_the_object_and_everything_that_is_wrong_with_it() -> None:
    patch = {"metadata.namespace": "demo", "spec.workers.replicas": -1, "spec.queue": "A b"}
    refused = refusal(good("TrainingJob", patch))
    assert (refused.kind, refused.namespace, refused.name) == ("TrainingJob", "demo", "good")
    assert str(refused) == (
        "TrainingJob demo/good: spec.queue: must be an object's name: lower-case letters, digits, '-' and "
        "'.', such as team-a; spec.workers.replicas: must be at least 1"
    )


def test_all_broken_rules_of_one_model_are_told() -> None:
    refused = refusal(
        good("InferenceService", {"spec.engine": "custom", "spec.args": ["-v"], "spec.template": None})
    )
    assert [path for path, _ in refused.errors] == ["spec.template", "spec.args"]


@pytest.mark.parametrize(
    ("manifest", "path", "says"),
    [
        (None, "", "must be a mapping with apiVersion, kind, metadata and spec"),
        ([], "", "must be a mapping with apiVersion, kind, metadata and spec"),
        ({}, "apiVersion", "must be powertrain.dev/v1alpha1"),
        ({"apiVersion": "powertrain.dev/v1"}, "apiVersion", "must be powertrain.dev/v1alpha1"),
        ({"apiVersion": "powertrain.dev/v1alpha1"}, "kind", "must be one of AcceleratorPool, Queue"),
        ({"apiVersion": "powertrain.dev/v1alpha1", "kind": ["Queue"]}, "kind", "must be one of"),
        ({"apiVersion": "powertrain.dev/v1alpha1", "kind": "Queue"}, "metadata", "is required"),
        (good("Queue", {"metadata": {}}), "metadata.name", "is required"),
        (good("Queue", {"metadata": "good"}), "metadata", "must be a mapping"),
        (good("Queue", {"spec.weight": float("nan")}), "spec.weight", "must be a whole number"),
        (good("AcceleratorPool", {"spec.speed": float("inf")}), "spec.speed", "must be a finite number"),
        (good("Queue", {"spec.weight": object()}), "", "is not JSON"),
    ],
)
def test_what_is_hardly_an_object_is_refused_all_the_same(manifest: Any, path: str, says: str) -> None:
    ((where, sentence),) = refusal(manifest).errors
    assert where == path
    assert sentence.startswith(says)


def test_pods_are_made_from_the_template_exactly_as_it_was_written() -> None:
    template = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "kept"}},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": "busybox",
                    "env": [{"name": "EMPTY", "value": ""}],
                    "resources": {"limits": {"cpu": 1, "memory": "16Gi"}, "claims": [{"name": "gpu"}]},
                }
            ],
            "hostNetwork": False,
            "volumes": [{"name": "shm", "emptyDir": {}}],
        },
    }
    assert pod_manifest(job({"spec.workers.template": template}).spec.workers.template) == template


def test_an_object_comes_back_from_its_manifest_as_it_was() -> None:
    before = job({"metadata.labels": {"team": "a"}, "status": {"phase": "Running", "nodes": ["n-1"]}})
    assert parse(before.manifest()) == before
