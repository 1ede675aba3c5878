"""When everyone who waits may expect to start: the timeline played forward with the whole line.

Estimates count on everything ending when expected and on nobody new coming. Nobody is told a start
that depends on work of which nobody knows the end.
"""

import heapq
import math
from bisect import bisect_right

from powertrain_scheduler import gang
from powertrain_scheduler.actions.backfill import ends_of_starting, release
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.session import Session
from powertrain_scheduler.timeline import Timeline

COARSEST = 0.05
"""Moments at which something ends are taken together where they lie within this part of the time till then."""


def starts(draft: Draft, left: list[Ask]) -> dict[str, float]:
    """By group name, when it may expect to start: the line played forward, as far as ends are known."""
    promised = {each.reserve.group: each.reserve.start for each in draft.promises.made if each.known}
    play, starts = _Play(draft), dict[str, float]()
    if not play.something_ends():
        return starts
    line = sorted(
        (w for w in left if draft.possible(w)), key=lambda wanted: wanted.group.name not in promised
    )
    coarseness = play.coarseness(len({wanted.likeness for wanted in line}))
    while line and play.advance(coarseness):
        started = play.start(line)
        starts.update(dict.fromkeys(started, play.time))
        line = [wanted for wanted in line if wanted.group.name not in started]
    return starts | promised


class _Play:
    """The future, as far as running work says when it ends."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._line: Timeline = draft.timeline()
        self._moments = self._line.moments
        self._world = draft.later.copy()
        self._promises = [each._replace(then=each.then.copy()) for each in draft.promises.made]
        self.time = -math.inf
        """Where the play has got to."""
        self._ends = [(end, i, placement) for i, (end, placement) in enumerate(ends_of_starting(draft))]
        heapq.heapify(self._ends)
        self._count = len(self._ends)

    def something_ends(self) -> bool:
        """Whether anything is known to free room at all."""
        return bool(self._moments or self._ends)

    def coarseness(self, shapes: int) -> float:
        """How far apart the moments tried must lie so that all the unlike groups can be tried at each."""
        ends = [*self._moments, *(end for end, _, _ in self._ends)]
        if not shapes:
            return COARSEST
        waits = [max(1.0, end - self._draft.time) for end in (min(ends), max(ends))]
        steps = max(1.0, self._draft.policy.estimate_searches / shapes)
        return max(COARSEST, math.expm1(math.log(2.0 * waits[1] / waits[0]) / steps))

    def advance(self, coarseness: float) -> bool:
        """Goes on to when something has ended, and what ends soon after; False if nothing more does."""
        coming = self._moments[bisect_right(self._moments, self.time) :]
        soonest = min([*coming[:1], *(end for end, _, _ in self._ends[:1])], default=None)
        if soonest is None:
            return False
        until = soonest + coarseness * max(0.0, soonest - self._draft.time)
        ended = []
        while self._ends and self._ends[0][0] <= until:
            ended.append(heapq.heappop(self._ends))
        last = coming[: bisect_right(coming, until)][-1:]
        before, self.time = self.time, max([soonest, *last, *(end for end, _, _ in ended)])
        self._world = self._line.between(self._world, before, self.time)
        for _, _, placement in ended:
            release(self._world, placement)
        self._promises = [p for p in self._promises if not p.known or p.reserve.start > self.time]
        return True

    def start(self, line: list[Ask]) -> set[str]:
        """Names of the groups in line that fit now, in order; they run from here on."""
        started: set[str] = set()
        refused: set[object] = set()
        for wanted in line:
            if wanted.likeness in refused:
                continue
            worlds = self._worlds(wanted)
            placement = gang.find(wanted, worlds, self._draft.quotas)
            if placement is None:
                refused.add(wanted.likeness)
                continue
            started.add(wanted.group.name)
            for world in worlds:
                for change in placement.changes():
                    world.place(change)
            if (seconds := self._draft.lasts(wanted.group)) is not None:
                self._count += 1
                heapq.heappush(self._ends, (self.time + seconds, self._count, placement))
        return started

    def _worlds(self, wanted: Ask) -> list[Session]:
        """The present, and the reserved moments at which the group would still run."""
        seconds, name = self._draft.lasts(wanted.group), wanted.group.name
        end = math.inf if seconds is None else self.time + seconds
        kept = [p.then for p in self._promises if end > p.reserve.start and p.reserve.group != name]
        return [self._world, *kept]
