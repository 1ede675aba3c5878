"""Volume claims: followed only where they matter, and waited for where they are not bound."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from placement.builders import Json, node, pod, pod_group
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.api.cluster import from_manifest
from powertrain_operator.kube.client import Client
from powertrain_operator.placement.cache.claims import Claims, NoVolume
from powertrain_operator.placement.translate import views
from powertrain_operator.placement.translate.pods import PodFact
from powertrain_operator.placement.watches import CLAIMS, STORAGE_CLASSES, VOLUMES
from powertrain_scheduler.snapshot import NodeTerm, PodClass, Requirement

MOUNT = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        kube.put(node("east", gpu=8, labels={"zone": "east"}))
        kube.put(node("west", gpu=8, labels={"zone": "west"}))
        yield kube


def claim(phase: str) -> Json:
    metadata = {"name": "data", "namespace": "team"}
    return {"metadata": metadata, "spec": {"volumeName": "v"}, "status": {"phase": phase}}


def volume(zone: str) -> Json:
    terms = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}]
    affinity = {"required": {"nodeSelectorTerms": terms}}
    return {"metadata": {"name": "v"}, "spec": {"nodeAffinity": affinity}}


async def test_claims_are_not_followed_where_no_pod_mounts_one(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("p", gpu=1, volumes=[{"name": "tmp", "emptyDir": {}}]))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "p"))
    assert kube.count("list", CLAIMS) == kube.count("list", VOLUMES) == 0


async def test_a_pod_waits_until_its_claim_is_bound_and_goes_where_the_volume_is(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod_group("g"))
    kube.put(pod("p", group="g", gpu=1, volumes=MOUNT))
    async with Client.connect(kube.kubeconfig(tmp_path)) as client, scheduler(kube, tmp_path):
        await until(lambda: "does not exist" in status_of(kube, "g").get("message", ""))
        assert status_of(kube, "g")["reason"] == "VolumeNotBound"
        await client.create(CLAIMS, claim("Pending"))
        await until(lambda: "is being bound to volume v" in status_of(kube, "g").get("message", ""))
        await client.create(VOLUMES, volume("west"))
        await client.merge_patch(CLAIMS, "team", "data", claim("Bound"))
        await until(lambda: node_of(kube, "p"))
    assert node_of(kube, "p") == "west"


async def test_claims_that_may_not_be_read_are_told_and_hold_up_nobody_else(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.faults.fail("list", CLAIMS, status=403, reason="Forbidden", times=1_000_000)
    kube.put(pod_group("g"))
    kube.put(pod("p", group="g", gpu=1, volumes=MOUNT))
    async with scheduler(kube, tmp_path):
        await until(lambda: "could not be read" in status_of(kube, "g").get("message", ""))
        kube.put(pod("q", gpu=1))
        await until(lambda: node_of(kube, "q"))
    assert not node_of(kube, "p")


# -- claims whose volumes are still to be chosen or made --------------------------------------------

SELECTED = "volume.kubernetes.io/selected-node"


def unbound(name: str = "data", storage_class: str = "fast", size: str = "1Gi", **spec: Any) -> Json:
    resources = {"requests": {"storage": size}}
    said = {"storageClassName": storage_class, "resources": resources, "accessModes": ["ReadWriteOnce"]}
    return {
        "metadata": {"name": name, "namespace": "team"},
        "spec": said | spec,
        "status": {"phase": "Pending"},
    }


def local(
    name: str, zone: str | None = None, size: str = "1Gi", storage_class: str = "local", **spec: Any
) -> Json:
    rule = {"key": "zone", "operator": "In", "values": [zone]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}
    said = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        **({"nodeAffinity": affinity} if zone else {}),
    }
    return {"metadata": {"name": name}, "spec": said | spec, "status": {"phase": "Available"}}


def storage_class(name: str, provisioner: str, waits: bool = True, zones: tuple[str, ...] = ()) -> Json:
    found: Json = {"metadata": {"name": name}, "provisioner": provisioner}
    if waits:
        found["volumeBindingMode"] = "WaitForFirstConsumer"
    if zones:
        found["allowedTopologies"] = [{"matchLabelExpressions": [{"key": "zone", "values": list(zones)}]}]
    return found


NO_PROVISIONER = "kubernetes.io/no-provisioner"
FAST = storage_class("fast", "csi.example.com")
LOCAL = storage_class("local", NO_PROVISIONER)


def known(*objects: Json) -> Claims:
    found = Claims()
    found.watched = True
    for each in objects:
        name = each["metadata"]["name"]
        if "provisioner" in each:
            found.put_class(name, from_manifest(each, views.StorageClass))
        elif "capacity" in each["spec"]:
            found.put_volume(name, from_manifest(each, views.PersistentVolume))
        else:
            found.put_claim(f"team/{name}", from_manifest(each, views.PersistentVolumeClaim))
    return found


def mounting(*claims: str) -> PodFact:
    return PodFact("team/p", "uid", PodClass((("pods", 1),)), claims=tuple(f"team/{each}" for each in claims))


def zone_in(*values: str) -> NodeTerm:
    return NodeTerm((Requirement("zone", "In", values),))


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ([unbound()], "whose storage class fast does not exist"),
        ([unbound(storage_class="")], "which is not bound and has no class"),
        ([unbound(), storage_class("fast", "csi", waits=False)], "which is not bound (yet)"),
        ([unbound(storage_class="local"), LOCAL], "for which no volume of class local is free"),
        ([unbound(storage_class="local", size="2Gi"), LOCAL, local("v", "east")], "for which no volume"),
        (
            [unbound(storage_class="local"), LOCAL, local("v", "east", accessModes=["ReadOnlyMany"])],
            "for which no",
        ),
        (
            [unbound(storage_class="local"), LOCAL, local("v", "east", volumeMode="Block")],
            "for which no volume",
        ),
        (
            [
                unbound(storage_class="local", selector={"matchLabels": {"disk": "nvme"}}),
                LOCAL,
                local("v", "east"),
            ],
            "for which no volume",
        ),
        (
            [unbound(storage_class="local"), LOCAL, local("v", claimRef={"namespace": "team", "name": "x"})],
            "for which no volume",
        ),
        ([unbound(storage_class="local"), LOCAL, local("v", "east")], ""),
        ([unbound(), FAST], ""),
    ],
)
def test_which_unbound_claims_are_waited_for(objects: list[Json], told: str) -> None:
    message = known(*objects).trouble(mounting("data"))
    assert told in message and bool(message) == bool(told)


@pytest.mark.parametrize(
    ("objects", "volumes"),
    [
        pytest.param([FAST], (), id="a class that makes volumes anywhere"),
        pytest.param(
            [storage_class("fast", "csi", zones=("east", "west"))],
            ((zone_in("east", "west"),),),
            id="a class that makes volumes in some zones",
        ),
        pytest.param(
            [LOCAL, local("v", "east"), local("w", "west"), local("x", "north", size="1Mi")],
            ((zone_in("east"), zone_in("west")),),
            id="where volumes lie that would do",
        ),
        pytest.param([LOCAL, local("v", "east"), local("w")], (), id="a volume that can be used anywhere"),
    ],
)
def test_where_volumes_still_to_come_keep_a_pod(objects: list[Json], volumes: tuple[Any, ...]) -> None:
    name = objects[0]["metadata"]["name"]
    found = known(unbound(storage_class=name), *objects).narrowed(mounting("data"))
    assert found.volumes == volumes


def test_a_node_that_was_chosen_before_stays_chosen() -> None:
    begun = unbound()
    begun["metadata"]["annotations"] = {SELECTED: "west"}
    by_name = NodeTerm(fields=(Requirement("metadata.name", "In", ("west",)),))
    assert known(begun, FAST).narrowed(mounting("data")).volumes == ((by_name,),)


def test_zones_of_a_volumes_labels_keep_a_pod_to_nodes_that_name_no_other() -> None:
    zonal = local("v")
    zonal["metadata"]["labels"] = {"topology.kubernetes.io/zone": "b__a"}
    bound = unbound(volumeName="v")
    bound["status"] = {"phase": "Bound"}
    (terms,) = known(bound, zonal).narrowed(mounting("data")).volumes
    assert terms[0] == NodeTerm((Requirement("topology.kubernetes.io/zone", "In", ("a", "b")),))
    assert {rule.operator for rule in terms[1].labels} == {"DoesNotExist"}


def test_the_smallest_volume_is_promised_once() -> None:
    claims = known(
        *(unbound(name, "local") for name in ("a", "b", "c")),
        LOCAL,
        local("large", "east", size="9Gi"),
        local("small", "east"),
        local("elsewhere", "west"),
    )
    first = claims.steps(mounting("a"), "n", {"zone": "east"})
    assert [step.volume for step in first] == ["small"]
    with pytest.raises(NoVolume, match="claim c is free on node n"):
        claims.steps(mounting("b", "c"), "n", {"zone": "east"})
    assert [s.volume for s in claims.steps(mounting("b"), "n", {"zone": "east"})] == ["large"]
    claims.give_up(first)
    assert [s.volume for s in claims.steps(mounting("c"), "n", {"zone": "east"})] == ["small"]


async def made(client: Client, *objects: tuple[Any, Json]) -> None:
    for resource, manifest in objects:
        await client.create(resource, manifest)


def annotations(kube: FakeKube, claim: str = "data") -> Json:
    found = kube.object(CLAIMS, "team", claim) or {}
    return dict(found.get("metadata", {}).get("annotations") or {})


async def test_a_claim_is_told_the_node_and_the_pod_follows_once_it_is_bound(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod("p", gpu=1, volumes=MOUNT))
    async with Client.connect(kube.kubeconfig(tmp_path)) as client, scheduler(kube, tmp_path):
        zonal = storage_class("fast", "csi.example.com", zones=("west",))
        await made(client, (STORAGE_CLASSES, zonal), (CLAIMS, unbound()))
        await until(lambda: annotations(kube).get(SELECTED) == "west")
        kube.put(pod("q", gpu=1))
        await until(lambda: node_of(kube, "q"))  # nobody waits for the volume but its pod
        assert not node_of(kube, "p")
        await client.create(VOLUMES, local("v", "west", storage_class="fast"))
        bound = {"spec": {"volumeName": "v"}, "status": {"phase": "Bound"}}
        await client.merge_patch(CLAIMS, "team", "data", bound)
        await until(lambda: node_of(kube, "p"))
    assert node_of(kube, "p") == "west"


async def test_a_node_for_which_no_volume_can_be_made_is_given_back(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod_group("g"))
    kube.put(pod("p", group="g", gpu=8, volumes=MOUNT))
    async with Client.connect(kube.kubeconfig(tmp_path)) as client, scheduler(kube, tmp_path):
        await made(client, (STORAGE_CLASSES, FAST), (CLAIMS, unbound()))
        await until(lambda: SELECTED in annotations(kube))
        first = annotations(kube)[SELECTED]
        await client.merge_patch(CLAIMS, "team", "data", {"metadata": {"annotations": {SELECTED: None}}})
        await until(lambda: "no volume could be made" in status_of(kube, "g").get("message", ""))
        assert status_of(kube, "g")["reason"] == "BindingRefused" and not node_of(kube, "p")
        await until(lambda: annotations(kube).get(SELECTED))  # and tried again after a pause
    assert first in ("east", "west")


async def test_a_claim_that_is_never_bound_gives_its_node_back(
    kube: FakeKube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("powertrain_operator.placement.execute.volumes.PATIENCE", 5.0)
    kube.put(pod_group("g"))
    kube.put(pod("p", group="g", gpu=8, volumes=MOUNT))
    async with Client.connect(kube.kubeconfig(tmp_path)) as client, scheduler(kube, tmp_path):
        await made(client, (STORAGE_CLASSES, FAST), (CLAIMS, unbound()))
        await until(lambda: "was not bound" in status_of(kube, "g").get("message", ""))
        assert status_of(kube, "g")["reason"] == "BindingRefused"
    assert kube.count("patch", CLAIMS) >= 2  # chosen, and taken back


async def test_a_volume_that_lies_about_is_promised_to_the_claim(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("p", gpu=1, volumes=MOUNT))
    async with Client.connect(kube.kubeconfig(tmp_path)) as client, scheduler(kube, tmp_path):
        await made(client, (STORAGE_CLASSES, LOCAL), (VOLUMES, local("v", "east")))
        await made(client, (CLAIMS, unbound(storage_class="local")))
        await until(lambda: (kube.object(VOLUMES, "", "v") or {})["spec"].get("claimRef"))
        reference = (kube.object(VOLUMES, "", "v") or {})["spec"]["claimRef"]
        assert (reference["namespace"], reference["name"]) == ("team", "data") and reference["uid"]
        bound = {"spec": {"volumeName": "v"}, "status": {"phase": "Bound"}}
        await client.merge_patch(CLAIMS, "team", "data", bound)
        await until(lambda: node_of(kube, "p"))
    assert node_of(kube, "p") == "east"
