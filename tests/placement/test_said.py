"""What PodGroups and Queues say reaches the core as its own values, units and all."""

from powertrain_operator.api.cluster import PodGroupView, from_manifest
from powertrain_operator.placement.translate import objects, views
from powertrain_scheduler.snapshot import Preemption, Quota, Slice, SubGroup, Topology

RACK, BLOCK = "topology.powertrain.dev/rack", "topology.powertrain.dev/block"


def test_a_groups_parts_slices_and_checkpoints() -> None:
    manifest = {
        "metadata": {"name": "serve", "namespace": "ml"},
        "spec": {
            "minMember": 4,
            "minSubgroups": 1,
            "checkpoint": {"interval": "30m"},
            "topology": {"required": BLOCK, "slices": [{"size": 2, "within": RACK}]},
            "subgroups": [
                {"name": "replica-0", "topology": {"preferred": RACK, "arrange": "balanced"}},
                {"name": "leader-0", "parent": "replica-0", "minMember": 1},
                {"name": "workers-0", "parent": "replica-0", "minMember": 3, "minSubgroups": 0},
            ],
        },
    }
    fact = objects.group_fact(from_manifest(manifest, PodGroupView))
    assert fact is not None
    assert fact.topology == Topology(BLOCK, None, (Slice(2, RACK),))
    assert fact.checkpoint == 1800.0
    assert fact.min_subgroups == 1
    assert fact.subgroups == (
        SubGroup("replica-0", 0, "", None, Topology(None, RACK, (), "balanced")),
        SubGroup("leader-0", 1, "replica-0"),
        SubGroup("workers-0", 3, "replica-0", 0),
    )


def test_a_queues_rules_and_what_it_may_hold_of_cpu_and_memory() -> None:
    manifest = {
        "metadata": {"name": "research"},
        "spec": {
            "quotas": [{"accelerator": "h100-sxm", "nominal": 8, "borrowingLimit": 4}],
            "resources": [
                {"resource": "cpu", "nominal": "1500m", "borrowingLimit": 2},
                {"resource": "memory", "nominal": "64Gi", "lendingLimit": "16Gi"},
            ],
            "priority": 5,
            "preemption": {"within": "never", "across": "lower", "borrowing": -3},
            "minimumRuntime": "10m",
            "maxRunning": 7,
        },
    }
    queue = objects.queue(from_manifest(manifest, views.Queue))
    assert queue.quotas == {
        "h100-sxm": Quota(8, 4),
        "cpu": Quota(1500, 2000),
        "memory": Quota(64 << 30, None, 16 << 30),
    }
    assert queue.preemption == Preemption("never", "lower", -3)
    assert (queue.priority, queue.minimum_runtime, queue.max_running) == (5, 600.0, 7)
