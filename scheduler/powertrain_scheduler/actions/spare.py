"""Victims that turn out not to be needed are spared, the dearest first."""

from collections.abc import Callable

import numpy as np

from powertrain_scheduler import fit, gang
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.gang import Ask, Choice
from powertrain_scheduler.session import Session

SEARCHES = 64
"""Most victims reconsidered where each costs a whole search: several classes of pods, or a tight quota."""


def spare(draft: Draft, wanted: Ask, choice: Choice, rows: Ints, chosen: Mask) -> Mask:
    """The chosen units without those that the group can do without; `rows` are the nodes it is to start on."""
    units = draft.units()
    worlds = draft.worlds_without(wanted.group, units.pods(chosen))
    simple = len(wanted.needs) == 1 and not wanted.needs[0].traits.pod_class.host_ports
    can_stay: Callable[[int], bool]
    if simple and gang.within(wanted, [draft.later], draft.quotas, choice):
        can_stay, most = _ByRoom(draft, wanted, choice, rows, worlds).can_stay, len(chosen)
    else:
        can_stay, most = _BySearch(draft, wanted, choice, worlds).can_stay, SEARCHES
    left = chosen.copy()
    ended = set(units.group[chosen & units.core].tolist())
    dearest = sorted(np.flatnonzero(chosen).tolist(), key=lambda unit: -int(units.rank[unit]))
    for unit in dearest[:most]:
        core, group = bool(units.core[unit]), int(units.group[unit])
        if (core or group not in ended) and can_stay(unit):
            left[unit] = False
            ended.discard(group)
    return left


class _BySearch:
    """Puts a unit back and looks whether the group still fits."""

    def __init__(self, draft: Draft, wanted: Ask, choice: Choice, worlds: tuple[Session, ...]) -> None:
        self._draft, self._wanted, self._choice, self._worlds = draft, wanted, choice, worlds

    def can_stay(self, unit: int) -> bool:
        """Whether the group fits with the unit back, and then it is back."""
        marks = [world.checkpoint() for world in self._worlds]
        pods = np.zeros(len(self._draft.holdings.row), dtype=np.bool_)
        pods[self._draft.units().members(unit)] = True
        for world, counted in zip(self._worlds, self._draft.counted(), strict=False):
            for change in self._draft.holdings.changes(pods & counted):
                world.place(change)
        if gang.find(self._wanted, self._worlds, self._draft.quotas, self._choice) is not None:
            return True
        for world, mark in zip(self._worlds, marks, strict=True):
            world.rollback(mark)
        return False


class _ByRoom:
    """Counts how much room on the group's nodes is more than it needs; exact for pods of one class."""

    def __init__(
        self, draft: Draft, wanted: Ask, choice: Choice, rows: Ints, worlds: tuple[Session, ...]
    ) -> None:
        need = wanted.needs[0]
        holdings, columns = draft.holdings, need.traits.columns
        mask = gang.allowed(draft.fleet, wanted, need.traits, choice)
        room = gang.room(worlds, need.traits, mask)[rows]
        self._surplus = int(room.sum()) - len(need.pods)
        self._members = draft.units().members
        self._row = holdings.row
        self._amounts: list[int] = need.traits.amounts.tolist() * len(worlds)
        usable = (
            fit.may(draft.fleet, need.traits) if mask is None else fit.may(draft.fleet, need.traits) & mask
        )
        own = rows[usable[rows]]
        free = [(draft.fleet.facts.allocatable - world.used)[np.ix_(own, columns)] for world in worlds]
        self._free: dict[int, list[int]] = dict(zip(own.tolist(), np.hstack(free).tolist(), strict=True))
        """By row, what is free of each resource in each of the worlds."""
        requests = holdings.vectors[np.ix_(holdings.traits, columns)]
        counted = draft.counted()[: len(worlds)]
        self._requests = np.hstack([requests * mask[:, None] for mask in counted])
        """By pod of the holdings, what it takes of these."""

    def can_stay(self, unit: int) -> bool:
        """Whether the surplus can bear the unit, and then it does."""
        members = self._members(unit)
        after: dict[int, list[int]] = {}
        for row, request in zip(self._row[members].tolist(), self._requests[members].tolist(), strict=True):
            if row in self._free:
                free = after.get(row, self._free[row])
                after[row] = [a - b for a, b in zip(free, request, strict=True)]
        lost = sum(self._room(self._free[row]) - self._room(free) for row, free in after.items())
        if lost > self._surplus:
            return False
        self._surplus -= lost
        self._free.update(after)
        return True

    def _room(self, free: list[int]) -> int:
        return max(0, min(have // amount for have, amount in zip(free, self._amounts, strict=True)))
