"""What a cycle looks up again and again and that no placement changes: rows, accelerators, queues' ancestors.

Built once per cycle from the snapshot; sessions share it.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import columns, kinds
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.power import model
from powertrain_scheduler.snapshot import CPU, MEMORY, PODS, PodClass, Queue, Snapshot

Ints = NDArray[np.int64]
T = TypeVar("T")

EVERY_ROW = slice(None)

DEFAULTS = Policy()

DEFAULT_QUEUE = "default"
"""Implied, without quota, where no queue of this name exists."""


@dataclass(frozen=True, eq=False, slots=True)
class Traits:
    """A pod class as the fleet's arrays see it."""

    pod_class: PodClass
    number: int
    """Its place in `Fleet.every_traits()`."""
    columns: Ints
    """Columns of resources it requests."""
    amounts: Ints
    """How much of each of these."""
    vector: Ints
    """The whole row it adds to a node's `used`."""
    devices: Ints
    """Devices it takes of a node by the node's pool; the last entry, for nodes of no pool, is 0."""
    charges: Ints
    """Shape (pools + 1, kinds): what it takes of its queue's quota by the node's pool, nodes of no pool last.
    That its group runs is counted with the group (see `Change.groups`)."""
    charged: bool
    """Whether any of these is not 0."""
    requests: tuple[tuple[int, int], ...]
    """`columns` and `amounts` in pairs."""
    missing: str | None
    """A resource it requests that no node has."""
    device: str | None
    """The extended resource that tells how full a node is for it."""
    device_column: int
    taken: tuple[tuple[str, int], ...]
    """Extended resources it takes: (name, count), by name."""
    noticed: bool = False
    """Somebody's rules about other pods count these pods, or they keep others away."""
    heeding: bool = False
    """Where others are may matter to them: they have such rules, or somebody's rules pick them."""
    share: int = 0
    """Thousandths of one device that it takes beside these; 0: none."""
    share_column: int = -1
    """Column of that device's resource."""


class Fleet:
    """The snapshot's nodes, pools and queues by number."""

    def __init__(self, snapshot: Snapshot, policy: Policy = DEFAULTS) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.facts = snapshot.nodes
        self.size = len(self.facts.names)
        self.row_of = columns.row_of(self.facts)
        self.column_of = columns.column_of(self.facts)
        self.accelerators = kinds.accelerators(snapshot)
        self.kinds = (*self.accelerators, *kinds.others(snapshot))
        """What quotas count (see `kinds`), by number; accelerators have the numbers that they have among themselves."""
        number = {name: i for i, name in enumerate(self.accelerators)}
        self.accelerator_of_pool = [number[pool.accelerator] for pool in snapshot.pools]
        self.accelerator: Ints = np.array([*self.accelerator_of_pool, -1], dtype=np.int64)[self.facts.pool]
        """Per node, -1 outside every pool."""
        self.power = model.figures(snapshot.pools)
        column = np.array(
            [self.column_of.get(pool.resource, -1) for pool in snapshot.pools] + [-1], dtype=np.int64
        )
        self.device_column: Ints = column[self.facts.pool]
        """Per node, column of its pool's devices; -1 outside every pool."""
        self.every_row = np.arange(self.size)
        self.present = self.devices(self.facts.allocatable)
        """Per node, devices of its pool."""
        self.queues = _queues(snapshot)
        self.queue_list = tuple(self.queues.values())
        self.queue_row = {name: row for row, name in enumerate(self.queues)}
        self.parent_row = [self.queue_row.get(queue.parent or "") for queue in self.queue_list]
        self.ancestry = {name: _ancestry(name, self.queues, self.queue_row) for name in self.queues}
        """By queue name: its row, its parent's and so on up to the root's."""
        self.paths = {
            name: tuple(self.queue_list[row].name for row in rows) for name, rows in self.ancestry.items()
        }
        """The same by name."""
        pairs = [(row, above) for row, name in enumerate(self.queues) for above in self.ancestry[name]]
        self._lines: Ints = np.array(pairs, dtype=np.int64).T
        """Every queue with each of its ancestors, itself included: two rows."""
        self._traits: dict[int, Traits] = {}
        self._asked: list[PodClass] = []
        """Keeps the objects whose ids are known, so that no later one gets such an id."""
        self._by_value: dict[PodClass, Traits] = {}
        self._kept: dict[tuple[str, int], object] = {}
        self._numbers: dict[Hashable, int] = {}
        self._devices: dict[tuple[int, int], dict[str, int]] = {}

    def traits(self, pod_class: PodClass) -> Traits:
        """The class's arrays; equal classes share one object."""
        known = self._traits.get(id(pod_class))
        if known is None:
            known = self._by_value.get(pod_class)
            if known is None:
                known = self._by_value[pod_class] = self._build(pod_class)
            self._traits[id(pod_class)] = known
            self._asked.append(pod_class)
        return known

    def every_traits(self) -> list[Traits]:
        """All classes asked about so far, by number."""
        return list(self._by_value.values())

    def devices(self, amounts: Ints, rows: Ints | slice = EVERY_ROW) -> Ints:
        """For each of `rows`, how many of its pool's devices `amounts` (shape (nodes, resources)) holds."""
        column = self.device_column[rows]
        numbers = self.every_row[rows]
        return np.where(column >= 0, amounts[numbers, column], 0)

    def subtrees(self, own: Ints) -> Ints:
        """Sums over each queue's subtree of what the queues themselves have (shape (queues, kinds))."""
        sums = np.zeros_like(own)
        below, above = self._lines
        for kind in range(own.shape[1]):
            np.add.at(sums[:, kind], above, own[below, kind])
        return sums

    def devices_at(self, amounts: Ints, row: int) -> int:
        """The same for one node."""
        column = self.device_column.item(row)
        return amounts.item(row, column) if column >= 0 else 0

    def slots(self, column: int, row: int) -> dict[str, int]:
        """By name, the place that sessions give a split device of the resource among those of its node."""
        return self._devices.setdefault((column, row), {})

    def slot(self, column: int, row: int, name: str) -> int:
        """The device's place; the next one where it has none yet."""
        slots = self.slots(column, row)
        return slots.setdefault(name, len(slots))

    def number(self, key: Hashable) -> int:
        """A small number for the key, the same one for equal keys."""
        return self._numbers.setdefault(key, len(self._numbers))

    def keep(self, kind: str, number: int, build: Callable[[], T]) -> T:
        """What `build()` gives for the class or likeness of this number, worked out once a cycle."""
        key = (kind, number)
        if key not in self._kept:
            self._kept[key] = build()
        return cast(T, self._kept[key])

    def _build(self, pod_class: PodClass) -> Traits:
        request = {resource: amount for resource, amount in pod_class.request if amount > 0} | {PODS: 1}
        shared, share = pod_class.share or (None, 0)
        missing = sorted(
            {name for name in (*request, shared) if name is not None and name not in self.column_of}
        )
        vector = np.zeros(len(self.column_of), dtype=np.int64)
        for resource, amount in request.items():
            if resource in self.column_of:
                vector[self.column_of[resource]] = amount
        wanted = np.flatnonzero(vector)
        pools = self.snapshot.pools
        extended = tuple(sorted((name, amount) for name, amount in request.items() if "/" in name))
        pooled = {pool.resource for pool in pools}
        names = [name for name, _ in extended] + ([shared] if shared else [])
        device = min(names, key=lambda name: (name not in pooled, name), default=None)
        charges = self._charges(request, pod_class.share)
        return Traits(
            pod_class=pod_class,
            number=len(self._by_value),
            columns=wanted,
            amounts=vector[wanted],
            vector=vector,
            devices=np.array([request.get(pool.resource, 0) for pool in pools] + [0], dtype=np.int64),
            charges=charges,
            charged=bool(charges.any()),
            requests=tuple((int(column), int(vector[column])) for column in wanted),
            missing=missing[0] if missing else None,
            device=device,
            device_column=self.column_of.get(device, -1) if device else -1,
            taken=extended,
            share=share if shared in self.column_of else 0,
            share_column=self.column_of.get(shared or "", -1),
            noticed=bool(pod_class.matched or pod_class.apart),
            heeding=any(
                (pod_class.matched, pod_class.near, pod_class.apart, pod_class.drawn, pod_class.spread)
            ),
        )

    def _charges(self, request: dict[str, int], share: tuple[str, int] | None) -> Ints:
        pools = self.snapshot.pools
        charges = np.zeros((len(pools) + 1, len(self.kinds)), dtype=np.int64)
        for at, (pool, accelerator) in enumerate(zip(pools, self.accelerator_of_pool, strict=True)):
            part = share[1] if share is not None and share[0] == pool.resource else 0
            charges[at, accelerator] = kinds.DEVICE * request.get(pool.resource, 0) + part
        for number, kind in enumerate(self.kinds):
            if kind in (CPU, MEMORY):
                charges[:, number] = request.get(kind, 0)
        return charges


def _queues(snapshot: Snapshot) -> dict[str, Queue]:
    """The snapshot's queues in name order, with those that groups name but nobody made: these limit nothing."""
    named = {group.queue for group in snapshot.groups.values()} | {DEFAULT_QUEUE}
    implied = {name: Queue(name) for name in named if name not in snapshot.queues}
    return dict(sorted({**snapshot.queues, **implied}.items()))


def _ancestry(name: str, queues: dict[str, Queue], row: dict[str, int]) -> tuple[int, ...]:
    seen: list[str] = []
    at: str | None = name
    while at is not None and at in queues and at not in seen:
        seen.append(at)
        at = queues[at].parent
    return tuple(row[each] for each in seen)
