"""Our kinds as `kubectl` shows them: statuses, columns, waiting. On a real API server."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from api.bad_objects import CLUSTER_WIDE, good
from localcluster import Cluster
from powertrain_operator.api import KINDS, parse
from powertrain_operator.api.acceleratorpool import AcceleratorPoolStatus
from powertrain_operator.api.inferenceservice import InferenceServiceStatus
from powertrain_operator.api.meta import Status, next_conditions
from powertrain_operator.api.podgroup import Evicted, FailingNode, PodGroupStatus
from powertrain_operator.api.queue import QueuePastUse, QueueRuntime, QueueStatus, QueueUsage
from powertrain_operator.api.trainingjob import FailedNode, TrainingJobStatus

NOON: Final = "2026-11-24T12:00:00Z"


def _common(*types: str) -> dict[str, Any]:
    states = tuple((kind, True, "Because", "because it is so") for kind in types)
    return {
        "reason": "Because",
        "message": "because it is so",
        "observed_generation": 1,
        "conditions": next_conditions((), 1795521600.0, 1, *states),
    }


STATUSES: Final[Mapping[str, tuple[Status, str]]] = {
    "AcceleratorPool": (
        AcceleratorPoolStatus(
            phase="Ready",
            nodes=16,
            devices=128,
            allocated=96,
            watts=81234.5,
            kilowatt_hours=12.345,
            **_common("Ready"),
        ),
        "good h100-sxm 16 128 96 81234.5 12.345 Ready",
    ),
    "Queue": (
        QueueStatus(
            phase="Ready",
            usage=(QueueUsage(accelerator="h100-sxm", used=96, borrowed=32),),
            running_groups=3,
            waiting_groups=1,
            past_use=(QueuePastUse(accelerator="h100-sxm", amount=41.5),),
            runtimes=(QueueRuntime(owner="team-a", ratio=1.25),),
            **_common("Ready"),
        ),
        "good company 3 1 Ready",
    ),
    "TrainingJob": (
        TrainingJobStatus(
            phase="Restarting",
            attempt=2,
            restarts=1,
            restart_at=NOON,
            ready=3,
            workers="3/4",
            estimated_start=NOON,
            completion_time=NOON,
            nodes=("h100-0", "h100-1"),
            node_count=2,
            failed_nodes=(FailedNode(node="h100-2", failures=2),),
            template_hash="0123456789abcdef",
            shape="h100-sxm",
            **_common("Placed", "Running", "Suspended", "Complete", "Failed"),
        ),
        "good Restarting Because 3/4 default",
    ),
    "InferenceService": (
        InferenceServiceStatus(
            phase="Degraded",
            replicas=3,
            ready_replicas=2,
            updated_replicas=3,
            ready="2/3",
            selector="powertrain.dev/inference-service=good,powertrain.dev/role=leader",
            url="http://good.default.svc:8000",
            estimated_start=NOON,
            **_common("Ready", "Suspended"),
        ),
        "good Degraded Because 2/3 http://good.default.svc:8000",
    ),
    "PodGroup": (
        PodGroupStatus(
            phase="Scheduled",
            placed=2,
            members="2/2",
            scheduled_time=NOON,
            estimated_start=NOON,
            evicted=Evicted(for_group="demo/other", reason="Reclaimed", time=NOON, message="for demo/other"),
            nearest="would start with 8 nvidia.com/gpu more free in rack r7",
            shape="h100-sxm",
            lost_nodes=("h100-1",),
            failed_nodes=(FailingNode(node="h100-2", failures=2),),
            **_common("Scheduled"),
        ),
        "good Scheduled Because 2/2 default",
    ),
}
"""For each kind every field that its status has, and the columns that come of it."""


@pytest.mark.parametrize("kind", STATUSES)
def test_a_status_with_every_field_is_taken_and_shown(cluster: Cluster, namespace: str, kind: str) -> None:
    status, columns = STATUSES[kind]
    where = () if kind in CLUSTER_WIDE else ("-n", namespace)
    name = f"{KINDS[kind].definition.plural}.powertrain.dev/good"
    cluster.kubectl("create", *where, "-f", "-", stdin=json.dumps(good(kind)))
    try:
        patch = json.dumps({"status": status.manifest()})
        cluster.kubectl("patch", name, *where, "--subresource=status", "--type=merge", "-p", patch)
        assert parse(json.loads(cluster.kubectl("get", name, *where, "-o", "json"))).status == status
        shown = cluster.kubectl("get", name, *where, "--no-headers").split()
        assert " ".join(shown).startswith(columns)
        wait = f"--for=condition={status.conditions[-1].type}"
        assert "condition met" in cluster.kubectl("wait", name, *where, wait, "--timeout=5s")
    finally:
        cluster.kubectl("delete", name, *where)


@pytest.mark.parametrize("kind", STATUSES)
def test_the_status_of_the_table_leaves_no_field_out(kind: str) -> None:
    status, _ = STATUSES[kind]
    left_out = {name for name in type(status).model_fields if getattr(status, name) in (None, ())}
    # A start time in the past is shown as an age, which changes.
    assert left_out <= {"start_time"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_the_short_name_and_the_category_that_its_definition_says(
    cluster: Cluster, kind: str
) -> None:
    definition = KINDS[kind].definition
    rows = cluster.kubectl("api-resources", "--categories=powertrain", "--no-headers").splitlines()
    (row,) = [row.split() for row in rows if row.startswith(f"{definition.plural} ")]
    assert row == [
        definition.plural,
        definition.short,
        "powertrain.dev/v1alpha1",
        str(definition.namespaced).lower(),
        kind,
    ]


def test_a_field_explains_itself(cluster: Cluster) -> None:
    explained = cluster.kubectl("explain", "trainingjob.spec.failurePolicy.maxRestarts")
    told = " ".join(explained.split())
    assert "maxRestarts is how often the whole gang is started again" in told
    assert "From 0 to 1000. Default: 3." in told
