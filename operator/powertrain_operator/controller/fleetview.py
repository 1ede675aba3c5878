"""The nodes, pools and queues that all objects share, kept ready for reconcilers."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from powertrain_operator.api import AcceleratorPool, InvalidObject, parse
from powertrain_operator.controller.keys import Key
from powertrain_operator.reconcile import Fleet, NodeHealth
from powertrain_operator.reconcile.views import Condition

_log = logging.getLogger(__name__)

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""Set by an administrator who knows that the node is down for good."""


class NodeMetadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""


class NodeTaint(msgspec.Struct, frozen=True, gc=False):
    key: str


class NodeSpec(msgspec.Struct, frozen=True, gc=False):
    taints: tuple[NodeTaint, ...] = ()


class NodeStatus(msgspec.Struct, frozen=True, gc=False):
    conditions: tuple[Condition, ...] = ()


class Node(msgspec.Struct, frozen=True, gc=False):
    """What says whether a node's pods can be believed."""

    metadata: NodeMetadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


def health_of(node: Node | None) -> NodeHealth:
    if node is None or any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints):
        return NodeHealth.GONE
    ready = next((each.status for each in node.status.conditions if each.type == "Ready"), "True")
    return NodeHealth.READY if ready == "True" else NodeHealth.UNREADY


class NodeView:
    """Health by node name, and who has pods there. Nodes without our pods are forgotten when they go."""

    def __init__(self, changed: Callable[[Key], None]) -> None:
        self.health: dict[str, NodeHealth] = {}
        self._changed = changed
        self._owners: dict[str, dict[str, Key]] = defaultdict(dict)

    def on_change(self, name: str, old: Node | None, new: Node | None) -> None:
        before, after = self.health.get(name), health_of(new)
        if new is None and name not in self._owners:
            self.health.pop(name, None)
            return
        self.health[name] = after
        if before is not None and before != after:
            for key in set(self._owners.get(name, {}).values()):
                self._changed(key)

    def moved(self, pod: str, old: str, new: str, key: Key) -> None:
        """A pod of the object `key` has left one node for another; empty names are no node."""
        if old and old != new:
            owners = self._owners.get(old, {})
            owners.pop(pod, None)
            if not owners:
                self._owners.pop(old, None)
                if self.health.get(old) == NodeHealth.GONE:
                    del self.health[old]
        if new:
            self._owners[new][pod] = key


class PoolView:
    """Pools and queues as models. `changed` is called when what they offer has changed, not their figures."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._pools: dict[str, AcceleratorPool] = {}
        self._queues: set[str] = set()

    def on_pool(self, name: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        before, after = self._pools.get(name), _pool(new)
        if after is None:
            self._pools.pop(name, None)
        else:
            self._pools[name] = after
        if _offer(before) != _offer(after):
            self._changed()

    def on_queue(self, name: str, old: object | None, new: object | None) -> None:
        if new is None:
            self._queues.discard(name)
        elif name not in self._queues:
            self._queues.add(name)
            self._changed()

    def fleet(self, nodes: NodeView) -> Fleet:
        pools: Iterable[AcceleratorPool] = (self._pools[name] for name in sorted(self._pools))
        return Fleet(tuple(pools), frozenset(self._queues), nodes.health)


def _pool(manifest: dict[str, Any] | None) -> AcceleratorPool | None:
    if manifest is None:
        return None
    try:
        found = parse(manifest)
    except InvalidObject as invalid:
        _log.warning("the pool is left out: %s", invalid)
        return None
    return found if isinstance(found, AcceleratorPool) else None


def _offer(pool: AcceleratorPool | None) -> object:
    if pool is None:
        return None
    status = pool.status
    return pool.spec, (status.phase, status.message) if status and status.phase == "Invalid" else None
