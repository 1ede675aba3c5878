"""The kept node table: facts built anew when one changes, used amounts kept row by row.

Facts change rarely and are rebuilt whole at the next look (a few milliseconds for thousands of
nodes). What pods use changes all the time: one pod is one row's addition or subtraction.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from powertrain_scheduler.snapshot import CPU, MEMORY, PODS, HostPort, NodeFacts, PodClass

from ..translate.nodes import NodeFact
from ..translate.objects import PoolFact
from ..translate.pods import PodFact
from .shares import Shares, Whole

Table = NDArray[np.int64]
_FIRST = (PODS, CPU, MEMORY)


class NodeTable:
    """Nodes by row, resources by column, and the amounts that pods hold there."""

    def __init__(self) -> None:
        self.facts: dict[str, NodeFact] = {}
        self.strangers: set[str] = set()
        """Pods that hold a node which is not there."""
        self.taken: dict[str, int] = {}
        """By pool: nodes that it selects but that belong to a pool before it. Pools should not overlap."""
        self._stale = True
        self._moved = True
        self._built = _build({}, ())
        self._used = self._leaving = np.zeros((0, len(_FIRST)), dtype=np.int64)
        self.rows: dict[str, int] = {}
        """By node name. Read only."""
        self._columns: dict[str, int] = {}
        self._vectors: dict[int, tuple[PodClass, Table]] = {}
        """By the class's id, which stays its own as long as the class is kept beside it."""
        self.shares = Shares()
        self._ports: dict[str, dict[str, tuple[HostPort, ...]]] = {}

    def put(self, name: str, fact: NodeFact | None) -> bool:
        """Take a node's facts in, or forget it; True where they changed."""
        if self.facts.get(name) == fact:
            return False
        if fact is None:
            del self.facts[name]
        else:
            self.facts[name] = fact
        self._stale = True
        return True

    def pools_changed(self) -> None:
        """The pools are others now, so a node may belong to another one."""
        self._stale = True

    def add(self, pod: PodFact) -> None:
        """Count a pod on its node."""
        if pod.pod_class.host_ports:
            self._ports.setdefault(pod.node, {})[pod.key] = pod.pod_class.host_ports
        self._count(pod, 1)

    def remove(self, pod: PodFact) -> None:
        """Count it no more; the fact must be the one that was added."""
        if pod.pod_class.host_ports:
            del self._ports[pod.node][pod.key]
        self._count(pod, -1)

    def refresh(self, pods: Iterable[PodFact], pools: Sequence[PoolFact]) -> bool:
        """Bring everything up to date; True where anything changed since the last call.

        `pods` are all that hold a node, `pools` all that a node may belong to, in their order.
        """
        changed = self._stale or self._moved
        if self._stale:
            self._rebuild(pods, pools)
        self._moved = False
        return changed

    def tables(self) -> tuple[NodeFacts, Table, Table, Mapping[str, frozenset[HostPort]]]:
        """Facts, used, leaving and host ports by node: copies that no later event changes."""
        return self._built, _frozen(self._used), _frozen(self._leaving), self._claimed()

    def _rebuild(self, pods: Iterable[PodFact], pools: Sequence[PoolFact]) -> None:
        self._built = _build(self.facts, pools)
        self.taken = _taken(self.facts.values(), pools) if len(pools) > 1 else {}
        self.rows = {name: row for row, name in enumerate(self._built.names)}
        self._columns = {resource: column for column, resource in enumerate(self._built.resources)}
        self._vectors = {}
        self._used = np.zeros_like(self._built.allocatable)
        self._leaving = np.zeros_like(self._built.allocatable)
        self.strangers = set()
        self.shares.clear()
        self._stale = False
        for pod in pods:
            self._count(pod, 1)

    def _count(self, pod: PodFact, sign: int) -> None:
        self._moved = True
        if self._stale:  # all are counted again at the next refresh
            return
        row = self.rows.get(pod.node)
        if row is None:
            (self.strangers.add if sign > 0 else self.strangers.discard)(pod.key)
            return
        vector = self._vector(pod.pod_class) if sign > 0 else -self._vector(pod.pod_class)
        self._used[row] += vector
        if pod.leaving:
            self._leaving[row] += vector
        if pod.pod_class.share is not None:
            self._count_share(row, pod.pod_class.share[0], self.shares.count(pod, sign))

    def _count_share(self, row: int, resource: str, whole: Whole) -> None:
        """A device of which somebody has a share counts as used whole."""
        if (column := self._columns.get(resource)) is not None:
            self._used[row, column] += whole.used
            self._leaving[row, column] += whole.leaving

    def _vector(self, pod_class: PodClass) -> Table:
        """The class's request by column; what no node offers has no column and cannot be used up."""
        if (known := self._vectors.get(id(pod_class))) is not None:
            return known[1]
        vector = np.zeros(len(self._columns), dtype=np.int64)
        for resource, amount in pod_class.request:
            if (column := self._columns.get(resource)) is not None:
                vector[column] = amount
        self._vectors[id(pod_class)] = (pod_class, vector)
        return vector

    def _claimed(self) -> Mapping[str, frozenset[HostPort]]:
        held = ((node, pods) for node, pods in self._ports.items() if pods)
        return {node: frozenset(port for ports in pods.values() for port in ports) for node, pods in held}


def _build(facts: Mapping[str, NodeFact], pools: Sequence[PoolFact]) -> NodeFacts:
    rows = [facts[name] for name in sorted(facts)]
    offered = sorted({resource for fact in rows for resource in fact.allocatable} - set(_FIRST))
    resources = (*_FIRST, *offered)
    amounts = [[fact.allocatable.get(resource, 0) for resource in resources] for fact in rows]
    return NodeFacts(
        names=tuple(fact.name for fact in rows),
        resources=resources,
        allocatable=_frozen(np.array(amounts, dtype=np.int64).reshape(len(rows), len(resources))),
        schedulable=_mask([fact.ready for fact in rows]),
        labels=tuple(fact.labels for fact in rows),
        taints=tuple(fact.taints for fact in rows),
        pool=np.array([_pool_of(fact, pools) for fact in rows], dtype=np.int32),
        ready=None if all(fact.reports for fact in rows) else _mask([fact.reports for fact in rows]),
    )


def _mask(answers: list[bool]) -> NDArray[np.bool_]:
    return np.array(answers, dtype=np.bool_)


def _pool_of(fact: NodeFact, pools: Sequence[PoolFact]) -> int:
    """The first pool that selects it: pools should not overlap, and their order does not change."""
    labels = fact.labels.items()
    return next((index for index, pool in enumerate(pools) if pool.selector.items() <= labels), -1)


def _taken(facts: Iterable[NodeFact], pools: Sequence[PoolFact]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for fact in facts:
        labels = fact.labels.items()
        for other in [each.pool.name for each in pools if each.selector.items() <= labels][1:]:
            counts[other] = counts.get(other, 0) + 1
    return counts


def _frozen(table: Table) -> Table:
    copy = table.copy()
    copy.flags.writeable = False
    return copy
