"""A fake cluster for the operator process: an API server that describes itself, a scheduler, kubelets.

    async with Cluster.start() as cluster, cluster.operator(tmp_path):
        cluster.kube.put(job())
        await cluster.until(lambda: cluster.phase("llm") == "Running")

Nobody sleeps: `until` looks again whenever an object changes, and the fake scheduler and kubelets do
their part after each change.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from fakekube import FakeKube, Json
from fakekube.http import Server
from fakekube.objects import Change, Objects
from powertrain_operator.api.names import GROUP, LABEL_POD_GROUP, VERSION
from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.controller.process import OperatorOptions, run_operator
from powertrain_operator.kube.resources import (
    INFERENCESERVICES,
    NAMESPACES,
    OURS,
    PODGROUPS,
    PODS,
    TRAININGJOBS,
    Resource,
)
from reconcile.building import NOW, POOLS

PATIENCE = 30.0
"""Seconds that a test waits at most for what should take a fraction of one."""


class DescribingServer(Server):
    """Answers, beside all else, which kinds are served: kopf asks."""

    crds = True
    """Our kinds are installed."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/api":
                return web.json_response({"kind": "APIVersions", "versions": ["v1"]})
            case "/api/v1":
                return web.json_response({"kind": "APIResourceList", "resources": _kinds(NAMESPACES)})
            case "/apis":
                versions = [{"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}]
                group = {"name": GROUP, "versions": versions, "preferredVersion": versions[0]}
                return web.json_response({"kind": "APIGroupList", "groups": [group] if self.crds else []})
            case path if path == f"/apis/{GROUP}/{VERSION}":
                if not self.crds:
                    return web.json_response({"code": 404, "reason": "NotFound"}, status=404)
                return web.json_response({"kind": "APIResourceList", "resources": _kinds(*OURS)})
        return await super().serve(request)


def _kinds(*resources: Resource) -> list[Json]:
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    return [
        {
            "name": each.plural,
            "singularName": each.kind.lower(),
            "kind": each.kind,
            "namespaced": each.namespaced,
            "verbs": verbs,
        }
        for each in resources
    ]


class DescribingKube(FakeKube):
    """A fake API server that describes itself and tells whoever listens of each change."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: list[Callable[[Change], None]] = []
        self._objects = Objects(self._tell)
        self._server: DescribingServer = DescribingServer(self._objects, self._watchers, self.faults)

    def install_crds(self, installed: bool = True) -> None:
        self._server.crds = installed

    def _tell(self, change: Change) -> None:
        self._watchers.tell(change)
        for listener in self.listeners:
            listener(change)


class Cluster:
    """The fake API server with everybody who acts on it."""

    def __init__(self, kube: DescribingKube) -> None:
        self.kube = kube
        self.now = NOW
        self.placing = True
        """The scheduler places gangs."""
        self.starting = True
        """Kubelets start pods that have nodes."""
        self._changed = asyncio.Event()
        kube.graceful = True
        kube.listeners.append(lambda change: self._changed.set())

    @classmethod
    @asynccontextmanager
    async def start(cls, *, nodes: int = 4) -> AsyncIterator[Self]:
        async with DescribingKube.start() as kube:
            for each in POOLS:
                manifest = each.model_dump(by_alias=True, mode="json", exclude_none=True)
                kube.put({**manifest, "metadata": {"name": each.name}})
            for number in range(nodes):
                kube.put({"kind": "Node", "metadata": {"name": f"node-{number}"}, "status": _READY})
            yield cls(kube)

    @asynccontextmanager
    async def operator(self, directory: Path, **options: Any) -> AsyncIterator["asyncio.Task[None]"]:
        """The operator process for as long as the context lasts; cancelled at its end."""
        chosen = OperatorOptions(kubeconfig=self.kube.kubeconfig(directory), listen=None, **options)
        task = asyncio.create_task(run_operator(chosen))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def until(self, holds: Callable[[], object]) -> None:
        """Returns once it holds; everybody does their part meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self.act()
                if holds():
                    return
                self._changed.clear()
                await self._changed.wait()

    async def writes(self, count: int) -> None:
        """Returns after so many more changes of objects."""
        until = self.kube._objects.version + count
        await self.until(lambda: self.kube._objects.version >= until)

    # --- looking

    def status(self, name: str, resource: Resource = TRAININGJOBS) -> Json:
        manifest = self.kube.object(resource, "team-a", name)
        return dict(manifest.get("status", {})) if manifest else {}

    def phase(self, name: str, resource: Resource = TRAININGJOBS) -> str | None:
        return self.status(name, resource).get("phase")

    def service_phase(self, name: str) -> str | None:
        return self.phase(name, INFERENCESERVICES)

    def pods(self, phase: str | None = None) -> list[Json]:
        pods = self.kube.objects(PODS, "team-a")
        return sorted(
            (pod for pod in pods if phase in (None, pod["status"]["phase"])),
            key=lambda pod: pod["metadata"]["name"],
        )

    # --- acting

    def act(self) -> None:
        """The scheduler and the kubelets do what there is to do."""
        if self.placing:
            self._place()
        for pod in self.pods():
            name = pod["metadata"]["name"]
            if "deletionTimestamp" in pod["metadata"]:
                self.kube.remove(PODS, "team-a", name)
            elif self.starting and "nodeName" in pod["spec"] and pod["status"]["phase"] == "Pending":
                ready = {"type": "Ready", "status": "True"}
                conditions = [*pod["status"].get("conditions", []), ready]
                status = {"phase": "Running", "conditions": conditions}
                self.kube.change(PODS, "team-a", name, {"status": status})

    def _place(self) -> None:
        for group in self.kube.objects(PODGROUPS, "team-a"):
            name = group["metadata"]["name"]
            members = [
                pod
                for pod in self.pods()
                if pod["metadata"]["labels"].get(LABEL_POD_GROUP) == name
                and "deletionTimestamp" not in pod["metadata"]
            ]
            waiting = [pod for pod in members if "nodeName" not in pod["spec"]]
            if waiting and len(members) >= group["spec"]["minMember"]:
                for place, pod in enumerate(waiting):
                    self._bind(pod["metadata"]["name"], f"node-{place % 4}")
                status = {"phase": "Scheduled", "scheduledTime": to_rfc3339(self.now)}
                self.kube.change(PODGROUPS, "team-a", name, {"status": status})

    def _bind(self, pod: str, node: str) -> None:
        condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": to_rfc3339(self.now)}
        patch = {"spec": {"nodeName": node}, "status": {"conditions": [condition]}}
        self.kube.change(PODS, "team-a", pod, patch)

    def end(self, pod: str, exit_code: int = 0) -> None:
        """The pod's container ends."""
        reason = "Error" if exit_code else "Completed"
        state = {"terminated": {"exitCode": exit_code, "reason": reason, "finishedAt": to_rfc3339(self.now)}}
        status = {
            "phase": "Failed" if exit_code else "Succeeded",
            "containerStatuses": [{"name": "train", "state": state}],
        }
        self.kube.change(PODS, "team-a", pod, {"status": status})

    def end_all(self) -> None:
        for pod in self.pods("Running"):
            self.end(pod["metadata"]["name"])

    def finishes(self, job: str) -> bool:
        """Whether the job is at its end; wherever it runs, its workers come to theirs."""
        if self.phase(job) == "Running":
            self.end_all()
        return self.phase(job) in ("Succeeded", "Failed")


_READY = {"conditions": [{"type": "Ready", "status": "True"}]}
