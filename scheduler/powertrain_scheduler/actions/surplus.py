"""How much room on a group's nodes is more than it needs, and which victims that could bear after all."""

import numpy as np

from powertrain_scheduler import fit, gang
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints


class Surplus:
    """Room for pods of one class on `rows` once the chosen units are gone, less what the group needs.

    Kept as what is free of each requested resource on each node that the units leave, in every world
    that matters (columns of one world beside those of the next): a unit is weighed by its own nodes alone.
    """

    def __init__(
        self, draft: Draft, wanted: Ask, option: Option, rows: Ints, chosen: Mask, rank: Ints
    ) -> None:
        need, units, holdings = wanted.needs[0], draft.units(), draft.holdings
        mask = gang.allowed(draft.fleet, wanted, need.traits, option)
        usable = (
            fit.may(draft.fleet, need.traits) if mask is None else fit.may(draft.fleet, need.traits) & mask
        )
        worlds = draft.worlds_later(wanted.group)
        pods = np.flatnonzero(units.pods(chosen))
        pods = pods[np.argsort(units.of[pods], kind="stable")]
        self._unit = units.of[pods]
        self._rank = rank
        self._fixed = units.tied(chosen)
        useful = np.zeros(draft.fleet.size, dtype=np.bool_)
        useful[rows] = usable[rows]
        vacated = np.unique(holdings.row[pods][useful[holdings.row[pods]]])
        index = np.full(draft.fleet.size, -1, dtype=np.int64)
        index[vacated] = np.arange(len(vacated))
        self._at = index[holdings.row[pods]]
        """By pod of the chosen units: its place among the vacated nodes, -1 for one of no use to the group."""
        columns = need.traits.columns
        self._amounts = np.tile(need.traits.amounts, len(worlds))
        self._take: list[int] = self._amounts.tolist()
        requests = holdings.vectors[np.ix_(holdings.traits[pods], columns)]
        self._requests = np.hstack([requests * there[pods][:, None] for there in draft.counted(wanted.group)])
        have = draft.fleet.facts.allocatable
        self._before = np.hstack([(have - world.used)[np.ix_(vacated, columns)] for world in worlds])
        after = self._before.copy()
        here = self._at >= 0
        np.add.at(after, self._at[here], self._requests[here])
        room = gang.room(worlds, need.traits, mask)
        untouched = int(room[rows].sum() - room[vacated].sum())
        self._surplus = untouched + int(self._room(after).sum()) - len(need.pods)
        self._free: list[list[int]] = after.tolist()

    def on_nodes_not_needed(self) -> Ints:
        """Units on nodes that the group can leave as they are, those of the dearest nodes first: they stay."""
        here = self._at >= 0
        at, unit = self._at[here], self._unit[here]
        dearest = np.full(len(self._before), -1, dtype=np.int64)
        np.maximum.at(dearest, at, self._rank[unit])
        keeps = self._tied_nodes(at, unit)
        gains = self._room(np.array(self._free, dtype=np.int64).reshape(self._before.shape)) - self._room(
            self._before
        )
        left_alone = np.zeros(len(self._before), dtype=np.bool_)
        for place in np.argsort(-dearest, kind="stable").tolist():
            if dearest[place] >= 0 and not keeps[place] and gains[place] <= self._surplus:
                self._surplus -= int(gains[place])
                left_alone[place] = True
                self._free[place] = self._before[place].tolist()
        found: Ints = np.unique(unit[left_alone[at]])
        return found

    def _tied_nodes(self, at: Ints, unit: Ints) -> Mask:
        """Nodes whose units are on other useful nodes too, or must go with others: weighed one by one."""
        nodes = len(self._before)
        units, number = np.unique(unit, return_inverse=True)
        pairs = np.unique(number * nodes + at)
        spread = np.bincount(pairs // max(1, nodes), minlength=len(units)) > 1
        tied = np.zeros(nodes, dtype=np.bool_)
        tied[at[spread[number] | self._fixed[unit]]] = True
        return tied

    def perhaps(self, units: Ints) -> Ints:
        """Those of the units that might stay: where no room is left over, who fits beside the group's pods."""
        if self._surplus > 0:
            return units
        free = np.array(self._free, dtype=np.int64).reshape(self._before.shape)
        beside = free - self._room(free)[:, None] * self._amounts
        fits = (self._at < 0) | (beside[self._at] >= self._requests).all(axis=1)
        refused = np.zeros(len(self._rank), dtype=np.bool_)
        refused[self._unit[~fits]] = True
        found: Ints = units[~refused[units]]
        return found

    def can_bear(self, unit: int) -> bool:
        """Whether the unit can stay, and then it does."""
        first, last = np.searchsorted(self._unit, [unit, unit + 1]).tolist()
        after: dict[int, list[int]] = {}
        for at, request in zip(
            self._at[first:last].tolist(), self._requests[first:last].tolist(), strict=True
        ):
            if at >= 0:
                free = after.get(at, self._free[at])
                after[at] = [have - n for have, n in zip(free, request, strict=True)]
        lost = sum(self._pods(self._free[at]) - self._pods(free) for at, free in after.items())
        if lost > self._surplus:
            return False
        self._surplus -= lost
        for at, free in after.items():
            self._free[at] = free
        return True

    def _room(self, free: Ints) -> Ints:
        """Pods of the class that fit on each node."""
        room: Ints = np.maximum((free // self._amounts).min(axis=1), 0)
        return room

    def _pods(self, free: list[int]) -> int:
        return max(0, min([have // n for have, n in zip(free, self._take, strict=True)]))
