"""When running work is expected to end, and what is free then.

An end is expected, not promised: what its owner said, corrected by how long his work really ran
before, never beyond the time at which it is ended anyway. Work that says neither has no end here.
"""

from collections.abc import Mapping
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.holdings import Holdings
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import PodGroup

Moments = NDArray[np.float64]


def lasts(group: PodGroup, ratio: float = 1.0) -> float | None:
    """Seconds the group is expected to run from its start; None: nobody said.

    `ratio` is how long its owner's groups really run over what he says.
    """
    said = None if group.expected_seconds is None else group.expected_seconds * ratio
    given = (said, group.maximum_seconds)
    return min((seconds for seconds in given if seconds is not None and isfinite(seconds)), default=None)


def expected_end(group: PodGroup, now: float, overrun_seconds: float, ratio: float = 1.0) -> float | None:
    """When a running group is expected to be gone.

    What has overrun is thought to need half its overrun again, at least `overrun_seconds`, so
    that a reservation behind it slides slower than time passes.
    """
    seconds = lasts(group, ratio)
    if seconds is None or group.started is None:
        return None
    end = group.started + seconds
    if end > now:
        return end
    later = now + max(overrun_seconds, (now - end) / 2)
    if group.maximum_seconds is not None and group.started + group.maximum_seconds > now:
        return min(later, group.started + group.maximum_seconds)
    return later


def end(group: PodGroup, now: float, overrun_seconds: float, ratio: float = 1.0) -> float | None:
    """When pods of the group that start now are expected to be gone: with those that already run, if some do."""
    if group.started is not None:
        return expected_end(group, now, overrun_seconds, ratio)
    seconds = lasts(group, ratio)
    return None if seconds is None else now + seconds


def ends(holdings: Holdings, now: float, overrun_seconds: float, ratios: Mapping[str, float]) -> Moments:
    """By pod of the holdings, when it is expected to be gone; infinity where nobody says."""
    said = [
        (number, expected_end(group, now, overrun_seconds, ratios.get(group.owner, 1.0)))
        for number, group in enumerate(holdings.groups)
        if group.expected_seconds is not None or group.maximum_seconds is not None
    ]
    by_group = np.full(len(holdings.groups), np.inf, dtype=np.float64)
    for number, moment in said:
        if moment is not None:
            by_group[number] = moment
    found: Moments = by_group[holdings.group]
    return found


class Timeline:
    """Running groups by their expected ends."""

    def __init__(self, holdings: Holdings, ends: Moments, running: Mask) -> None:
        """`running` says which pods of the holdings to count: not leaving, not to be evicted."""
        self._holdings = holdings
        self._end = ends
        self._running = running
        known = ends[running & np.isfinite(ends)]
        self.moments: list[float] = np.unique(known).tolist()
        """Times at which something is expected to end, in order."""

    def at(self, base: Session, moment: float) -> Session:
        """`base` without what is expected to have ended by then."""
        return self.between(base, -np.inf, moment)

    def running_at(self, moment: float) -> Mask:
        """Which pods of the holdings are still there."""
        there: Mask = self._running & (self._end > moment)
        return there

    def between(self, base: Session, after: float, until: float) -> Session:
        """`base` without what ends after one moment and not after another."""
        gone = self._running & (self._end > after) & (self._end <= until)
        return self._holdings.without(base, gone)
