"""Units that a group may evict, and on what terms."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.units import Units

BALANCED = 256
"""Most units among which it is looked who of equals holds most beyond its own."""


class Duty(NamedTuple):
    """Whoever evicts any of `claimed` must evict enough of `inside`, its own side, to come within its own."""

    claimed: Mask
    """Units."""
    inside: Mask
    """Units."""
    needed: Ints
    """How much the latter must hold, by kind."""


@dataclass(frozen=True, eq=False, slots=True)
class Candidates:
    """Units that a group may evict. Kinds are those that the group asks for, in the order of its option's charges."""

    units: Mask
    lender: Ints
    """Per unit, the row of the queue that owes what the unit holds; -1 where all of it may be taken."""
    excess: Ints
    """Per queue row and kind, what it holds beyond its own. Once these are taken it is left alone."""
    charges: Ints
    """Per unit and kind, what counts against its lender's excess."""
    rank: Ints
    """Per unit, its place among all: those first that are to go first."""
    duties: tuple[Duty, ...] = ()

    def line(self) -> Ints:
        """The units in the order in which they are to go."""
        found = np.flatnonzero(self.units)
        return found[np.argsort(self.rank[found])]

    def first(self, number: int) -> "Candidates | None":
        """Only so many, those that would be missed least; None where there are no more anyway."""
        line = np.flatnonzero(self.units)
        if len(line) <= number:
            return None
        few = np.zeros_like(self.units)
        few[line[np.argpartition(self.rank[line], number)[:number]]] = True
        return replace(self, units=few)

    def owed(self, line: Ints, runs: Ints | None = None) -> Mask:
        """Units of a line, or of one line after another (`runs`), whose lender still holds more than its own
        when those before them are gone."""
        lender = self.lender[line]
        if not (lender >= 0).any():
            return np.ones(len(line), dtype=np.bool_)
        runs = np.zeros(len(line), dtype=np.int64) if runs is None else runs
        order = np.lexsort((np.arange(len(line)), lender, runs))
        new = np.append(True, (np.diff(runs[order]) != 0) | (np.diff(lender[order]) != 0))
        starts = np.flatnonzero(new)[np.cumsum(new) - 1]
        owed = np.empty(len(line), dtype=np.bool_)
        owed[order] = lender[order] < 0
        for charges, excess in zip(self.charges.T, self.excess.T, strict=True):
            mine = charges[line[order]]
            before = np.cumsum(mine) - mine
            owed[order] |= (mine > 0) & (before - before[starts] < excess[lender[order]])
        return owed

    def balanced(self, units: Units) -> "Candidates":
        """The same, but of units alike those go first whose lender holds most beyond its own then."""
        if int(self.units.sum()) > BALANCED:
            return self
        line = self.line()
        if len(np.unique(self.lender[line])) < 2:
            return self
        left = np.zeros(len(line), dtype=np.float64)
        for row in np.unique(self.lender[line]).tolist():
            mine = self.lender[line] == row
            sums = np.cumsum(self.charges[line[mine]], axis=0) - self.charges[line[mine]]
            whole = np.maximum(1, self.excess.max(axis=0))
            left[mine] = np.inf if row < 0 else ((self.excess[row] - sums) / whole).max(axis=1)
        order = line[np.lexsort((np.arange(len(line)), -left, units.alike[line]))]
        rank = self.rank.copy()
        rank[order] = np.sort(self.rank[line])
        return replace(self, rank=rank)

    def fulfilled(self, units: Units, chosen: Mask, gone: Mask) -> Mask | None:
        """The chosen with what the duties demand beside them, the first in line; None where that is not to be had."""
        for _ in range(len(self.duties) + 1):
            unmet = [
                duty for duty in self.duties if (chosen & duty.claimed).any() and not self._met(duty, chosen)
            ]
            if not unmet:
                return chosen
            for duty in unmet:
                more = self._more(duty, chosen)
                if more is None:
                    return None
                chosen = units.whole(chosen | more, gone)
        return None

    def permits(self, chosen: Mask) -> bool:
        """Whether all duties are met."""
        return all(self._met(duty, chosen) for duty in self.duties if (chosen & duty.claimed).any())

    def _met(self, duty: Duty, chosen: Mask) -> bool:
        return bool((self.charges[chosen & duty.inside].sum(axis=0) >= duty.needed).all())

    def _more(self, duty: Duty, chosen: Mask) -> Mask | None:
        line = self.line()
        line = line[duty.inside[line] & ~chosen[line]]
        sums = self.charges[chosen & duty.inside].sum(axis=0) + np.cumsum(self.charges[line], axis=0)
        enough = (sums >= duty.needed).all(axis=1)
        if not enough.any():
            return None
        more = np.zeros_like(chosen)
        more[line[: int(enough.argmax()) + 1]] = True
        return more


def ranked(units: Units, before: Ints) -> Ints:
    """Each unit's place in line if those with less in `before` go first, and else as they would be missed least."""
    order = units.order[np.argsort(before[units.order], kind="stable")]
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank
