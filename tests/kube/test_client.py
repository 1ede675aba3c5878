import asyncio
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube, FakeTime
from powertrain_operator.api.cluster import Lease, Node, Pod
from powertrain_operator.kube import errors
from powertrain_operator.kube.client import PAGE, Client
from powertrain_operator.kube.resources import LEASES, NODES, PODGROUPS, PODS, SERVICES


def pod(name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ns", "labels": labels},
        "spec": {"containers": [{"name": "c"}]},
    }


GROUP: dict[str, Any] = {"metadata": {"name": "g", "namespace": "ns"}, "spec": {"minMember": 2}}


# --- reading


async def test_an_object_comes_as_the_type_asked_for_or_as_a_dict(kube: FakeKube, client: Client) -> None:
    kube.put(pod("a", color="red"))
    assert (await client.get(PODS, "ns", "a", Pod)).metadata.labels == {"color": "red"}
    assert (await client.get(PODS, "ns", "a"))["spec"] == {"containers": [{"name": "c"}]}


async def test_a_list_has_all_pages_and_honours_selectors(kube: FakeKube, client: Client) -> None:
    for number in range(2 * PAGE + 1):
        kube.put(pod(f"p{number}", parity=str(number % 2)))
    assert len(await client.list(PODS, type=Pod)) == 2 * PAGE + 1
    assert kube.count("list") == 3
    assert len(await client.list(PODS, "ns", labels="parity=1")) == PAGE
    assert await client.list(PODS, "elsewhere") == []
    assert [p["metadata"]["name"] for p in await client.list(PODS, fields="metadata.name=p7")] == ["p7"]


async def test_what_is_not_there_is_not_found_with_the_servers_sentence(client: Client) -> None:
    with pytest.raises(errors.NotFound, match='pods "a" not found') as failure:
        await client.get(PODS, "ns", "a")
    assert failure.value.status == 404


# --- writing


async def test_create_refuses_a_second_of_the_same_name(kube: FakeKube, client: Client) -> None:
    await client.create(PODS, pod("a"))
    with pytest.raises(errors.AlreadyExists):
        await client.create(PODS, pod("a"), "ns")
    assert len(kube.objects(PODS)) == 1


async def test_apply_makes_changes_and_takes_back_what_it_no_longer_names(
    kube: FakeKube, client: Client
) -> None:
    labelled = {"metadata": GROUP["metadata"] | {"labels": {"a": "1"}}, "spec": {"minMember": 2}}
    made = await client.apply(PODGROUPS, labelled, field_manager="us", type=dict[str, Any])
    kube.change(PODGROUPS, "ns", "g", {"metadata": {"labels": {"theirs": "x"}}})
    await client.apply(PODGROUPS, GROUP, field_manager="us")
    assert made["apiVersion"] == "powertrain.dev/v1alpha1"
    now = kube.object(PODGROUPS, "ns", "g")
    assert now is not None and now["metadata"]["labels"] == {"theirs": "x"}


async def test_an_apply_that_is_not_forced_gives_way_to_another_manager(
    kube: FakeKube, client: Client
) -> None:
    await client.apply(PODGROUPS, GROUP, field_manager="them")
    other = GROUP | {"spec": {"minMember": 3}}
    with pytest.raises(errors.Conflict, match=r"conflict with .them.: \.spec\.minMember"):
        await client.apply(PODGROUPS, other, field_manager="us", force=False)
    await client.apply(PODGROUPS, other, field_manager="us")
    now = kube.object(PODGROUPS, "ns", "g")
    assert now is not None and now["spec"] == {"minMember": 3}


async def test_a_status_patch_writes_the_status_alone(kube: FakeKube, client: Client) -> None:
    kube.put({"kind": "PodGroup", **GROUP})
    await client.patch_status(PODGROUPS, "ns", "g", {"phase": "Pending", "message": "m"}, field_manager="us")
    await client.patch_status(PODGROUPS, "ns", "g", {"phase": "Scheduled"}, field_manager="us")
    now = kube.object(PODGROUPS, "ns", "g")
    assert now is not None and now["status"] == {"phase": "Scheduled"}
    assert now["metadata"]["generation"] == 1
    assert [call.subresource for call in kube.calls] == ["status", "status"]


async def test_a_status_patch_of_what_is_gone_does_not_bring_it_back(kube: FakeKube, client: Client) -> None:
    with pytest.raises(errors.NotFound):
        await client.patch_status(PODGROUPS, "ns", "g", {"phase": "Pending"}, field_manager="us")
    assert kube.objects(PODGROUPS) == []


async def test_a_merge_patch_sets_removes_and_heeds_the_version(kube: FakeKube, client: Client) -> None:
    old = kube.put(pod("a", keep="1", drop="2"))
    await client.merge_patch(PODS, "ns", "a", {"metadata": {"labels": {"drop": None, "new": "3"}}})
    now = kube.object(PODS, "ns", "a")
    assert now is not None and now["metadata"]["labels"] == {"keep": "1", "new": "3"}
    stale = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"], "labels": {"late": "4"}}}
    with pytest.raises(errors.Conflict):
        await client.merge_patch(PODS, "ns", "a", stale)


async def test_replace_heeds_the_version(kube: FakeKube, client: Client) -> None:
    lease = {"metadata": {"name": "l", "namespace": "ns"}, "spec": {"holderIdentity": "a"}}
    made = await client.create(LEASES, lease, type=Lease)
    meta = {"name": "l", "namespace": "ns", "resourceVersion": made.metadata.resource_version}
    await client.replace(LEASES, {"metadata": meta, "spec": {"holderIdentity": "b"}})
    with pytest.raises(errors.Conflict):
        await client.replace(LEASES, {"metadata": meta, "spec": {"holderIdentity": "c"}})
    now = kube.object(LEASES, "ns", "l")
    assert now is not None and now["spec"]["holderIdentity"] == "b"


async def test_delete_spares_another_object_of_the_same_name(kube: FakeKube, client: Client) -> None:
    uid = kube.put(pod("a"))["metadata"]["uid"]
    with pytest.raises(errors.Conflict):
        await client.delete(PODS, "ns", "a", uid="another")
    await client.delete(PODS, "ns", "a", uid=uid, grace_seconds=0, propagation="Background")
    assert kube.objects(PODS) == []
    assert kube.calls[-1].body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Background",
        "preconditions": {"uid": uid},
    }


async def test_bind_gives_the_pod_its_node_once_and_only_to_the_pod_meant(
    kube: FakeKube, client: Client
) -> None:
    uid = kube.put(pod("a"))["metadata"]["uid"]
    with pytest.raises(errors.Conflict):
        await client.bind("ns", "a", "n1", uid="another")
    await client.bind("ns", "a", "n1", uid=uid)
    with pytest.raises(errors.Conflict, match="already assigned"):
        await client.bind("ns", "a", "n2", uid=uid)
    assert (await client.get(PODS, "ns", "a", Pod)).spec.node_name == "n1"


async def test_a_namespaced_object_needs_a_namespace(client: Client) -> None:
    with pytest.raises(ValueError, match="Pod a: a namespace is needed"):
        await client.get(PODS, None, "a")


async def test_names_cannot_break_out_of_their_path() -> None:
    assert PODS.path("a b", "../x\r\ny?z") == "/api/v1/namespaces/a%20b/pods/..%2Fx%0D%0Ay%3Fz"
    assert NODES.path(name="n", subresource="status") == "/api/v1/nodes/n/status"
    assert PODGROUPS.path() == "/apis/powertrain.dev/v1alpha1/podgroups"


# --- failures


async def test_a_read_is_repeated_until_it_succeeds(kube: FakeKube, client: Client, time: FakeTime) -> None:
    kube.put(pod("a"))
    kube.faults.fail("get", PODS, status=500)
    kube.faults.reset("get", PODS)
    kube.faults.fail("get", PODS, status=503)
    assert (await client.get(PODS, "ns", "a", Pod)).metadata.name == "a"
    assert time.slept == [pytest.approx(0.075), pytest.approx(0.15), pytest.approx(0.3)]


async def test_repeating_is_bounded(kube: FakeKube, client: Client) -> None:
    kube.faults.fail("get", PODS, status=503, message="etcd is away", times=100)
    with pytest.raises(errors.ServerError, match=r"etcd is away \(503"):
        await client.get(PODS, "ns", "a")
    assert kube.count("get") == 5


async def test_a_bind_that_was_throttled_waits_as_told_and_is_repeated(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    uid = kube.put(pod("a"))["metadata"]["uid"]
    kube.faults.fail("bind", PODS, status=429, retry_after=2)
    await client.bind("ns", "a", "n1", uid=uid)
    assert time.slept == [pytest.approx(2.05)]
    assert kube.count("bind") == 2


@pytest.mark.parametrize("processed", [False, True])
async def test_a_bind_cut_off_is_not_repeated_and_left_to_the_caller(
    kube: FakeKube, client: Client, processed: bool
) -> None:
    uid = kube.put(pod("a"))["metadata"]["uid"]
    kube.faults.reset("bind", PODS, after=processed)
    with pytest.raises(errors.Unreachable) as failure:
        await client.bind("ns", "a", "n1", uid=uid)
    assert failure.value.sent
    assert kube.count("bind") == 1
    assert (await client.get(PODS, "ns", "a", Pod)).spec.node_name == ("n1" if processed else "")


async def test_a_create_that_failed_on_the_server_is_not_repeated(kube: FakeKube, client: Client) -> None:
    kube.faults.fail("create", PODS, status=500, after=True)
    with pytest.raises(errors.ServerError):
        await client.create(PODS, pod("a"))
    assert kube.count("create") == 1
    assert len(kube.objects(PODS)) == 1


async def test_an_apply_cut_off_is_repeated_with_one_effect(kube: FakeKube, client: Client) -> None:
    kube.faults.reset("apply", PODGROUPS, after=True)
    await client.apply(PODGROUPS, GROUP, field_manager="us")
    assert kube.count("apply") == 2
    assert len(kube.objects(PODGROUPS)) == 1


async def test_a_create_is_repeated_while_nobody_listens(time: FakeTime, tmp_path: Path) -> None:
    async with FakeKube.start() as gone:
        kubeconfig = gone.kubeconfig(tmp_path)
        port = int(gone.url.rpartition(":")[2])
    async with Client.connect(kubeconfig, waiting=time.waiting) as client:
        with pytest.raises(errors.Unreachable, match="cannot connect") as failure:
            await client.create(PODS, pod("a"))
        assert not failure.value.sent
        assert len(time.slept) == 4
        async with FakeKube.start(port) as back:
            await client.create(PODS, pod("a"))
            assert back.count("create") == 1


async def test_a_hanging_server_is_given_up(kube: FakeKube, time: FakeTime, tmp_path: Path) -> None:
    gate = kube.faults.hold("get", NODES)
    async with Client.connect(kube.kubeconfig(tmp_path), timeout=0.02, waiting=time.waiting) as client:
        with pytest.raises(errors.Unreachable, match=r"no answer within 0\.02 s"):
            await client.get(NODES, None, "n", Node)
    gate.open()


async def test_requests_at_once_are_bounded(kube: FakeKube, time: FakeTime, tmp_path: Path) -> None:
    kube.put(pod("a"))
    gate = kube.faults.hold("get", PODS)
    async with Client.connect(kube.kubeconfig(tmp_path), concurrency=2, waiting=time.waiting) as client:
        asking = [asyncio.create_task(client.get(PODS, "ns", "a", Pod)) for _ in range(5)]
        await gate.arrival()
        await gate.arrival()
        await asyncio.sleep(0.02)
        assert kube.count("get") == 2
        gate.open()
        assert len(await asyncio.gather(*asking)) == 5


async def test_every_attempt_is_counted_by_verb_resource_and_status(
    kube: FakeKube, time: FakeTime, tmp_path: Path
) -> None:
    seen: list[tuple[str, str, int]] = []
    uid = kube.put(pod("a"))["metadata"]["uid"]
    kube.faults.fail("bind", PODS, status=429)
    kube.faults.reset("delete", SERVICES)
    async with Client.connect(
        kube.kubeconfig(tmp_path),
        waiting=time.waiting,
        observe=lambda verb, resource, status, seconds: seen.append((verb, resource, status)),
    ) as client:
        await client.bind("ns", "a", "n1", uid=uid)
        with pytest.raises(errors.NotFound):
            await client.delete(SERVICES, "ns", "s")
    assert seen == [
        ("bind", "pods/binding", 429),
        ("bind", "pods/binding", 201),
        ("delete", "services", 0),
        ("delete", "services", 404),
    ]


# --- credentials


async def test_a_rotated_token_is_read_after_a_401(kube: FakeKube, time: FakeTime, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(kube.token)
    kubeconfig = Path(kube.kubeconfig(tmp_path))
    kubeconfig.write_text(
        kubeconfig.read_text().replace(f'"token": "{kube.token}"', f'"tokenFile": "{token}"')
    )
    kube.put(pod("a"))
    async with Client.connect(str(kubeconfig), waiting=time.waiting) as client:
        await client.get(PODS, "ns", "a", Pod)
        kube.token = "rotated"
        token.write_text("rotated\n")
        assert (await client.get(PODS, "ns", "a", Pod)).metadata.name == "a"
        assert client.endpoint.token == "rotated"


async def test_a_token_is_read_again_each_minute(kube: FakeKube, time: FakeTime, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(kube.token)
    kubeconfig = Path(kube.kubeconfig(tmp_path))
    kubeconfig.write_text(
        kubeconfig.read_text().replace(f'"token": "{kube.token}"', f'"tokenFile": "{token}"')
    )
    kube.put(pod("a"))
    seen: list[int] = []
    async with Client.connect(
        str(kubeconfig), waiting=time.waiting, observe=lambda verb, resource, status, s: seen.append(status)
    ) as client:
        await client.get(PODS, "ns", "a", Pod)
        kube.token = "rotated"
        token.write_text("rotated")
        time.now += 61
        await client.get(PODS, "ns", "a", Pod)
    assert seen == [200, 200]


async def test_credentials_that_stay_refused_are_unauthorized(
    kube: FakeKube, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    kube.token = "another"
    with pytest.raises(errors.Unauthorized):
        await client.get(PODS, "ns", "a")
