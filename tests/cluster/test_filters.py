"""Rules about other pods, shares and volumes, where a real API server and its volume controllers answer."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from crashkit.faultproxy import until
from crashkit.world import FLEET, World, pool_and_queue, world
from localcluster import Cluster

HOST = "kubernetes.io/hostname"
RACK = "topology.powertrain.dev/rack"
WEB = {"matchLabels": {"app": "web"}}
Json = dict[str, Any]


def pod(name: str, annotations: dict[str, str] | None = None, **spec: Any) -> Json:
    return {
        "metadata": {"name": name, "labels": {"app": "web"}, "annotations": annotations or {}},
        "spec": {"schedulerName": "powertrain", "containers": [{"name": "c", "image": "c"}]} | spec,
    }


def put(world: World, path: str, *manifests: Json) -> None:
    for each in manifests:
        world.cluster.api.post(path, each)


def nodes(world: World, names: Iterable[str]) -> list[str]:
    """The pods' nodes, empty ones while they wait."""
    by_name = {each["metadata"]["name"]: each["spec"].get("nodeName", "") for each in world.get("pods")}
    return [by_name.get(name, "") for name in names]


async def test_rules_about_other_pods_hold(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    made = fleet(FLEET)
    pool_and_queue(cluster)
    required = [{"topologyKey": HOST, "labelSelector": WEB}]
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    even = [{"topologyKey": RACK, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": WEB}]
    alone, spread = [f"alone-{i}" for i in range(5)], [f"spread-{i}" for i in range(4)]
    async with world(cluster, namespace, tmp_path) as running:
        path = f"/api/v1/namespaces/{namespace}/pods"
        put(running, path, *(pod(name, affinity=apart) for name in alone))
        await until(lambda: sum(map(bool, nodes(running, alone))) == 4, 30, "one pod a node")
        assert set(filter(None, nodes(running, alone))) == set(made)
        for name in alone:
            running.cluster.api.delete(f"{path}/{name}")
        put(running, path, *(pod(name, topologySpreadConstraints=even) for name in spread))
        await until(lambda: all(nodes(running, spread)), 30, "all are spread")
        rack = {each: cluster.api.get(f"/api/v1/nodes/{each}")["metadata"]["labels"][RACK] for each in made}
        racks = [rack[node] for node in nodes(running, spread)]
        assert sorted(racks.count(each) for each in set(racks)) == [2, 2]


async def test_shares_come_with_the_binding_and_volumes_before_it(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    made = fleet(FLEET)
    pool_and_queue(cluster)
    half = {"powertrain.dev/device-share": "nvidia.com/gpu=500"}
    group = "/apis/storage.k8s.io/v1/storageclasses"
    local, volume = f"{namespace}-local", f"{namespace}-disk"
    term = {"matchExpressions": [{"key": HOST, "operator": "In", "values": [made[2]]}]}
    disk = {
        "metadata": {"name": volume},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": local,
            "local": {"path": "/data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        },
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": local,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    waits = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    mounts = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    async with world(cluster, namespace, tmp_path) as running:
        path = f"/api/v1/namespaces/{namespace}"
        put(running, group, {"metadata": {"name": local}, **waits})
        try:
            put(running, "/api/v1/persistentvolumes", disk)
            put(running, f"{path}/persistentvolumeclaims", claim)
            put(running, f"{path}/pods", pod("one", half), pod("two", half), pod("reads", volumes=mounts))
            names = ["one", "two", "reads"]
            await until(lambda: all(nodes(running, names)), 60, "all have nodes")
            one, two, reads = nodes(running, names)
            assert reads == made[2] and one == two
            got = {
                each["metadata"]["name"]: each["metadata"].get("annotations", {})
                for each in running.get("pods")
            }
            assert got["one"]["powertrain.dev/device"] == got["two"]["powertrain.dev/device"] == "0"
            bound = cluster.api.get(f"{path}/persistentvolumeclaims/data")
            assert (bound["status"]["phase"], bound["spec"]["volumeName"]) == ("Bound", volume)
        finally:
            cluster.api.delete(f"{group}/{local}")
            cluster.api.delete(f"/api/v1/persistentvolumes/{volume}")
