"""A small fleet, the two processes behind their proxies, and what must hold of it at any moment."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import install
from demo.install import OPERATOR, SCHEDULER, SYSTEM_NAMESPACE
from localcluster import Cluster, NodeShape

from crashkit.faultproxy import FaultProxy, until
from crashkit.halves import Half

GPUS = 8


@dataclass
class World:
    """The processes under test, each behind a proxy of its own."""

    cluster: Cluster
    namespace: str
    operator: Half
    scheduler: Half
    operator_proxy: FaultProxy
    scheduler_proxy: FaultProxy

    def get(self, plural: str) -> list[dict[str, Any]]:
        group = "api/v1" if plural in ("pods", "services") else "apis/powertrain.dev/v1alpha1"
        items: list[dict[str, Any]] = self.cluster.api.get(f"/{group}/namespaces/{self.namespace}/{plural}")[
            "items"
        ]
        return items

    def phases(self) -> dict[str, str]:
        """Phase by job name."""
        return {
            job["metadata"]["name"]: job.get("status", {}).get("phase", "")
            for job in self.get("trainingjobs")
        }


@asynccontextmanager
async def world(
    cluster: Cluster, namespace: str, directory: Path, scheduler_arguments: Sequence[str] = ()
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        proxies = [
            await stack.enter_async_context(FaultProxy(cluster.identity(SYSTEM_NAMESPACE, name), directory))
            for name in (OPERATOR, SCHEDULER)
        ]
        # A restarted process is the same candidate, so that it need not wait for its own lease to end.
        lease = ["--lease-namespace", SYSTEM_NAMESPACE, "--identity", "one"]
        operator = Half("operator", proxies[0].kubeconfig, directory / "operator.log")
        scheduler = Half(
            "scheduler", proxies[1].kubeconfig, directory / "scheduler.log", [*lease, *scheduler_arguments]
        )
        await stack.enter_async_context(operator)
        await stack.enter_async_context(scheduler)
        yield World(cluster, namespace, operator, scheduler, *proxies)


def job(name: str, workers: int, seconds: float, priority: int = 0, **annotations: str) -> dict[str, Any]:
    """A job that takes whole nodes and ends by itself."""
    fake = {"powertrain.dev/fake-duration": f"{seconds:g}s"}
    fake |= {f"powertrain.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    container = {
        "name": "trainer",
        "image": "trainer",
        "resources": {"limits": {"nvidia.com/gpu": str(GPUS)}},
    }
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": name},
        "spec": {
            "framework": "custom",
            "priority": priority,
            "workers": {
                "replicas": workers,
                "template": {"metadata": {"annotations": fake}, "spec": {"containers": [container]}},
            },
            "failurePolicy": {"maxRestarts": 5, "backoff": {"initial": "1s", "maximum": "2s"}},
        },
    }


def service(name: str, replicas: int) -> dict[str, Any]:
    container = {"name": "engine", "image": "engine"}
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {
            "engine": "custom",
            "model": {"name": "m"},
            "replicas": replicas,
            "template": {"spec": {"containers": [container]}},
        },
    }


def create(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> None:
    plural = manifest["kind"].lower() + "s"
    cluster.api.post(f"/apis/powertrain.dev/v1alpha1/namespaces/{namespace}/{plural}", manifest)


def pool_and_queue(cluster: Cluster) -> None:
    """A pool over the fleet, and the default queue with a quota of all of it."""
    pool = {
        "nodeSelector": {"powertrain.dev/accelerator": "h100-sxm"},
        "accelerator": "h100-sxm",
        "resourceName": "nvidia.com/gpu",
        "topologyLevels": ["topology.powertrain.dev/block", "topology.powertrain.dev/rack"],
    }
    queue = {"quotas": [{"accelerator": "h100-sxm", "nominal": 32}]}
    kinds = (("AcceleratorPool", "crash-pool", pool), ("Queue", "default", queue))
    install.apply(
        cluster,
        [
            {"apiVersion": "powertrain.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
            for kind, name, spec in kinds
        ],
    )


FLEET = NodeShape("crash", 4, "nvidia.com/gpu", devices=GPUS, accelerator="h100-sxm", racks=2)


def over_capacity(pods: Sequence[dict[str, Any]]) -> list[str]:
    """Nodes whose unfinished pods ask for more devices than a node has."""
    used: Counter[str] = Counter()
    for pod in pods:
        if pod["spec"].get("nodeName") and pod["status"]["phase"] not in ("Succeeded", "Failed"):
            limits = pod["spec"]["containers"][0].get("resources", {}).get("limits", {})
            used[pod["spec"]["nodeName"]] += int(limits.get("nvidia.com/gpu", 0))
    return [f"{node} holds {devices} of {GPUS}" for node, devices in used.items() if devices > GPUS]


def partly_bound(pods: Sequence[dict[str, Any]]) -> list[str]:
    """Gangs of which some members hold a node and others none."""
    bound: defaultdict[str, list[bool]] = defaultdict(list)
    for pod in pods:
        if group := pod["metadata"]["labels"].get("powertrain.dev/pod-group"):
            bound[group].append(bool(pod["spec"].get("nodeName")))
    return [group for group, members in bound.items() if any(members) and not all(members)]


async def watched(world: World, done: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until done; capacity is checked at every look on the way."""

    def look() -> bool:
        assert not over_capacity(world.get("pods"))
        return done()

    await until(look, seconds, what)


def all_ended(world: World, names: Sequence[str]) -> bool:
    phases = world.phases()
    return all(phases.get(name) == "Succeeded" for name in names)


async def nothing_left(world: World) -> None:
    """Delete every job and service; their children go with them.

    The API server's garbage collector hears of new kinds half a minute late, so the first time is slow.
    """
    for plural in ("trainingjobs", "inferenceservices"):
        world.cluster.kubectl("delete", plural, "--all", "-n", world.namespace, "--wait=false")
    await until(
        lambda: not any(world.get(plural) for plural in ("pods", "services", "podgroups")),
        60,
        "pods, services and pod groups went with their owners",
    )
