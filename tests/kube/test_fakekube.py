"""The fake keeps the promises of the real API server that the other tests rely on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from powertrain_operator.api.cluster import Pod
from powertrain_operator.kube import errors
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.resources import PODGROUPS, PODS, SERVICES, TRAININGJOBS


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", **metadata}
    return {"kind": "Pod", "metadata": meta, "spec": {"containers": [{"name": "c"}]}}


def group(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "ns", **metadata},
        "spec": {"minMember": 1},
    }


async def test_a_write_that_changes_nothing_makes_no_version_and_no_event(
    kube: FakeKube, client: Client
) -> None:
    config = group("g")
    first = await client.apply(PODGROUPS, config, field_manager="us", type=dict[str, Any])
    again = await client.apply(PODGROUPS, config, field_manager="us", type=dict[str, Any])
    await client.patch_status(PODGROUPS, "ns", "g", {"phase": "Pending"}, field_manager="us")
    once = kube.object(PODGROUPS, "ns", "g")
    await client.patch_status(PODGROUPS, "ns", "g", {"phase": "Pending"}, field_manager="us")
    assert again == first
    assert kube.object(PODGROUPS, "ns", "g") == once


async def test_only_a_changed_spec_makes_a_new_generation(kube: FakeKube) -> None:
    kube.put(group("g"))
    assert kube.change(PODGROUPS, "ns", "g", {"status": {"phase": "x"}})["metadata"]["generation"] == 1
    assert (
        kube.change(PODGROUPS, "ns", "g", {"metadata": {"labels": {"a": "b"}}})["metadata"]["generation"] == 1
    )
    assert kube.change(PODGROUPS, "ns", "g", {"spec": {"minMember": 2}})["metadata"]["generation"] == 2


async def test_spec_and_status_are_written_apart(kube: FakeKube, client: Client) -> None:
    created = group("g") | {"status": {"phase": "made up"}}
    await client.create(PODGROUPS, created)
    assert "status" not in (kube.object(PODGROUPS, "ns", "g") or {})
    await client.merge_patch(PODGROUPS, "ns", "g", {"status": {"phase": "made up"}, "spec": {"minMember": 4}})
    await client.merge_patch(
        PODGROUPS, "ns", "g", {"status": {"phase": "true"}, "spec": {"minMember": 9}}, subresource="status"
    )
    now = kube.object(PODGROUPS, "ns", "g")
    assert now is not None and (now["spec"], now["status"]) == ({"minMember": 4}, {"phase": "true"})


async def test_a_graceful_pod_with_a_node_stays_until_it_has_ended(kube: FakeKube, client: Client) -> None:
    kube.graceful = True
    kube.put(pod("waiting"))
    uid = kube.put(pod("runs"))["metadata"]["uid"]
    await client.bind("ns", "runs", "n1", uid=uid)
    await client.delete(PODS, "ns", "waiting")
    await client.delete(PODS, "ns", "runs")
    leaving = await client.get(PODS, "ns", "runs", Pod)
    assert leaving.metadata.deletion_timestamp and kube.object(PODS, "ns", "waiting") is None
    kube.remove(PODS, "ns", "runs")
    assert kube.objects(PODS) == []


async def test_a_pod_being_deleted_is_not_bound(kube: FakeKube, client: Client) -> None:
    uid = kube.put(pod("a", finalizers=["x/y"]))["metadata"]["uid"]
    await client.delete(PODS, "ns", "a")
    with pytest.raises(errors.Conflict, match="being deleted"):
        await client.bind("ns", "a", "n1", uid=uid)


async def test_finalizers_hold_an_object_until_the_last_is_gone(kube: FakeKube, client: Client) -> None:
    kube.put(group("g", finalizers=["x/y"]))
    await client.delete(PODGROUPS, "ns", "g")
    assert kube.object(PODGROUPS, "ns", "g") is not None
    await client.merge_patch(PODGROUPS, "ns", "g", {"metadata": {"finalizers": None}})
    assert kube.object(PODGROUPS, "ns", "g") is None


async def test_garbage_goes_with_its_last_owner_down_to_grandchildren(kube: FakeKube) -> None:
    job = kube.put({"kind": "TrainingJob", "metadata": {"name": "j", "namespace": "ns"}})
    owner = [{"kind": "TrainingJob", "name": "j", "uid": job["metadata"]["uid"]}]
    child = kube.put(group("g", ownerReferences=owner))
    kube.put(pod("p", ownerReferences=[{"kind": "PodGroup", "name": "g", "uid": child["metadata"]["uid"]}]))
    kube.put(pod("free"))
    kube.collect_garbage()
    assert len(kube.objects(PODS)) == 2
    kube.remove(TRAININGJOBS, "ns", "j")
    kube.collect_garbage()
    assert [p["metadata"]["name"] for p in kube.objects(PODS)] == ["free"]
    assert kube.objects(PODGROUPS) == []


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("a=1", ["one"]),
        ("a==1", ["one"]),
        ("a!=1", ["none", "two"]),
        ("a", ["one", "two"]),
        ("!a", ["none"]),
        ("a in (1,2),b", ["two"]),
        ("a notin (2)", ["none", "one"]),
    ],
)
async def test_label_selectors_of_all_forms(
    kube: FakeKube, client: Client, selector: str, names: list[str]
) -> None:
    for name, labels in (("none", {}), ("one", {"a": "1"}), ("two", {"a": "2", "b": "x"})):
        kube.put(pod(name, labels=labels))
    assert [p.metadata.name for p in await client.list(PODS, "ns", type=Pod, labels=selector)] == names


async def test_faults_hit_the_requests_they_are_meant_for(kube: FakeKube, client: Client) -> None:
    kube.put(pod("a"))
    kube.put(pod("b"))
    kube.faults.fail("get", PODS, "b", status=403, skip=1)
    await client.get(PODS, "ns", "b")
    await client.get(PODS, "ns", "a")
    with pytest.raises(errors.Forbidden):
        await client.get(PODS, "ns", "b")
    await client.get(PODS, "ns", "b")
    assert (kube.count("get", PODS), kube.count("get", SERVICES)) == (4, 0)


@pytest.fixture
async def stranger(kube: FakeKube, tmp_path: Path) -> AsyncIterator[Client]:
    config = Path(kube.kubeconfig(tmp_path))
    config.write_text(config.read_text().replace(kube.token, "stranger"))
    async with Client.connect(str(config)) as client:
        yield client


async def test_strangers_are_turned_away(kube: FakeKube, stranger: Client) -> None:
    with pytest.raises(errors.Unauthorized):
        await stranger.get(PODS, "ns", "a")
