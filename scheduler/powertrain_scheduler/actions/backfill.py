"""The first group that waits for room is told when it starts; work that ends before may go first.

A reservation (EASY backfill) holds nodes for the first waiting group from the moment at which
it is expected to fit. The same timeline, played forward with the whole line, gives everyone
behind it an estimated start.
"""

import heapq
import math
from bisect import bisect_left, bisect_right

from powertrain_scheduler import gang, timeline
from powertrain_scheduler.asks import Ask, Placement
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.session import Session
from powertrain_scheduler.timeline import Timeline

COARSEST = 0.05
"""Moments at which something ends are taken together where they lie within this part of the time till then."""


def reserve(draft: Draft, wanted: Ask) -> bool:
    """Holds nodes for the group from its estimated start on; False where nobody can tell when that is.

    A group kept back by its quota holds nothing: its limit must not become that of other queues.
    """
    if not draft.policy.backfill or not draft.possible(wanted) or not _within_quota(draft, wanted):
        return False
    line = draft.timeline()
    ends = _ends(draft)
    moments = sorted({*line.moments, *(end for end, _ in ends)})

    def world(moment: float) -> Session:
        session = line.at(draft.later, moment)
        for end, placement in ends:
            if end <= moment:
                _release(session, placement)
        return session

    def fits(moment: float) -> bool:
        return gang.find(wanted, [world(moment)], draft.quotas) is not None

    first = bisect_left(moments, True, key=fits)
    if first == len(moments):
        return False
    then = world(moments[first])
    placement = gang.find(wanted, [then], draft.quotas)
    assert placement is not None  # it fitted a line ago
    draft.reserve(placement, moments[first], then, line.running_at(moments[first]))
    return True


def _within_quota(draft: Draft, wanted: Ask) -> bool:
    return any(gang.within(wanted, draft.present(), draft.quotas, option) for option in wanted.options)


def _ends(draft: Draft) -> list[tuple[float, Placement]]:
    """Expected ends of what starts in this cycle."""
    started = draft.starting()
    overrun = draft.policy.overrun_seconds
    known = [(timeline.end(placement.group, draft.time, overrun), placement) for placement in started]
    return [(end, placement) for end, placement in known if end is not None]


def _release(session: Session, placement: Placement) -> None:
    for change in placement.changes():
        session.release(change)


# -- everyone else ----------------------------------------------------------------------------------


def estimates(draft: Draft, left: list[Ask]) -> dict[str, float]:
    """By group name, when it may expect to start: the line played forward, as far as ends are known.

    Estimates count on everything ending when expected and on nobody new coming.
    """
    first = draft.reservation.group if draft.reservation is not None else None
    play, starts = _Play(draft), dict[str, float]()
    if not play.something_ends():
        return starts
    line = sorted((w for w in left if draft.possible(w)), key=lambda wanted: wanted.group.name != first)
    coarseness = play.coarseness(len({wanted.likeness for wanted in line}))
    while line and play.advance(coarseness):
        started = play.start(line)
        starts.update(dict.fromkeys(started, play.time))
        line = [wanted for wanted in line if wanted.group.name not in started]
    if draft.reservation is not None:
        starts[draft.reservation.group] = draft.reservation.start
    return starts


class _Play:
    """The future, as far as running work says when it ends."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._line: Timeline = draft.timeline()
        self._moments = self._line.moments
        self._world = draft.later.copy()
        self._then = draft.then.copy() if draft.then is not None else None
        self.time = -math.inf
        """Where the play has got to."""
        self._ends = [(end, i, placement) for i, (end, placement) in enumerate(_ends(draft))]
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
            _release(self._world, placement)
        if self._draft.reservation is not None and self.time >= self._draft.reservation.start:
            self._then = None
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
            if (seconds := timeline.lasts(wanted.group)) is not None:
                self._count += 1
                heapq.heappush(self._ends, (self.time + seconds, self._count, placement))
        return started

    def _worlds(self, wanted: Ask) -> list[Session]:
        """The present, and the reserved moment where the group would still run then."""
        reservation, seconds = self._draft.reservation, timeline.lasts(wanted.group)
        if self._then is None or reservation is None:
            return [self._world]
        ends_before = seconds is not None and self.time + seconds <= reservation.start
        return [self._world] if ends_before else [self._world, self._then]
