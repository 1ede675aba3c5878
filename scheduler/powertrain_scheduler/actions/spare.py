"""Victims that turn out not to be needed are spared, the dearest first."""

from collections.abc import Callable

import numpy as np

from powertrain_scheduler import gang
from powertrain_scheduler.actions.candidates import Candidates
from powertrain_scheduler.actions.enough import counts_only
from powertrain_scheduler.actions.surplus import Surplus
from powertrain_scheduler.asks import Ask, Option, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.session import Session
from powertrain_scheduler.units import Units

SEARCHES = 96
"""Most searches where victims are reconsidered by putting them back: for parts, slices, several classes of
pods, or a tight quota."""
AT_A_TIME = 256
"""Victims considered one by one before those that can't stay are sorted out at once again."""


def spare(
    draft: Draft, wanted: Ask, option: Option, rows: Ints, chosen: Mask, candidates: Candidates
) -> Mask:
    """The chosen units without those that the group can do without; `rows` are the nodes it is to start on."""
    pods = draft.units().pods(chosen)
    plain = counts_only(wanted) and not candidates.duties and not (draft.holdings.slot[pods] >= 0).any()
    if plain and gang.within(wanted, [draft.later], draft.quotas, option):
        return _by_room(draft, wanted, option, rows, chosen, candidates.rank)
    chosen = _on_its_nodes(draft, wanted, option, chosen, candidates)
    worlds = draft.worlds_without(wanted.group, draft.units().pods(chosen))
    search = _BySearch(draft, wanted, option, worlds)
    line = _Line(draft.units(), chosen, candidates.rank)
    line.spare_blocks(lambda block, left: candidates.permits(left) and search.can_stay(block))
    return line.left


def _on_its_nodes(draft: Draft, wanted: Ask, option: Option, chosen: Mask, candidates: Candidates) -> Mask:
    """Those of the chosen that are on the nodes that the group would get, where that is enough."""
    units, holdings = draft.units(), draft.holdings

    def find(gone: Mask) -> Placement | None:
        worlds = draft.worlds_without(wanted.group, units.pods(gone))
        return gang.find(wanted, worlds, draft.quotas, option)

    placement = find(chosen)
    if placement is None:
        return chosen
    taken = np.concatenate([part.rows for part in placement.parts])
    there = np.zeros(len(chosen) + 1, dtype=np.bool_)
    there[units.of[np.isin(holdings.row, taken)]] = True
    left = units.whole(chosen & there[:-1], draft.gone()) & chosen
    enough = candidates.permits(left) and find(left) is not None
    return left if enough else chosen


def _by_room(draft: Draft, wanted: Ask, option: Option, rows: Ints, chosen: Mask, rank: Ints) -> Mask:
    """Exact for pods of one class: whole nodes that are not needed first, then who fits beside the group."""
    surplus = Surplus(draft, wanted, option, rows, chosen, rank)
    left = chosen.copy()
    left[surplus.on_nodes_not_needed()] = False
    line = _Line(draft.units(), left, rank)
    while len(line.waiting):
        line.waiting = surplus.perhaps(line.waiting)
        asked, line.waiting = line.waiting[:AT_A_TIME], line.waiting[AT_A_TIME:]
        line.spare(asked, surplus.can_bear)
    return line.left


class _Line:
    """Units still to go, and those of them not yet reconsidered, the dearest first."""

    def __init__(self, units: Units, left: Mask, rank: Ints) -> None:
        self._units = units
        self.left = left.copy()
        found = np.flatnonzero(left)
        self.waiting: Ints = found[np.argsort(-rank[found])]

    def spare(self, asked: Ints, can_stay: Callable[[int], bool]) -> None:
        """Keeps those that can stay; what is beyond a minimum only where the minimum does."""
        for unit, along in zip(asked.tolist(), self._units.along[asked].tolist(), strict=True):
            if not (along >= 0 and self.left[along]) and can_stay(unit):
                self.left[unit] = False

    def spare_blocks(self, can_stay: Callable[[Ints, Mask], bool]) -> None:
        """Keeps those that can stay, many at once: halved where they can't, doubled where they can.

        `can_stay` is told who would come back, and who would still go.
        """
        at, size = 0, max(1, len(self.waiting) // 2)
        for _ in range(SEARCHES):
            block = self.waiting[at : at + size]
            if not len(block):
                return
            left = self.left.copy()
            left[block] = False
            left |= self.left & self._units.tied(left)
            back = block[~left[block]]
            if len(back) == len(block) and can_stay(back, left):
                self.left = left
                at, size = at + size, 2 * size
            elif size == 1:
                at += 1
            else:
                size //= 2


class _BySearch:
    """Puts units back and looks whether the group still fits."""

    def __init__(self, draft: Draft, wanted: Ask, option: Option, worlds: tuple[Session, ...]) -> None:
        self._draft, self._wanted, self._option, self._worlds = draft, wanted, option, worlds

    def can_stay(self, units: Ints) -> bool:
        """Whether the group fits with the units back, and then they are back."""
        marks = [world.checkpoint() for world in self._worlds]
        back = np.zeros(len(self._draft.units().group), dtype=np.bool_)
        back[units] = True
        pods = self._draft.units().pods(back)
        there = self._draft.counted(self._wanted.group)
        for world, counted in zip(self._worlds, there, strict=True):
            for change in self._draft.holdings.changes(pods & counted):
                world.place(change)
        if gang.find(self._wanted, self._worlds, self._draft.quotas, self._option) is not None:
            return True
        for world, mark in zip(self._worlds, marks, strict=True):
            world.rollback(mark)
        return False
