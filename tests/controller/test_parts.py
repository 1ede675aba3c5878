"""The controller's parts without the process: what is known, what is expected, what kopf is told."""

from typing import Any

import msgspec
import pytest
from powertrain_operator.controller import handlers
from powertrain_operator.controller.expectations import LONGEST_WAIT, Expectations
from powertrain_operator.controller.fleetview import Node, NodeView, PoolView, health_of
from powertrain_operator.controller.keys import Key
from powertrain_operator.controller.objects import Objects
from powertrain_operator.kube.login import Endpoint
from powertrain_operator.kube.resources import TRAININGJOBS
from powertrain_operator.reconcile import NodeHealth
from powertrain_operator.reconcile.views import Pod
from reconcile.building import Json, job

KEY = Key("TrainingJob", "team-a", "llm")


def version(number: int, uid: str = "u1", **status: Any) -> Json:
    manifest = job(status=status)
    manifest["metadata"] |= {"resourceVersion": str(number), "uid": uid, "managedFields": [{"manager": "x"}]}
    return manifest


class TestObjects:
    def setup_method(self) -> None:
        self.changes: list[Key] = []
        self.objects = Objects(self.changes.append)

    def known(self) -> tuple[str, str] | None:
        found = self.objects.get(KEY)
        return (found["metadata"]["uid"], found["metadata"]["resourceVersion"]) if found else None

    def test_our_own_write_is_not_undone_by_an_older_event(self) -> None:
        self.objects.seen(None, version(5))
        self.objects.wrote(version(7, phase="Running"))
        self.objects.seen("MODIFIED", version(6))
        self.objects.seen("MODIFIED", version(7))
        assert (self.known(), self.changes) == (("u1", "7"), [KEY]), "and our own write is no news"

    def test_a_successor_of_the_same_name_is_newer_whatever_its_version(self) -> None:
        self.objects.seen("ADDED", version(9))
        self.objects.seen("ADDED", version(3, uid="u2"))
        assert self.known() == ("u2", "3")

    def test_the_late_deletion_of_a_predecessor_does_not_take_its_successor_along(self) -> None:
        self.objects.seen("ADDED", version(9, uid="u2"))
        self.objects.seen("DELETED", version(8, uid="u1"))
        assert self.known() == ("u2", "9")
        self.objects.seen("DELETED", version(10, uid="u2"))
        assert self.known() is None

    def test_what_the_api_server_says_is_gone_is_forgotten(self) -> None:
        self.objects.seen("ADDED", version(9))
        self.objects.forget(KEY, "another")
        assert self.known() is not None
        self.objects.forget(KEY, "u1")
        assert self.known() is None

    def test_managed_fields_are_not_kept(self) -> None:
        self.objects.seen("ADDED", version(9))
        found = self.objects.get(KEY)
        assert found is not None and "managedFields" not in found["metadata"]


CHILD = ("Pod", "team-a", "llm-worker-0")


def pod(uid: str = "p1", *, leaving: bool = False, mark: str = "") -> Pod:
    metadata: Json = {"name": "llm-worker-0", "namespace": "team-a", "uid": uid}
    if leaving:
        metadata["deletionTimestamp"] = "2026-11-24T06:00:00Z"
    if mark:
        metadata["annotations"] = {"powertrain.dev/spec-hash": mark}
    return msgspec.convert({"metadata": metadata}, Pod)


class TestExpectations:
    def setup_method(self) -> None:
        self.now = 100.0
        self.expectations = Expectations(lambda: self.now)

    def waits(self) -> bool:
        return self.expectations.wait_for(KEY) > 0

    def test_a_creation_is_settled_when_the_child_is_there(self) -> None:
        self.expectations.creation(KEY, CHILD)
        assert self.waits()
        self.expectations.saw(CHILD, pod())
        assert not self.waits()

    @pytest.mark.parametrize("now", [None, pod("p2"), pod("p1", leaving=True)])
    def test_a_deletion_is_settled_when_the_child_is_gone_leaving_or_another(self, now: Pod | None) -> None:
        self.expectations.deletion(KEY, CHILD, "p1")
        self.expectations.saw(CHILD, pod("p1"))
        assert self.waits()
        self.expectations.saw(CHILD, now)
        assert not self.waits()

    def test_an_application_is_settled_when_the_child_carries_its_hash(self) -> None:
        self.expectations.application(KEY, CHILD, "new")
        self.expectations.saw(CHILD, pod(mark="old"))
        assert self.waits()
        self.expectations.saw(CHILD, pod(mark="new"))
        assert not self.waits()

    def test_all_writes_have_to_be_seen(self) -> None:
        other = ("Pod", "team-a", "llm-worker-1")
        self.expectations.creation(KEY, CHILD)
        self.expectations.creation(KEY, other)
        self.expectations.saw(CHILD, pod())
        assert self.waits()
        self.expectations.drop(other)
        assert not self.waits()

    def test_what_is_never_seen_is_not_waited_for_for_ever(self, caplog: pytest.LogCaptureFixture) -> None:
        self.expectations.creation(KEY, CHILD)
        self.now += LONGEST_WAIT - 1
        assert self.expectations.wait_for(KEY) == 1.0
        self.now += 1
        assert not self.waits()
        assert "1 writes were never seen" in caplog.text


def node(name: str, ready: str | None = "True", taint: str | None = None) -> Node:
    conditions = [{"type": "Ready", "status": ready}] if ready else []
    spec = {"taints": [{"key": taint, "effect": "NoExecute"}]} if taint else {}
    manifest = {"metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}
    return msgspec.convert(manifest, Node)


@pytest.mark.parametrize(
    ("seen", "health"),
    [
        (node("n"), NodeHealth.READY),
        (node("n", ready=None), NodeHealth.READY),
        (node("n", ready="False"), NodeHealth.UNREADY),
        (node("n", ready="Unknown"), NodeHealth.UNREADY),
        (node("n", taint="node.kubernetes.io/out-of-service"), NodeHealth.GONE),
        (None, NodeHealth.GONE),
    ],
)
def test_the_health_of_a_node_is_what_its_pods_can_expect_of_it(
    seen: Node | None, health: NodeHealth
) -> None:
    assert health_of(seen) == health


class TestNodeView:
    def setup_method(self) -> None:
        self.changes: list[Key] = []
        self.view = NodeView(self.changes.append)

    def test_who_has_pods_on_a_node_hears_of_its_health_and_nobody_else(self) -> None:
        self.view.on_change("n", None, node("n"))
        self.view.moved("team-a/p", "", "n", KEY)
        self.view.on_change("n", node("n"), node("n"))
        self.view.on_change("m", None, node("m"))
        assert self.changes == []
        self.view.on_change("n", node("n"), node("n", ready="Unknown"))
        assert self.changes == [KEY]

    def test_a_node_that_goes_is_remembered_as_long_as_pods_are_bound_to_it(self) -> None:
        self.view.on_change("n", None, node("n"))
        self.view.moved("team-a/p", "", "n", KEY)
        self.view.on_change("n", node("n"), None)
        assert (self.view.health, self.changes) == ({"n": NodeHealth.GONE}, [KEY])
        self.view.moved("team-a/p", "n", "", KEY)
        assert self.view.health == {}

    def test_a_node_without_pods_of_ours_is_forgotten_when_it_goes(self) -> None:
        self.view.on_change("n", None, node("n"))
        self.view.on_change("n", node("n"), None)
        assert self.view.health == {}


def pool_manifest(watts: float, **spec: Any) -> Json:
    base = {"nodeSelector": {"gpu": "a"}, "accelerator": "l4", "resourceName": "nvidia.com/gpu"}
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "AcceleratorPool",
        "metadata": {"name": "l4"},
        "spec": base | spec,
        "status": {"phase": "Ready", "watts": watts},
    }


def test_only_what_pools_and_queues_offer_is_news_not_their_figures() -> None:
    changes: list[int] = []
    view = PoolView(lambda: changes.append(1))
    view.on_pool("l4", None, pool_manifest(100.0))
    view.on_pool("l4", None, pool_manifest(200.0))
    assert len(changes) == 1
    view.on_pool("l4", None, pool_manifest(200.0, nodeSelector={"gpu": "b"}))
    view.on_queue("a", None, {"metadata": {"name": "a"}})
    view.on_queue("a", {}, {"metadata": {"name": "a"}, "status": {"waitingGroups": 3}})
    assert len(changes) == 3


def test_a_pool_that_cannot_be_read_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    view = PoolView(lambda: None)
    view.on_pool("l4", None, pool_manifest(1.0, resourceName=7))
    assert view.fleet(NodeView(lambda key: None)).pools == ()
    assert "AcceleratorPool l4: spec.resourceName" in caplog.text


def test_the_status_is_written_to_the_status_subresource() -> None:
    assert KEY.status.path("team-a", "llm") == TRAININGJOBS.path("team-a", "llm", "status")


def test_kopf_logs_in_as_our_own_client_does() -> None:
    endpoint = Endpoint("https://api:6443", ca_file="/ca", scheme="Bearer", token="secret")
    found = handlers.connection(endpoint)
    assert (found.server, found.ca_path) == ("https://api:6443", "/ca")
    assert found.as_http_headers() == {"Authorization": "Bearer secret"}


def test_kopf_is_told_not_to_do_what_we_do_not_want_of_it() -> None:
    settings = handlers.settings()
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.peering.standalone
    assert settings.networking.enforce_retry_after
    assert settings.watching.server_timeout == 300
    assert settings.process.ultimate_exiting_timeout is None
