"""What is known of the cluster: one reflector a kind, and children sorted by their owners."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from powertrain_operator.api.names import LABEL_MANAGED_BY, MANAGED_BY
from powertrain_operator.controller.expectations import Expectations
from powertrain_operator.controller.fleetview import Node, NodeView, PoolView
from powertrain_operator.controller.keys import Key
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.reflector import Reflector
from powertrain_operator.kube.resources import (
    ACCELERATORPOOLS,
    NODES,
    PODGROUPS,
    PODS,
    QUEUES,
    SERVICES,
    Resource,
)
from powertrain_operator.reconcile import Fleet
from powertrain_operator.reconcile.views import Labels, Metadata, Pod, PodGroup, Service

C = TypeVar("C", Pod, PodGroup, Service)


def owner_of(labels: Labels, namespace: str) -> Key | None:
    """The object a child was made for, by its labels."""
    if labels.job:
        return Key("TrainingJob", namespace, labels.job)
    return Key("InferenceService", namespace, labels.service) if labels.service else None


class Children(Generic[C]):
    """The children of one kind, by owner and by name."""

    def __init__(self, kind: str, changed: Callable[[str, Any, Any], None]) -> None:
        self.kind = kind
        self.by_name: dict[tuple[str, str], C] = {}
        self._changed = changed
        self._by_owner: dict[Key, dict[str, C]] = defaultdict(dict)

    def of(self, key: Key) -> Iterable[C]:
        return self._by_owner[key].values() if key in self._by_owner else ()

    def on_change(self, name: str, old: C | None, new: C | None) -> None:
        if old is not None:
            self._leave(old)
        if new is not None:
            self.by_name[new.metadata.namespace, new.metadata.name] = new
            if (owner := owner_of(new.metadata.labels, new.metadata.namespace)) is not None:
                self._by_owner[owner][new.metadata.name] = new
        self._changed(self.kind, old, new)

    def _leave(self, old: C) -> None:
        metadata = old.metadata
        self.by_name.pop((metadata.namespace, metadata.name), None)
        owner = owner_of(metadata.labels, metadata.namespace)
        if owner is not None and owner in self._by_owner:
            self._by_owner[owner].pop(metadata.name, None)
            if not self._by_owner[owner]:
                del self._by_owner[owner]


class Stores:
    """`changed` is called with the key of an object whose children or nodes have changed, `offers_changed`
    when pools or queues have, `name_freed` with the namespace in which a child's name has become free.
    """

    def __init__(
        self,
        client: Client,
        namespace: str | None,
        expectations: Expectations,
        *,
        changed: Callable[[Key], None],
        offers_changed: Callable[[], None],
        name_freed: Callable[[str], None],
    ) -> None:
        self.pods: Children[Pod] = Children("Pod", self._child_changed)
        self.groups: Children[PodGroup] = Children("PodGroup", self._child_changed)
        self.services: Children[Service] = Children("Service", self._child_changed)
        self._expectations = expectations
        self._changed = changed
        self._name_freed = name_freed
        self._nodes = NodeView(changed)
        self._offers = PoolView(offers_changed)
        self._reflectors = self._follow(client, namespace)

    def _follow(self, client: Client, namespace: str | None) -> list[Reflector[Any]]:
        """PodGroups and Services of others are followed too: their names may be in our way."""

        def follow(
            resource: Resource, type: type[Any], on_change: Any, labels: str | None = None
        ) -> Reflector[Any]:
            where = namespace if resource.namespaced else None
            return Reflector(client, resource, type, on_change=on_change, namespace=where, labels=labels)

        return [
            follow(NODES, Node, self._nodes.on_change),
            follow(ACCELERATORPOOLS, dict, self._offers.on_pool),
            follow(QUEUES, dict, self._offers.on_queue),
            follow(SERVICES, Service, self.services.on_change),
            follow(PODGROUPS, PodGroup, self.groups.on_change),
            follow(PODS, Pod, self.pods.on_change, f"{LABEL_MANAGED_BY}={MANAGED_BY}"),
        ]

    async def run(self) -> None:
        """Follow the cluster until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Returns once every kind has been listed."""
        for reflector in self._reflectors:
            await reflector.synced.wait()

    @property
    def trouble(self) -> str | None:
        """Why the stores are not, or may not be, up to date."""
        for reflector in self._reflectors:
            if not reflector.synced.is_set():
                return reflector.trouble or "not all kinds have been listed yet"
        return None

    def fleet(self) -> Fleet:
        return self._offers.fleet(self._nodes)

    def _child_changed(self, kind: str, old: Any, new: Any) -> None:
        metadata: Metadata = (new or old).metadata
        self._expectations.saw((kind, metadata.namespace, metadata.name), new)
        key = owner_of(metadata.labels, metadata.namespace)
        if kind == "Pod" and key is not None:
            nodes = [each.spec.node_name if each is not None else "" for each in (old, new)]
            self._nodes.moved(f"{metadata.namespace}/{metadata.name}", nodes[0], nodes[1], key)
        if new is None:
            self._name_freed(metadata.namespace)
        if key is not None:
            self._changed(key)
