"""What is likely to come, as far as it tells good nodes from bad: CPU and memory a device, shares, models asked for.

From what the snapshot expects, else from the pods that are here, placed and waiting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import columns, fit
from powertrain_scheduler.fleet import Fleet, Traits
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.scores import prices
from powertrain_scheduler.snapshot import CPU, MEMORY, PodClass

Floats = NDArray[np.float64]

_GRAIN = 100
"""Parts of all shares that their numbers are rounded to, so that prices hold from cycle to cycle."""


@dataclass(frozen=True, eq=False, slots=True)
class Workload:
    """Averages over the pods expected, by how many of each kind."""

    cpu: float
    """Thousandths of a core that go with a thousandth of a device; 0: nobody asks for devices."""
    memory: float
    """Bytes that go with it."""
    scarce: Floats
    """By pool, the part of all work that can use no other pools of the resource, over the pool's part of all
    devices: at most 1. The last entry, for nodes of no pool, is 0."""
    waste: Mapping[int, Floats] = field(default_factory=dict)
    """By column of the devices shared, `prices.waste`."""

    @property
    def indifferent(self) -> bool:
        """Whether it tells no node from another."""
        return not (self.cpu or self.memory or self.waste or self.scarce.any())


def of(fleet: Fleet) -> Workload:
    """What is likely to come, worked out once a cycle."""
    return fleet.keep("workload", 0, lambda: _workload(fleet))


def _workload(fleet: Fleet) -> Workload:
    asked = [(traits, number, _devices(traits)) for traits, number in expected(fleet)]
    asked = [each for each in asked if each[2] and each[0].missing is None]
    total = sum(number * devices for _, number, devices in asked)
    if not total:
        return Workload(0.0, 0.0, np.zeros(len(fleet.snapshot.pools) + 1))
    cpu, memory = fleet.column_of[CPU], fleet.column_of[MEMORY]
    return Workload(
        sum(number * traits.vector.item(cpu) for traits, number, _ in asked) / total,
        sum(number * traits.vector.item(memory) for traits, number, _ in asked) / total,
        _scarce(fleet, asked) if len(fleet.snapshot.pools) > 1 else np.zeros(len(fleet.snapshot.pools) + 1),
        _waste(fleet, asked),
    )


def expected(fleet: Fleet) -> Iterator[tuple[Traits, float]]:
    """Classes likely to come, and how many of each among all."""
    if fleet.snapshot.expected:
        for pod_class, number in fleet.snapshot.expected:
            yield fleet.traits(pod_class), number
        return
    counts: dict[int, int] = {}
    known: dict[int, PodClass] = {}
    last: PodClass | None = None
    pods_alike = 0  # mostly one like the one before: told apart by identity alone
    for group in fleet.snapshot.groups.values():
        for pods in (group.placed, group.waiting):
            if pods:  # a group's pods are mostly alike, and this is an average
                pod_class = pods[0].pod_class
                if pod_class is not last:
                    _count(counts, known, last, pods_alike)
                    last, pods_alike = pod_class, 0
                pods_alike += len(pods)
    _count(counts, known, last, pods_alike)
    for each, number in counts.items():
        yield fleet.traits(known[each]), float(number)


def _count(counts: dict[int, int], known: dict[int, PodClass], last: PodClass | None, number: int) -> None:
    if last is not None:
        known[id(last)] = last
        counts[id(last)] = counts.get(id(last), 0) + number


def _devices(traits: Traits) -> int:
    """Thousandths of devices that a pod takes."""
    return DEVICE * sum(n for column, n in traits.requests if column == traits.device_column) + traits.share


def _waste(fleet: Fleet, asked: list[tuple[Traits, float, int]]) -> dict[int, Floats]:
    by_column: dict[int, dict[int, float]] = {}
    for traits, number, _ in asked:
        if traits.share:
            sizes = by_column.setdefault(traits.share_column, {})
            sizes[traits.share] = sizes.get(traits.share, 0.0) + number
    return {column: _kept(fleet, sizes) for column, sizes in by_column.items()}


def _kept(fleet: Fleet, sizes: dict[int, float]) -> Floats:
    every = sum(sizes.values())
    parts = {size: max(1, round(number * _GRAIN / every)) for size, number in sizes.items()}
    rounded = dict(sorted((size, float(part)) for size, part in parts.items()))
    return columns.remember(fleet.facts, ("waste", tuple(rounded.items())), lambda: prices.waste(rounded))


def _scarce(fleet: Fleet, asked: list[tuple[Traits, float, int]]) -> Floats:
    """Pools of different resources do not compete: nobody could take the one for the other."""
    pools, of_node = fleet.snapshot.pools, fleet.facts.pool
    scarce = np.zeros(len(pools) + 1)
    for resource in sorted({traits.device for traits, _, _ in asked if traits.device}):
        able = np.where(of_node >= 0, fleet.facts.allocatable[:, fleet.column_of[resource]], 0)
        there = np.bincount(of_node + 1, weights=able, minlength=len(scarce))[1:]
        mine = [each for each in asked if each[0].device == resource]
        pinned = np.zeros(len(there))
        for traits, number, devices in mine:
            may = np.unique(of_node[fit.may(fleet, traits) & (able > 0)])
            of_these = np.where(np.isin(np.arange(len(there)), may), there, 0.0)
            if 0 < np.count_nonzero(of_these) < np.count_nonzero(there):
                pinned += number * devices * of_these / of_these.sum()
        total = sum(number * devices for _, number, devices in mine)
        part = np.maximum(there / max(float(there.sum()), 1.0), 1e-12)
        scarce[:-1] += np.where(there > 0, np.minimum(pinned / total / part, 1.0), 0.0)
    return scarce
