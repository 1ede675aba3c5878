"""Both processes are killed, again and again, right after writes of every kind; nothing may be lost.

The seed is printed; POWERTRAIN_SEED repeats a run.
"""

import asyncio
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crashkit.faultproxy import Fault, FaultProxy, status_answer, until
from crashkit.halves import Half
from demo.install import OPERATOR, SCHEDULER, SYSTEM_NAMESPACE
from localcluster import Cluster, NodeShape

OPERATOR_WRITES = (
    "patch services",
    "patch podgroups",
    "create pods",
    "patch trainingjobs/status",
    "patch inferenceservices/status",
    "delete pods",
)
SCHEDULER_WRITES = (
    "create pods/binding",
    "patch podgroups/status",
    "patch queues/status",
    "patch acceleratorpools/status",
    "update leases",
)
RARE = ("patch inferenceservices/status", "patch queues/status", "patch acceleratorpools/status")
"""Written so seldom that the first must be hit."""
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


def job(name: str, workers: int, seconds: float, **annotations: str) -> dict[str, Any]:
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
    cluster.kubectl(
        "apply",
        "-f",
        "-",
        stdin=json.dumps(
            {
                "apiVersion": "powertrain.dev/v1alpha1",
                "kind": "AcceleratorPool",
                "metadata": {"name": "crash-pool"},
                "spec": {
                    "nodeSelector": {"powertrain.dev/accelerator": "h100-sxm"},
                    "accelerator": "h100-sxm",
                    "resourceName": "nvidia.com/gpu",
                    "topologyLevels": ["topology.powertrain.dev/block", "topology.powertrain.dev/rack"],
                },
            }
        ),
    )
    cluster.kubectl(
        "apply",
        "-f",
        "-",
        stdin=json.dumps(
            {
                "apiVersion": "powertrain.dev/v1alpha1",
                "kind": "Queue",
                "metadata": {"name": "default"},
                "spec": {"quotas": [{"accelerator": "h100-sxm", "nominal": 32}]},
            }
        ),
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
    """Delete every job and service; their children go with them."""
    for plural in ("trainingjobs", "inferenceservices"):
        world.cluster.kubectl("delete", plural, "--all", "-n", world.namespace, "--wait=false")
    await until(
        lambda: not any(world.get(plural) for plural in ("pods", "services", "podgroups")),
        60,
        "pods, services and pod groups went with their owners",
    )


async def test_every_job_ends_though_both_processes_are_killed_after_writes_of_every_kind(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    seed = int(os.environ.get("POWERTRAIN_SEED", "0")) or random.randrange(1, 10**6)
    print(f"POWERTRAIN_SEED={seed}")
    dice = random.Random(seed)
    fleet(FLEET)
    pool_and_queue(cluster)
    jobs = {f"job-{number}": dice.randint(1, 4) for number in range(6)}
    async with world(cluster, namespace, tmp_path) as running:
        kills = [
            Fault(kind, skip=0 if kind in RARE else dice.randint(0, 2), times=2, after=half.kill_and_wait)
            for half, kinds in ((running.operator, OPERATOR_WRITES), (running.scheduler, SCHEDULER_WRITES))
            for kind in kinds
        ]
        running.operator_proxy.faults = kills[: len(OPERATOR_WRITES)]
        running.scheduler_proxy.faults = kills[len(OPERATOR_WRITES) :]
        create(cluster, namespace, service("web", 2))
        for name, workers in jobs.items():
            # One worker of every second job fails in its first attempt, so that there are restarts too.
            fails = {"fake_exit_code": "1", "fake_exit_rank": "0", "fake_exit_attempt": "0"}
            create(cluster, namespace, job(name, workers, 1, **(fails if dice.random() < 0.5 else {})))
        try:
            await watched(
                running, lambda: all_ended(running, list(jobs)), 100, f"all of {jobs} succeeded (seed {seed})"
            )
        except AssertionError:
            print(
                cluster.kubectl("get", "ptj,ptpg,pods,pis", "-o", "wide", "-n", namespace),
                [(f.kind, f.seen, f.fired) for f in kills],
                running.phases(),
            )
            raise
        assert not partly_bound(running.get("pods"))
        await until(
            lambda: running.get("inferenceservices")[0].get("status", {}).get("readyReplicas") == 2,
            30,
            "the service has its two replicas",
        )
        unhit = [fault.kind for fault in kills if not fault.fired]
        assert not unhit, (
            f"never killed after: {unhit}; writes seen: {running.operator_proxy.writes} {running.scheduler_proxy.writes}"
        )
        assert running.operator.starts > 3 and running.scheduler.starts > 3
        await nothing_left(running)


async def test_jobs_go_on_through_cut_watches_410_409_and_429(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    fleet(FLEET)
    pool_and_queue(cluster)
    slow_down = status_answer(429, "TooManyRequests", **{"Retry-After": "1"})
    async with world(cluster, namespace, tmp_path) as running:
        running.operator_proxy.faults = [
            Fault("watch pods", times=3, cut_after_lines=2),
            Fault("watch trainingjobs", times=2, cut_after_lines=1),
            Fault("watch podgroups", times=2, answer=status_answer(410, "Expired")),
            Fault("create pods", skip=1, times=2, answer=slow_down),
            Fault("patch trainingjobs/status", times=3, answer=status_answer(409, "Conflict")),
        ]
        running.scheduler_proxy.faults = [
            Fault("watch pods", times=3, cut_after_lines=2),
            Fault("watch nodes", times=2, answer=status_answer(410, "Expired")),
            Fault("create pods/binding", times=2, answer=slow_down),
            Fault("create pods/binding", skip=1, times=2, answer=status_answer(409, "Conflict")),
            Fault("patch podgroups/status", times=2, answer=status_answer(500, "InternalError")),
        ]
        # Watches that were opened before the faults were set end now, and are opened anew.
        await running.operator.kill_and_wait()
        await running.scheduler.kill_and_wait()
        names = [f"job-{number}" for number in range(4)]
        for name in names:
            create(cluster, namespace, job(name, 2, 1))
        await watched(running, lambda: all_ended(running, names), 90, "all jobs succeeded")
        struck = [
            fault.kind
            for fault in running.operator_proxy.faults + running.scheduler_proxy.faults
            if fault.fired
        ]
        assert {"watch pods", "create pods/binding", "watch nodes", "create pods"} <= set(struck)


async def test_jobs_go_on_when_the_api_server_restarts(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    fleet(FLEET)
    pool_and_queue(cluster)
    async with world(cluster, namespace, tmp_path) as running:
        for number in range(4):
            create(cluster, namespace, job(f"job-{number}", 3, 2))
        await until(lambda: "Running" in running.phases().values(), 30, "a job runs")
        starts = running.operator.starts, running.scheduler.starts
        await asyncio.to_thread(cluster.restart, "kube-apiserver")
        names = [f"job-{number}" for number in range(4)]
        await watched(running, lambda: all_ended(running, names), 90, "all jobs succeeded")
        assert (running.operator.starts, running.scheduler.starts) == starts, (
            "a process ended with the API server"
        )


async def test_a_node_deleted_between_decision_and_binding_costs_the_job_only_time(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    fleet(FLEET)
    pool_and_queue(cluster)
    async with world(cluster, namespace, tmp_path) as running:
        lost: list[str] = []

        def lose_a_node() -> None:
            pods = [pod for pod in running.get("pods") if pod["spec"].get("nodeName")]
            if pods and not lost:
                lost.append(pods[0]["spec"]["nodeName"])
                cluster.api.delete(f"/api/v1/nodes/{lost[0]}")

        running.scheduler_proxy.faults = [Fault("create pods/binding", after=lose_a_node)]
        create(cluster, namespace, job("job", 2, 2))
        await watched(running, lambda: all_ended(running, ["job"]), 90, "the job succeeded on other nodes")
        assert lost
        nodes = {pod["spec"]["nodeName"] for pod in running.get("pods")}
        assert lost[0] not in nodes


async def test_two_schedulers_at_once_never_both_write(
    cluster: Cluster, namespace: str, fleet: Callable[..., list[str]], tmp_path: Path
) -> None:
    fleet(FLEET)
    pool_and_queue(cluster)
    async with world(cluster, namespace, tmp_path) as running:
        other_proxy = FaultProxy(cluster.identity(SYSTEM_NAMESPACE, SCHEDULER), tmp_path / "other")
        (tmp_path / "other").mkdir()
        async with other_proxy:
            arguments = ["--lease-namespace", SYSTEM_NAMESPACE, "--identity", "two"]
            async with Half("scheduler", other_proxy.kubeconfig, tmp_path / "other.log", arguments):
                names = [f"job-{number}" for number in range(3)]
                for name in names:
                    create(cluster, namespace, job(name, 2, 1))
                await watched(running, lambda: all_ended(running, names), 60, "all jobs succeeded")
                binders = [
                    proxy.writes["create pods/binding"] for proxy in (running.scheduler_proxy, other_proxy)
                ]
                assert min(binders) == 0 and max(binders) >= 6
                # The leader can no longer renew: the other takes over when the lease ends.
                leader, follower = running.scheduler_proxy, other_proxy
                if binders[1]:
                    leader, follower = follower, leader
                refused = status_answer(500, "InternalError")
                leader.faults = [Fault("update leases", times=10**6, answer=refused)]
                await until(lambda: follower.writes["update leases"] > 0, 40, "the follower took the lease")
                binds = leader.writes["create pods/binding"]
                create(cluster, namespace, job("late", 2, 1))
                await watched(running, lambda: all_ended(running, ["late"]), 60, "the late job succeeded")
                assert leader.writes["create pods/binding"] == binds
                assert follower.writes["create pods/binding"] == 2
