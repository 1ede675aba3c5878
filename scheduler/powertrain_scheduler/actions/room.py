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
        self._take = need.traits.amounts
        self._most = 1 if need.traits.pod_class.host_ports else np.iinfo(np.int64).max
        columns = need.traits.columns
        rows, self._at = np.unique(row, return_inverse=True)
        self._codes, self._number, self._usable = codes[rows], number, mask[rows]
        self._amounts = amounts[:, columns]
        free = draft.fleet.facts.allocatable[:, columns] - draft.later.used[:, columns]
        self._free = free[rows]
        untouched = codes.copy()
        untouched[rows] = -1
        self._elsewhere = topology.totals(np.where(mask, self._fitting(free), 0), untouched, number)

    def without(self, gone: Mask) -> Ints:
        """Once these of the pods have left; whether a host port is free then is asked of the whole set, later."""
        freed = [
            np.bincount(self._at[gone], weights=self._amounts[gone, i], minlength=len(self._free))
            for i in range(len(self._take))
        ]
        room = self._fitting(self._free + np.stack(freed, axis=1).astype(np.int64))
        return self._elsewhere + topology.totals(np.where(self._usable, room, 0), self._codes, self._number)

    def _fitting(self, free: Ints) -> Ints:
        fitting: Ints = np.clip((free // self._take).min(axis=1), 0, self._most)
        return fitting
