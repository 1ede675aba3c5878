"""The table of bad objects, and the examples, against a real API server with our CRDs.

What is checked offline by `api.parse` (tests/api) must be refused here at the same field: the CRDs
are generated, but only Kubernetes itself can say whether it understands them in the same way.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from api import bad_objects
from api.bad_objects import Bad, BadUpdate, Manifest, TurnsInvalid, good
from localcluster import Cluster
from localcluster.errors import CommandFailed
from powertrain_operator.api import KINDS

CRDS = Path(__file__).parents[2] / "crds"
DRY_RUN = "--dry-run=server"


def _id(case: Bad | BadUpdate | TurnsInvalid) -> str:
    return case.id


def _told(cluster: Cluster, *arguments: str, manifest: Manifest | None = None) -> str:
    """What kubectl says on its way out with an error; a success fails the test."""
    with pytest.raises(CommandFailed) as refusal:
        cluster.kubectl(*arguments, stdin=json.dumps(manifest) if manifest else None)
    return refusal.value.stderr


def _list(*manifests: Manifest) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_api_server_finds_no_fault_with_a_kind(cluster: Cluster, kind: Any) -> None:
    name = f"{kind.definition.plural}.powertrain.dev"
    status = json.loads(cluster.kubectl("get", "crd", name, "-o", "json"))["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_object_that_is_made_bad_is_taken_before(cluster: Cluster, kind: str) -> None:
    assert "created" in cluster.kubectl("create", DRY_RUN, "-f", "-", stdin=json.dumps(good(kind)))


@pytest.mark.parametrize("case", bad_objects.REFUSED, ids=_id)
def test_a_bad_object_is_refused_with_its_field_and_the_rule(cluster: Cluster, case: Bad) -> None:
    told = _told(cluster, "create", DRY_RUN, "-f", "-", manifest=case.manifest())
    assert case.field in told
    assert (case.server_says or case.says) in told


@pytest.mark.parametrize("case", bad_objects.REFUSED_UPDATES, ids=_id)
def test_a_forbidden_change_is_refused_with_its_field_and_the_fix(
    cluster: Cluster, namespace: str, case: BadUpdate
) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(case.old()))
    told = _told(cluster, "replace", DRY_RUN, "-n", namespace, "-f", "-", manifest=case.new())
    assert case.field in told
    assert case.says in told

    cluster.kubectl(
        "patch", "ptj", "good", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}'
    )
    assert "replaced" in cluster.kubectl("replace", "-n", namespace, "-f", "-", stdin=json.dumps(case.new()))


def test_a_change_that_leaves_the_gang_as_it_is_is_taken(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(good("TrainingJob")))
    for patch in bad_objects.ALLOWED_UPDATES.values():
        new = json.dumps(good("TrainingJob", patch))
        assert "replaced" in cluster.kubectl("replace", DRY_RUN, "-n", namespace, "-f", "-", stdin=new)


@pytest.mark.parametrize("case", bad_objects.TURN_INVALID, ids=_id)
def test_what_only_a_look_at_other_objects_shows_is_taken(cluster: Cluster, case: TurnsInvalid) -> None:
    said = cluster.kubectl("create", DRY_RUN, "-f", "-", stdin=_list(*case.manifests, case.neighbour))
    assert said.count("created") == len(case.manifests) + 1


def test_good_objects_in_the_file_of_a_bad_one_are_made(cluster: Cluster, namespace: str) -> None:
    bad = good("TrainingJob", {"metadata.name": "bad", "spec.workers.replicas": -1})
    first, last = (good("TrainingJob", {"metadata.name": name}) for name in ("first", "last"))
    with pytest.raises(CommandFailed) as refusal:
        cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=_list(first, bad, last))
    assert "spec.workers.replicas" in refusal.value.stderr
    assert cluster.kubectl("get", "ptj", "-n", namespace, "-o", "name").split() == [
        "trainingjob.powertrain.dev/first",
        "trainingjob.powertrain.dev/last",
    ]


def test_a_service_is_not_scaled_beyond_its_bound(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(good("InferenceService")))
    assert "spec.replicas" in _told(cluster, "scale", "pis/good", "-n", namespace, "--replicas=1001")
    cluster.kubectl("scale", "pis/good", "-n", namespace, "--replicas=7")
    assert cluster.kubectl("get", "pis/good", "-n", namespace, "-o", "jsonpath={.spec.replicas}") == "7"


def test_every_example_is_taken_for_real(cluster: Cluster, namespace: str) -> None:
    folder = CRDS / "examples"
    cluster.kubectl("apply", "-n", namespace, "-f", str(folder))
    try:
        found = json.loads(cluster.kubectl("get", "-n", namespace, "-f", str(folder), "-o", "json"))["items"]
        assert {each["kind"] for each in found} == {*KINDS, "Pod"}
    finally:
        cluster.kubectl("delete", "-n", namespace, "--wait=false", "-f", str(folder))


LABELS = {f"{'p' * 200}/{'k' * 60}{number:02}": "v" * 63 for number in range(64)}
CONTAINERS = [
    {
        "name": f"c{number}",
        "image": "i" * 1024,
        "resources": {"limits": {f"r{kind}": "64Gi" for kind in range(32)}},
    }
    for number in range(32)
]
LARGEST = (
    good("PodGroup", {"spec.excludedNodes": [f"{'n' * 250}{number:03}" for number in range(256)]}),
    good(
        "AcceleratorPool",
        {
            "spec.topologyLevels": [f"{'p' * 253}/{'k' * 60}{number}" for number in range(8)],
            "spec.nodeSelector": dict(list(LABELS.items())[:16]),
        },
    ),
    good(
        "Queue",
        {"spec.quotas": [{"accelerator": f"a{n:062}", "nominal": 8, "lendingLimit": 8} for n in range(64)]},
    ),
    good(
        "TrainingJob",
        {
            "metadata.name": "a" * 50,
            "spec.workers.template.metadata": {"labels": LABELS, "annotations": {"note": "x" * 100_000}},
            "spec.workers.template.spec.containers": CONTAINERS,
            "spec.workers.template.spec.initContainers": CONTAINERS,
        },
    ),
    good("InferenceService", {"metadata.name": "a" * 50, "spec.args": ["a" * 4096] * 64}),
)
"""What a rule costs is worked out for each object anew: these have to stay below the bound too."""


@pytest.mark.parametrize("manifest", LARGEST, ids=lambda manifest: manifest["kind"])
def test_the_largest_object_that_the_schema_admits_is_taken(cluster: Cluster, manifest: Manifest) -> None:
    assert "created" in cluster.kubectl("create", DRY_RUN, "-f", "-", stdin=json.dumps(manifest))


def test_the_largest_job_may_be_changed(cluster: Cluster, namespace: str) -> None:
    (job,) = [manifest for manifest in LARGEST if manifest["kind"] == "TrainingJob"]
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(job))
    patch = '{"spec":{"priority":5}}'
    said = cluster.kubectl("patch", "ptj", "a" * 50, "-n", namespace, "--type=merge", "-p", patch)
    assert "patched" in said


def test_fields_that_the_schema_of_a_pod_template_does_not_know_are_kept(
    cluster: Cluster, namespace: str
) -> None:
    job = good("TrainingJob", {"spec.workers.template.spec.tolerations": [{"operator": "Exists"}]})
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(job))
    template = json.loads(cluster.kubectl("get", "ptj/good", "-n", namespace, "-o", "json"))["spec"][
        "workers"
    ]["template"]
    assert template["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_work_is_listed_by_queue(cluster: Cluster, namespace: str) -> None:
    jobs = [good("TrainingJob", {"metadata.name": f"in-{queue}", "spec.queue": queue}) for queue in "ab"]
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=_list(*jobs))
    listed = cluster.kubectl("get", "ptj", "-n", namespace, "--field-selector", "spec.queue=b", "-o", "name")
    assert listed.split() == ["trainingjob.powertrain.dev/in-b"]
