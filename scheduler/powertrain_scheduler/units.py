"""What could be evicted, in units that leave together, in the order in which they would be missed least.

A gang's minimum is one unit: it leaves whole or stays. Each member beyond the minimum is a
unit of its own and goes before any minimum of the same priority. Then the lowest priority
goes first, then the least work lost, then the youngest.
"""

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.holdings import Holdings
from powertrain_scheduler.kinds import DEVICE


class Units:
    """Columns over the units; `of[i]` is the unit of the i-th pod of the holdings, -1 where it stays."""

    def __init__(self, holdings: Holdings, now: float) -> None:
        self.holdings = holdings
        groups = holdings.groups
        mine = np.flatnonzero(~holdings.leaving & ~holdings.fixed[holdings.group])
        owner = holdings.group[mine]
        least = np.array([group.min_member for group in groups], dtype=np.int64)
        beyond = _positions(owner) >= least[owner]
        gangs, core = np.unique(owner[~beyond], return_inverse=True)
        self.of: Ints = np.full(len(holdings.row), -1, dtype=np.int64)
        self.of[mine[~beyond]] = core
        self.of[mine[beyond]] = len(gangs) + np.arange(int(beyond.sum()))
        self.group: Ints = np.concatenate([gangs, owner[beyond]])
        """Index into the holdings' groups."""
        self.core: Mask = np.arange(len(self.group)) < len(gangs)
        """Whether it is a gang's minimum."""
        self.queue: Ints = holdings.queue[self.group]
        self.priority: Ints = np.array([group.priority for group in groups], dtype=np.int64)[self.group]
        self.charges: Ints = np.zeros((len(self.group), len(holdings.fleet.kinds)), dtype=np.int64)
        """What it takes of its queue's quota, by kind."""
        for kind, charges in enumerate(holdings.charges[mine].T):
            np.add.at(self.charges[:, kind], self.of[mine], charges)
        devices = self.charges[:, : len(holdings.fleet.accelerators)].sum(axis=1) / DEVICE
        pods = np.bincount(self.of[mine], minlength=len(self.group))
        started = np.array(
            [now if group.started is None else group.started for group in groups], dtype=np.float64
        )
        self.lost: NDArray[np.float64] = np.where(devices > 0, devices, pods) * np.maximum(
            0.0, now - started[self.group]
        )
        """Device-seconds of work that evicting it throws away; pod-seconds where it has no devices."""
        created = np.array([group.created for group in groups], dtype=np.float64)
        self.order: Ints = np.lexsort(
            (-np.arange(len(self.group)), -created[self.group], self.lost, self.core, self.priority)
        )
        """Units, those that go first at the front."""
        self.rank: Ints = np.empty_like(self.order)
        """Each unit's place in `order`."""
        self.rank[self.order] = np.arange(len(self.order))
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
        """The chosen units, and all others of gangs whose minimum is among them but those `gone` already."""
        ended = np.zeros(len(self.holdings.groups), dtype=np.bool_)
        ended[self.group[chosen & self.core]] = True
        found: Mask = chosen | (ended[self.group] & ~gone)
        return found


def _positions(owner: Ints) -> Ints:
    """Each entry's place among the entries of its owner; owners come in runs."""
    starts = (
        np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        if len(owner)
        else np.zeros(0, dtype=np.int64)
    )
    lengths = np.diff(np.append(starts, len(owner)))
    return np.arange(len(owner)) - np.repeat(starts, lengths)
