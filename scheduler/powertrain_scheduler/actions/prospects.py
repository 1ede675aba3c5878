"""When so many devices of an accelerator are expected to be free, all who are ahead in the line served first.

An estimate for choosing among shapes, by amounts of each kind (`kinds`) alone: it plays the line
forward in its order without filling gaps, and knows neither nodes nor topology. Where nobody says
when running work ends, its devices never come free.
"""

import math
from bisect import insort
from collections.abc import Iterator

import numpy as np

from powertrain_scheduler import timeline
from powertrain_scheduler.asks import Option
from powertrain_scheduler.draft import Draft

Free = tuple[float, int]
"""From when on (seconds since the epoch) how much is free."""


class Prospects:
    """By kind, amounts in the order in which they come free."""

    def __init__(self, draft: Draft) -> None:
        self._now = draft.time
        self._free: list[list[Free]] = [[(draft.time, amount)] for amount in draft.later.free()]
        for kind, end, amount in (*_running(draft), *_starting(draft)):
            self._free[kind].append((end, amount))
        for entries in self._free:
            entries.sort()

    def start(self, option: Option) -> float:
        """When all that the option takes is expected to be free; infinity where nobody knows."""
        moments = [self._moment(kind, amount) for kind, amount in option.charges.items()]
        return max(moments, default=math.inf)

    def book(self, option: Option, start: float, seconds: float | None) -> None:
        """All that it takes is somebody's from `start` on, for so many seconds if anybody knows."""
        for kind, wanted in option.charges.items():
            entries, left = self._free[kind], wanted
            while left and entries:
                moment, amount = entries.pop(0)
                if amount > left:
                    entries.insert(0, (moment, amount - left))
                left -= min(left, amount)
            if seconds is not None and math.isfinite(start):
                insort(entries, (start + seconds, wanted - left))

    def _moment(self, kind: int, wanted: int) -> float:
        left = wanted
        for moment, amount in self._free[kind]:
            left -= amount
            if left <= 0:
                return max(self._now, moment)
        return math.inf


def _running(draft: Draft) -> Iterator[tuple[int, float, int]]:
    """Kind, end and amount of what is in use and expected to come free."""
    holdings = draft.holdings
    ratios = draft.fleet.snapshot.runtime_ratio
    ends = timeline.ends(holdings, draft.time, draft.policy.overrun_seconds, ratios)
    stays = ~(holdings.leaving | draft.evicted) & np.isfinite(ends)
    for kind in range(len(draft.fleet.kinds)):
        mine = stays & (holdings.charges[:, kind] > 0)
        moments, which = np.unique(ends[mine], return_inverse=True)
        counts = np.bincount(which, weights=holdings.charges[mine, kind], minlength=len(moments))
        for moment, count in zip(moments.tolist(), counts.tolist(), strict=True):
            yield kind, moment, int(count)


def _starting(draft: Draft) -> Iterator[tuple[int, float, int]]:
    """The same of what starts by this plan."""
    for placement in draft.starting():
        end = draft.end(placement.group)
        for part in placement.parts if end is not None else ():
            assert end is not None
            amounts = part.counts @ part.traits.charges[draft.fleet.facts.pool[part.rows]]
            for kind in np.flatnonzero(amounts).tolist():
                yield kind, end, int(amounts[kind])
