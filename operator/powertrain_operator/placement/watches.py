"""The reflectors that feed the cache, on the leader and on standbys alike.

Volume claims and volumes are followed only once some pod mounts a claim: most clusters' pods that we
place mount none, and their lists can be long. Namespaces are followed once a pod picks some by their labels.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from powertrain_operator.api.cluster import PodGroupView
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.reflector import Reflector
from powertrain_operator.kube.resources import (
    ACCELERATORPOOLS,
    NAMESPACES,
    NODES,
    PODGROUPS,
    PODS,
    QUEUES,
    Resource,
)

from .cache import Cache
from .translate import views

T = TypeVar("T")
OnChange = Callable[[str, T | None, T | None], None]
GroupSeen = Callable[[str, PodGroupView | None], None]

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)


class Watches:
    """Everything placement follows; `notify` is called after each change that was taken in."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self.notify: Callable[[], None] = _nobody
        self.group_seen: GroupSeen = _nothing
        self._client = client
        self._cache = cache
        self._claims_wanted = asyncio.Event()
        self._namespaces_wanted = asyncio.Event()
        self._groups = self._follow(PODGROUPS, PodGroupView, self._on_group)
        self._queues = self._follow(QUEUES, views.Queue, cache.on_queue)
        self._pools = self._follow(ACCELERATORPOOLS, views.AcceleratorPool, cache.on_pool)
        self._needed: list[Reflector[Any]] = [
            self._pools,
            self._queues,
            self._follow(NODES, views.Node, cache.on_node),
            self._groups,
            self._follow(PODS, views.Pod, self._on_pod),
        ]

    @property
    def groups(self) -> Mapping[str, PodGroupView]:
        """PodGroup objects by `namespace/name`."""
        return self._groups.store

    @property
    def queues(self) -> Mapping[str, views.Queue]:
        """Queue objects by name."""
        return self._queues.store

    @property
    def pools(self) -> Mapping[str, views.AcceleratorPool]:
        """AcceleratorPool objects by name."""
        return self._pools.store

    @property
    def trouble(self) -> str | None:
        """What is not known yet, as a sentence; None once everything was listed."""
        behind = [reflector for reflector in self._needed if not reflector.synced.is_set()]
        if not behind:
            return None
        return behind[0].trouble or "the first lists of the API server are not in yet"

    def ignore(self) -> None:
        """Nobody acts on what is followed any more."""
        self.notify, self.group_seen = _nobody, _nothing

    async def synced(self) -> None:
        """Returns once everything was listed."""
        for reflector in self._needed:
            await reflector.synced.wait()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._needed:
                group.create_task(reflector.run())
            group.create_task(self._follow_claims())
            group.create_task(self._follow_namespaces())

    async def _follow_claims(self) -> None:
        await self._claims_wanted.wait()
        claims = self._follow(CLAIMS, views.PersistentVolumeClaim, self._cache.on_claim)
        volumes = self._follow(VOLUMES, views.PersistentVolume, self._cache.on_volume)
        classes = self._follow(STORAGE_CLASSES, views.StorageClass, self._cache.on_storage_class)
        async with asyncio.TaskGroup() as group:
            for each in (claims, volumes, classes):
                group.create_task(each.run())
            for each in (claims, volumes, classes):
                await each.synced.wait()
            self._cache.claims_read()
            self.notify()

    async def _follow_namespaces(self) -> None:
        await self._namespaces_wanted.wait()
        namespaces = self._follow(NAMESPACES, views.Namespace, self._cache.on_namespace)
        async with asyncio.TaskGroup() as group:
            group.create_task(namespaces.run())
            await namespaces.synced.wait()
            self._cache.namespaces_read()
            self.notify()

    def _follow(self, resource: Resource, type: type[T], on_change: OnChange[T]) -> Reflector[T]:
        def changed(key: str, before: T | None, after: T | None) -> None:
            on_change(key, before, after)
            self.notify()

        return Reflector(self._client, resource, type, on_change=changed)

    def _on_group(self, key: str, before: PodGroupView | None, after: PodGroupView | None) -> None:
        self._cache.on_group(key, before, after)
        self.group_seen(key, after)

    def _on_pod(self, key: str, before: views.Pod | None, after: views.Pod | None) -> None:
        self._cache.on_pod(key, before, after)
        if self._cache.claims.wanted:
            self._claims_wanted.set()
        if self._cache.neighbours.namespaces_wanted:
            self._namespaces_wanted.set()


def _nobody() -> None:
    """Nobody acts on changes: another process leads."""


def _nothing(key: str, view: PodGroupView | None) -> None:
    """Nobody writes statuses: another process leads."""
