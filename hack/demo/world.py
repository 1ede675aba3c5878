"""What the demo has seen of the cluster: the fields it shows, kept current by watches."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from powertrain_operator.api.cluster import Metadata, Node, Pod
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.reflector import Reflector
from powertrain_operator.kube.resources import (
    ACCELERATORPOOLS,
    INFERENCESERVICES,
    NODES,
    PODS,
    TRAININGJOBS,
    Resource,
)


class _Read(msgspec.Struct, frozen=True, rename="camel"):
    """Base of the structs here: only what is shown."""


class WorkloadStatus(_Read, frozen=True):
    """What TrainingJob and InferenceService have in common."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    workers: str = ""
    """A TrainingJob's ready and wanted workers, `3/4`."""
    ready: str | int = ""
    """An InferenceService's ready and wanted replicas, `2/3`."""
    estimated_start: datetime | None = None


class Workload(_Read, frozen=True):
    """A TrainingJob or an InferenceService."""

    metadata: Metadata
    kind: str = ""
    status: WorkloadStatus = WorkloadStatus()

    @property
    def ready(self) -> str:
        """Ready and wanted, `3/4`; empty before the operator has looked at it."""
        return self.status.workers or (self.status.ready if isinstance(self.status.ready, str) else "")


class PoolSpec(_Read, frozen=True):
    accelerator: str
    resource_name: str
    topology_levels: tuple[str, ...] = ()


class PoolStatus(_Read, frozen=True):
    phase: str = ""
    message: str = ""
    nodes: int = 0
    devices: int = 0
    allocated: int = 0
    watts: float | None = None
    kilowatt_hours: float | None = None


class Pool(_Read, frozen=True):
    metadata: Metadata
    spec: PoolSpec
    status: PoolStatus = PoolStatus()


class TookTooLong(Exception):
    """What was waited for did not come within its bound; the text says what."""


class World:
    """The objects by key, and a way to wait until they are as expected."""

    def __init__(self) -> None:
        self.workloads: Mapping[str, Mapping[str, Workload]] = {}
        """By kind's plural, then by `namespace/name`."""
        self.pods: Mapping[str, Pod] = {}
        self.nodes: Mapping[str, Node] = {}
        self.pools: Mapping[str, Pool] = {}
        self.changed = asyncio.Event()

    def all_workloads(self) -> list[Workload]:
        """Oldest first."""
        found = [workload for kind in self.workloads.values() for workload in kind.values()]
        return sorted(found, key=lambda each: (_created(each.metadata), each.metadata.name))

    def workload(self, name: str) -> Workload | None:
        return next((each for each in self.all_workloads() if each.metadata.name == name), None)

    async def until(
        self, reached: Callable[["World"], bool], seconds: float, what: str, alive: Callable[[], None]
    ) -> None:
        """Return once `reached`; `alive` raises when there is no point in waiting on."""
        deadline = time.monotonic() + seconds
        while not reached(self):
            alive()
            if time.monotonic() > deadline:
                raise TookTooLong(f"{what}: not within {seconds:.0f} s")
            self.changed.clear()
            try:
                async with asyncio.timeout(0.2):
                    await self.changed.wait()
            except TimeoutError:
                pass


@asynccontextmanager
async def watched(client: Client, namespace: str) -> AsyncIterator[World]:
    """The world, kept current while inside."""
    world = World()

    def follow(resource: Resource, type: type[Any], within: str | None = None) -> Reflector[Any]:
        return Reflector(client, resource, type, namespace=within, on_change=lambda *_: world.changed.set())

    jobs, services = (follow(kind, Workload, namespace) for kind in (TRAININGJOBS, INFERENCESERVICES))
    pods, nodes, pools = follow(PODS, Pod, namespace), follow(NODES, Node), follow(ACCELERATORPOOLS, Pool)
    world.workloads = {"trainingjobs": jobs.store, "inferenceservices": services.store}
    world.pods, world.nodes, world.pools = pods.store, nodes.store, pools.store
    reflectors = (jobs, services, pods, nodes, pools)
    tasks = [asyncio.create_task(reflector.run()) for reflector in reflectors]
    try:
        async with asyncio.timeout(30):
            for reflector in reflectors:
                await reflector.synced.wait()
        yield world
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _created(metadata: Metadata) -> float:
    return metadata.creation_timestamp.timestamp() if metadata.creation_timestamp else 0.0
