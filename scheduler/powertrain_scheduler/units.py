"""What could be evicted, in units that leave together, in the order in which they would be missed least.

A gang's minimum is one unit: it leaves whole or stays. What is beyond the minimum leaves by itself, pod
by pod or, of a gang of parts, a whole optional part, and goes before any minimum of the same priority.
Then the lowest priority goes first, then the least work lost, then the least energy wasted, then the
youngest, then the smallest. Who may not be evicted, or not yet, is no unit.
"""

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import minimum
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.holdings import Holdings
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.snapshot import CPU, PodGroup

Floats = NDArray[np.float64]
ALONE, PART, CORE = 0, 1, 2
"""Tiers: a pod beyond every minimum, an optional part, the minimum of the whole gang."""
CORES_PER_DEVICE = 100
"""Work without devices is weighed by its CPU: about the ratio of what an hour of each costs."""


class Units:
    """Columns over the units; `of[i]` is the unit of the i-th pod of the holdings, -1 where it stays."""

    def __init__(self, holdings: Holdings, now: float) -> None:
        self.holdings = holdings
        self.of, self.group, self.tier, self.along = _split(holdings)
        self._drop_protected(now)
        groups = holdings.groups
        self.core: Mask = self.tier == CORE
        """Whether it is a gang's minimum."""
        self.queue: Ints = holdings.queue[self.group]
        self.priority: Ints = np.array([group.priority for group in groups], dtype=np.int64)[self.group]
        self.lowest: Ints = np.full(len(holdings.fleet.queue_list), np.iinfo(np.int64).max)
        """By queue row, the lowest priority of a unit of its own."""
        np.minimum.at(self.lowest, self.queue, self.priority)
        self.owner: Mask = self.lowest < np.iinfo(np.int64).max
        """By queue row, whether any unit is its own."""
        mine = np.flatnonzero(self.of >= 0)
        self.charges: Ints = np.zeros((len(self.group), len(holdings.fleet.kinds)), dtype=np.int64)
        """What it takes of its queue's quota, by kind."""
        for kind, charges in enumerate(holdings.charges[mine].T):
            np.add.at(self.charges[:, kind], self.of[mine], charges)
        seconds = np.array([_at_risk(group, now) for group in groups], dtype=np.float64)[self.group]
        devices, watts = self._work(mine)
        self.size: Floats = devices
        """Devices that it holds, or what its CPU counts for."""
        self.lost: Floats = devices * seconds
        """Device-seconds of work that evicting it throws away: those since its last checkpoint."""
        self.wasted: Floats = watts * seconds
        """Joules that its devices drew for them."""
        created = np.array([group.created for group in groups], dtype=np.float64)
        keys = (self.size, -created[self.group], self.wasted, self.lost, self.tier, self.priority)
        self.order: Ints = np.lexsort((-np.arange(len(self.group)), *keys))
        """Units, those that go first at the front."""
        self.rank: Ints = np.empty_like(self.order)
        """Each unit's place in `order`."""
        self.rank[self.order] = np.arange(len(self.order))
        new = [np.diff(key[self.order]) != 0 for key in keys]
        self.alike: Ints = np.empty_like(self.order)
        """Equal for units that nothing but their names tells apart."""
        self.alike[self.order] = np.cumsum(np.append(False, np.logical_or.reduce(new))[: len(self.order)])
        self._by_unit = mine[np.argsort(self.of[mine], kind="stable")]
        self._starts = np.searchsorted(self.of[self._by_unit], np.arange(len(self.group) + 1))

    def members(self, unit: int) -> Ints:
        """Its pods in the holdings."""
        return self._by_unit[self._starts[unit] : self._starts[unit + 1]]

    def pods(self, chosen: Mask) -> Mask:
        """The pods of the chosen units."""
        found: Mask = np.append(chosen, False)[self.of]
        return found

    def whole(self, chosen: Mask, gone: Mask) -> Mask:
        """The chosen units and all that they take along, but those `gone` already."""
        while True:
            found: Mask = chosen | (self.tied(chosen) & ~gone)
            if int(found.sum()) == int(chosen.sum()):
                return found
            chosen = found

    def tied(self, chosen: Mask) -> Mask:
        """Units that one of the chosen takes along."""
        found: Mask = np.append(chosen, False)[self.along]
        return found

    def _drop_protected(self, now: float) -> None:
        """Cores that hold a pod that stays, or have yet to run as long as they were promised, are no units."""
        holdings = self.holdings
        stays = np.zeros(len(self.group), dtype=np.bool_)
        if holdings.pinned.any():
            stays[self.of[holdings.pinned & (self.of >= 0)]] = True
        if any(queue.minimum_runtime for queue in holdings.fleet.queue_list):
            fresh = [_protected(holdings.fleet, group, now) for group in holdings.groups]
            stays |= (self.tier == CORE) & np.array(fresh, dtype=np.bool_)[self.group]
        if not stays.any():
            return
        number = np.where(stays, -1, np.cumsum(~stays) - 1)
        self.of = np.append(number, -1)[self.of]
        self.along = np.append(number, -1)[self.along][~stays]
        self.group, self.tier = self.group[~stays], self.tier[~stays]

    def _work(self, mine: Ints) -> tuple[Floats, Floats]:
        """Per unit, its devices or what its CPU counts for, and the watts of its devices under load."""
        holdings, fleet, number = self.holdings, self.holdings.fleet, len(self.group)
        of = self.of[mine]
        own = holdings.charges[mine][:, : len(fleet.accelerators)].sum(axis=1) / DEVICE
        active = fleet.power.active[fleet.facts.pool[holdings.row[mine]]]
        devices = np.bincount(of, weights=own, minlength=number).astype(np.float64)
        watts = np.bincount(of, weights=own * active, minlength=number).astype(np.float64)
        cpu = holdings.vectors[holdings.traits[mine], fleet.column_of[CPU]]
        cores = np.bincount(of, weights=np.maximum(cpu, 1) / 1000, minlength=number)
        return np.where(devices > 0, devices, cores / CORES_PER_DEVICE), watts


def _split(holdings: Holdings) -> tuple[Ints, Ints, Ints, Ints]:
    """The unit of each pod; of each unit its group, its tier, and the unit that takes it along, -1 for none."""
    groups = holdings.groups
    evictable = np.array([group.preemptible for group in groups], dtype=np.bool_)
    here = ~holdings.leaving & evictable[holdings.group]
    in_parts = np.array([bool(group.subgroups) for group in groups], dtype=np.bool_)
    plain = np.flatnonzero(here & ~in_parts[holdings.group])
    owner = holdings.group[plain]
    least = np.array([group.min_member for group in groups], dtype=np.int64)
    beyond = _positions(owner) >= least[owner]
    gangs, core = np.unique(owner[~beyond], return_inverse=True)
    more = owner[beyond]
    of: Ints = np.full(len(holdings.row), -1, dtype=np.int64)
    of[plain[~beyond]] = core
    of[plain[beyond]] = len(gangs) + np.arange(len(more))
    core_of = np.full(len(groups), -1, dtype=np.int64)
    core_of[gangs] = np.arange(len(gangs))
    columns = [
        np.concatenate([gangs, more]),
        np.repeat([CORE, ALONE], [len(gangs), len(more)]),
        np.concatenate([np.full(len(gangs), -1), core_of[more]]),
    ]
    parted = np.unique(holdings.group[here & in_parts[holdings.group]]).tolist()
    rows: list[tuple[int, int, int]] = []
    for number in parted:
        rows += _split_parts(holdings, number, of, len(gangs) + len(more) + len(rows))
    if rows:
        columns = [np.concatenate(each) for each in zip(columns, np.array(rows).T, strict=True)]
    group, tier, along = columns
    return of, group, tier, along


def _split_parts(holdings: Holdings, number: int, of: Ints, core: int) -> list[tuple[int, int, int]]:
    """The units of one gang of parts, from number `core` on: group, tier, and the unit that takes it along."""
    first, last = np.searchsorted(holdings.group, [number, number + 1]).tolist()
    pod_at = {place: first + i for i, place in enumerate(holdings.place[first:last].tolist())}
    units = [(minimum.of(holdings.groups[number]).placed, -1)]
    for leave in minimum.surplus(holdings.groups[number]):
        units.append((leave.placed, core if leave.along is None else core + 1 + leave.along))
    found = []
    for unit, (places, along) in enumerate(units):
        of[[pod_at[place] for place in places if place in pod_at]] = core + unit
        found.append((number, CORE if unit == 0 else PART if len(places) > 1 else ALONE, along))
    return found


def _at_risk(group: PodGroup, now: float) -> float:
    """Seconds of the group's work that would be lost with it now."""
    started = now if group.started is None else group.started
    saved = started
    if group.checkpoint_seconds:
        saved += max(0.0, now - started) // group.checkpoint_seconds * group.checkpoint_seconds
    if group.checkpointed is not None:
        saved = max(started, group.checkpointed)
    return max(0.0, now - saved)


def _protected(fleet: Fleet, group: PodGroup, now: float) -> bool:
    """Whether the group has yet to run as long as its queue, or the nearest above that says so, promises."""
    rows = fleet.ancestry[group.queue]
    said = (fleet.queue_list[row].minimum_runtime for row in rows)
    promised = next((seconds for seconds in said if seconds), 0.0)
    return promised > 0.0 and (group.started is None or now - group.started < promised)


def _positions(owner: Ints) -> Ints:
    """Each entry's place among the entries of its owner; owners come in runs."""
    starts = (
        np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        if len(owner)
        else np.zeros(0, dtype=np.int64)
    )
    lengths = np.diff(np.append(starts, len(owner)))
    return np.arange(len(owner)) - np.repeat(starts, lengths)
