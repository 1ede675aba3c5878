"""The kept snapshot is at all times the snapshot that a fresh look would give."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from placement.builders import Json, group_view, node, node_view, pod, pod_group, pod_view, pool, queue
from powertrain_operator.api.cluster import from_manifest
from powertrain_operator.placement.cache import Cache
from powertrain_operator.placement.translate import views
from powertrain_scheduler.plan import Bind
from powertrain_scheduler.snapshot import Snapshot

NODES = ("n1", "n2", "n3")
PODS = ("a", "b", "c", "d")
GROUPS = ("g", "h")


def term(app: str, **more: Any) -> Json:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname", **more}


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
RULES: tuple[Json, ...] = (
    {},
    {},
    {},
    {"affinity": {"podAntiAffinity": {REQUIRED: [term("web")]}}},
    {"affinity": {"podAffinity": {REQUIRED: [term("db"), term("web", namespaceSelector={})]}}},
    {
        "affinity": {
            "podAntiAffinity": {
                REQUIRED: [term("db", namespaceSelector={"matchLabels": {"tier": "x"}})],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 5, "podAffinityTerm": term("web", namespaces=["other"])}
                ],
            }
        }
    },
    {
        "topologySpreadConstraints": [
            {"topologyKey": "z", "maxSkew": 1, "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}
        ]
    },
)  # fmt: skip
"""What pods ask of other pods."""


def _ruled_pod(name: str, rules: Json, sets_aside: str, **spec: Any) -> Json:
    manifest = pod(name, **spec, **rules)
    held = {"cpu": sets_aside} if sets_aside else {}
    manifest["status"]["containerStatuses"] = [{"name": "m", "allocatedResources": held}]
    return manifest


def manifests_of_pods() -> st.SearchStrategy[Json]:
    """Pods of all kinds: members and plain ones, waiting and placed, ours and others', with ports and gates."""
    return st.builds(
        _ruled_pod,
        st.sampled_from(PODS),
        rules=st.sampled_from(RULES),
        sets_aside=st.sampled_from(("", "1", "3")),
        labels=st.sampled_from(({}, {"app": "web"}, {"app": "db"})),
        group=st.sampled_from((None, *GROUPS)),
        gpu=st.integers(0, 2),
        node=st.sampled_from(("", *NODES)),
        ours=st.booleans(),
        rank=st.sampled_from((None, 0, 1)),
        leaving=st.booleans(),
        phase=st.sampled_from(("Pending", "Running", "Succeeded")),
        schedulingGates=st.sampled_from(([], [{"name": "later"}])),
        containers=st.sampled_from(
            (
                [{"name": "m", "resources": {"requests": {"cpu": "1", "nvidia.com/gpu": "1"}}}],
                [{"name": "m", "ports": [{"hostPort": 80}]}],
                [{"name": "m", "resources": {"requests": {"example.com/odd": "3"}}}],
            )
        ),
        annotations=st.sampled_from(
            (
                {},
                {"powertrain.dev/device-share": "nvidia.com/gpu=500"},
                {"powertrain.dev/device-share": "nvidia.com/gpu=250", "powertrain.dev/device": "0"},
                {"powertrain.dev/device-share": "half"},
            )
        ),
        volumes=st.sampled_from(([], [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])),
    )


def manifests_of_nodes() -> st.SearchStrategy[Json]:
    return st.builds(
        node,
        st.sampled_from(NODES),
        gpu=st.sampled_from((0, 8)),
        ready=st.booleans(),
        labels=st.sampled_from(({}, {"pool": "h100"}, {"pool": "h100", "other": "x"})),
        unschedulable=st.booleans(),
    )


class KeptSnapshot(RuleBasedStateMachine):
    """Random events and decisions; after each, the kept snapshot is compared with a rebuilt one."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()
        self.cache.claims.watched = self.cache.neighbours.namespaces_watched = True
        self.objects: dict[tuple[str, str], Any] = {}
        self.generation = 0

    # --- what the watches say

    @rule(manifest=manifests_of_pods(), anew=st.booleans())
    def pod_changes(self, manifest: Json, anew: bool) -> None:
        known = self.objects.get(("pod", f"team/{manifest['metadata']['name']}"))
        if known is None or anew:
            self.generation += 1
            self.tell("pod", manifest, None)
            manifest["metadata"]["uid"] = f"uid-{self.generation}"
        else:
            manifest["metadata"]["uid"] = known.metadata.uid
        self.tell("pod", manifest, pod_view(manifest))

    @rule(manifest=manifests_of_nodes())
    def node_changes(self, manifest: Json) -> None:
        self.tell("node", manifest, node_view(manifest))

    @rule(name=st.sampled_from(GROUPS), minimum=st.integers(1, 3), scheduled=st.booleans())
    def group_changes(self, name: str, minimum: int, scheduled: bool) -> None:
        manifest = pod_group(name, minimum=minimum)
        if scheduled:
            manifest["status"] = {"scheduledTime": "2026-11-24T08:30:00Z"}
        self.tell("group", manifest, group_view(manifest))

    @rule(name=st.sampled_from(("default", "research")), parent=st.sampled_from((None, "research")))
    def queue_changes(self, name: str, parent: str | None) -> None:
        manifest = queue(name, parent=parent)
        self.tell("queue", manifest, from_manifest(manifest, views.Queue))

    @rule(labels=st.sampled_from(({"pool": "h100"}, {"other": "x"})), known=st.booleans())
    def pool_changes(self, labels: dict[str, str], known: bool) -> None:
        manifest = pool("h100" if "pool" in labels else "other", labels=labels)
        if not known:
            manifest["spec"] |= {"accelerator": "no-such-thing", "power": None}
        self.tell("pool", manifest, from_manifest(manifest, views.AcceleratorPool))

    @rule(phase=st.sampled_from(("Pending", "Bound")))
    def claim_changes(self, phase: str) -> None:
        manifest = {
            "metadata": {"name": "data", "namespace": "team"},
            "spec": {"volumeName": "v1"},
            "status": {"phase": phase},
        }
        self.tell("claim", manifest, from_manifest(manifest, views.PersistentVolumeClaim))

    @rule(zone=st.sampled_from((None, "a", "b")))
    def volume_changes(self, zone: str | None) -> None:
        terms = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}]
        manifest = {
            "metadata": {"name": "v1"},
            "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}} if zone else {},
        }
        self.tell("volume", manifest, from_manifest(manifest, views.PersistentVolume))

    @rule(name=st.sampled_from(("team", "other")), labels=st.sampled_from(({}, {"tier": "x"})))
    def namespace_changes(self, name: str, labels: dict[str, str]) -> None:
        manifest = {"metadata": {"name": name, "labels": labels}}
        self.tell("namespace", manifest, from_manifest(manifest, views.Namespace))

    @precondition(lambda self: self.objects)
    @rule(data=st.data())
    def something_is_deleted(self, data: st.DataObject) -> None:
        kind, key = data.draw(st.sampled_from(sorted(self.objects)))
        self.listener(kind)(key, self.objects.pop((kind, key)), None)

    # --- what is decided

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), to=st.sampled_from(NODES))
    def binding_is_assumed(self, data: st.DataObject, to: str) -> None:
        key = data.draw(st.sampled_from(self.waiting()))
        fact = self.cache.pods[key]
        device = "1" if fact.pod_class.share else ""
        self.cache.assume([Bind(fact.group, key, to, device=device)], now=1_800_000_000.0)

    @rule(key=st.sampled_from(PODS))
    def binding_fails(self, key: str) -> None:
        known = self.cache.pods.get(f"team/{key}")
        self.cache.forget(f"team/{key}", known.uid if known else "")

    @rule(key=st.sampled_from(PODS))
    def pod_is_told_to_leave(self, key: str) -> None:
        self.cache.leaves(f"team/{key}")

    @rule(key=st.sampled_from(PODS))
    def pod_could_not_be_told(self, key: str) -> None:
        self.cache.stays(f"team/{key}")

    @rule(key=st.sampled_from(PODS), until=st.sampled_from((1.0, 2.0)))
    def pod_is_held(self, key: str, until: float) -> None:
        self.cache.hold(f"team/{key}", until, "no")

    @rule(now=st.sampled_from((1.0, 2.0)))
    def holds_run_out(self, now: float) -> None:
        self.cache.end_holds(now)

    @rule(group=st.sampled_from(("team/g", "team/pod/a")), nodes=st.sampled_from(((), ("n1",))))
    def room_is_being_made(self, group: str, nodes: tuple[str, ...]) -> None:
        self.cache.nominate(group, nodes)

    @rule()
    def leadership_is_lost(self) -> None:
        self.cache.forget_all()
        assert not any(self.cache.is_assumed(key) for key in self.cache.pods)

    # --- what must hold

    @invariant()
    def kept_equals_rebuilt(self) -> None:
        kept = self.cache.snapshot()
        assert_same(kept, self.rebuilt().snapshot())
        assert self.rebuilt_held() == self.cache.groups.held
        assert self.cache.snapshot() is kept

    def rebuilt(self) -> Cache:
        """A cache that is told of everything once, and of what is decided after that."""
        fresh = Cache()
        fresh.claims.watched = fresh.neighbours.namespaces_watched = True
        for (kind, key), view in self.objects.items():
            self.listener(kind, fresh)(key, None, view)
        overlay = self.cache._overlay
        for key, assumed in overlay.assumed.items():
            bind = Bind(fresh.pods[key].group, key, assumed.node, device=assumed.device)
            fresh.assume([bind], now=1_800_000_000.0)
        for key in overlay.leaving:
            fresh.leaves(key)
        for key, hold in overlay.holds.items():
            fresh.hold(key, hold.until, hold.message)
        for group, nodes in self.cache.groups.nominated.items():
            fresh.nominate(group, nodes)
        fresh.groups.started = dict(self.cache.groups.started)
        return fresh

    def rebuilt_held(self) -> dict[str, Any]:
        fresh = self.rebuilt()
        fresh.snapshot()
        return fresh.groups.held

    def waiting(self) -> list[str]:
        return sorted(
            key
            for key, fact in self.cache.pods.items()
            if fact.group and not fact.node and not fact.gated and not fact.leaving
        )

    def tell(self, kind: str, manifest: Json, view: Any) -> None:
        metadata = manifest["metadata"]
        key = f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
        before = self.objects.pop((kind, key), None)
        if view is not None:
            self.objects[kind, key] = view
        if before is not None or view is not None:
            self.listener(kind)(key, before, view)

    def listener(self, kind: str, cache: Cache | None = None) -> Callable[[str, Any, Any], None]:
        found: Callable[[str, Any, Any], None] = getattr(cache or self.cache, f"on_{kind}")
        return found


def assert_same(one: Snapshot, other: Snapshot) -> None:
    facts, others = one.nodes, other.nodes
    assert (facts.names, facts.resources) == (others.names, others.resources)
    assert (facts.labels, facts.taints) == (others.labels, others.taints)
    for name in ("allocatable", "schedulable", "pool"):
        np.testing.assert_array_equal(getattr(facts, name), getattr(others, name), err_msg=name)
    np.testing.assert_array_equal(one.used, other.used, err_msg="used")
    np.testing.assert_array_equal(one.leaving, other.leaving, err_msg="leaving")
    assert (one.host_ports, one.shared) == (other.host_ports, other.shared)
    assert (one.pools, one.queues) == (other.pools, other.queues)
    assert one.groups == other.groups
    for name in ("matching", "repelling"):
        kept, made = getattr(one, name), getattr(other, name)
        assert kept.keys() == made.keys(), name
        for key in kept:
            np.testing.assert_array_equal(kept[key], made[key], err_msg=name)


TestKeptSnapshot = KeptSnapshot.TestCase
TestKeptSnapshot.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
