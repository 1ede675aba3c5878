"""Both processes are killed, again and again, right after writes of every kind; nothing may be lost.

The seed is printed; POWERTRAIN_SEED repeats a run.
"""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

from crashkit.faultproxy import Fault, FaultProxy, status_answer, until
from crashkit.halves import Half
from crashkit.world import (
    FLEET,
    all_ended,
    create,
    job,
    nothing_left,
    partly_bound,
    pool_and_queue,
    service,
    watched,
    world,
)
from demo.install import SCHEDULER, SYSTEM_NAMESPACE
from localcluster import Cluster

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
            create(cluster, namespace, job(name, workers, 1, 0, **(fails if dice.random() < 0.5 else {})))
        await watched(
            running, lambda: all_ended(running, list(jobs)), 150, f"all of {jobs} succeeded (seed {seed})"
        )
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
