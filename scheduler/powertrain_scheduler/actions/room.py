"""Room in each topology domain without some of the pods that are there."""

import numpy as np

from powertrain_scheduler.asks import Need
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.scores import topology


class Room:
    """How many pods of one class each domain holds without some of the pods in line."""

    def __init__(
        self, draft: Draft, need: Need, mask: Mask, codes: Ints, number: int, row: Ints, amounts: Ints
    ) -> None:
        self._take = need.traits.amounts[:, None]
        self._most = 1 if need.traits.pod_class.host_ports else np.iinfo(np.int64).max
        columns = need.traits.columns
        rows, self._at = np.unique(row, return_inverse=True)
        self._codes, self._number, self._usable = codes[rows], number, mask[rows]
        self._amounts = np.ascontiguousarray(amounts[:, columns].T)
        have, used = draft.fleet.facts.allocatable, draft.later.used
        untouched = codes.copy()
        untouched[rows] = -1
        there = self._fitting((have[:, columns] - used[:, columns]).T)
        self._elsewhere = topology.totals(np.where(mask, there, 0), untouched, number)
        self._free = (have[np.ix_(rows, columns)] - used[np.ix_(rows, columns)]).T
        """Shape (resources of the class, nodes), as are the amounts."""

    def without(self, gone: Mask) -> Ints:
        """Once these of the pods have left; whether a host port is free then is asked of the whole set, later."""
        at, nodes = self._at[gone], self._free.shape[1]
        freed = [np.bincount(at, weights=each[gone], minlength=nodes) for each in self._amounts]
        room = self._fitting(self._free + np.array(freed, dtype=np.int64))
        return self._elsewhere + topology.totals(np.where(self._usable, room, 0), self._codes, self._number)

    def _fitting(self, free: Ints) -> Ints:
        fitting: Ints = np.minimum(np.maximum((free // self._take).min(axis=0), 0), self._most)
        return fitting
