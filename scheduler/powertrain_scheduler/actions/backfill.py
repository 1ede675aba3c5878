"""The first group that waits for room is told when it starts; work that ends before may go first.

A reservation (EASY backfill) holds nodes for the first waiting group from the moment at which it is
expected to fit. Groups that wait for other nodes altogether, such as those of another accelerator,
have a first of their own, so that nobody starves behind a line that is not his.
"""

from bisect import bisect_left

import numpy as np

from powertrain_scheduler import fit, gang
from powertrain_scheduler.asks import Ask, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.draft.promises import Promise
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.plan import Reserve
from powertrain_scheduler.session import Session

MOST = 8
"""Reservations in one cycle: each is a world more in which everybody else must find room."""


def reserve(draft: Draft, wanted: Ask) -> bool:
    """Holds nodes for the group from its estimated start on; False where nobody can tell when that is,
    or another group waits for the same nodes before it.

    A group kept back by its quota holds nothing: its limit must not become that of other queues.
    """
    promises = draft.promises
    if not draft.policy.backfill or len(promises.made) >= MOST or wanted.likeness in promises.refused:
        return False
    among = draft.fleet.keep("among", wanted.likeness, lambda: might_use(draft.fleet, wanted))
    taken = any(shares_nodes(among, each.among) for each in promises.made)
    found = None
    if not taken and draft.possible(wanted) and _within_quota(draft, wanted):
        found = first_start(draft, wanted)
    if found is None:
        promises.refused.add(wanted.likeness)
        return False
    start, placement, then = found
    held = Reserve(wanted.group.name, start, draft.node_names(placement))
    draft.reserve(Promise(held, placement, among, then, draft.timeline().running_at(start)))
    return True


def first_start(draft: Draft, wanted: Ask) -> tuple[float, Placement, Session] | None:
    """When and where the group fits as far as ends are known, and what else is used then."""
    line = draft.timeline()
    ends = ends_of_starting(draft)
    moments = sorted({*line.moments, *(end for end, _ in ends)})

    def world(moment: float) -> Session:
        session = line.at(draft.later, moment)
        for end, placement in ends:
            if end <= moment:
                release(session, placement)
        for promise in draft.promises.made:
            if promise.known and promise.reserve.start <= moment < _end(draft, promise):
                for change in promise.placement.changes():
                    session.place(change)
        return session

    def find(moment: float, then: Session) -> Placement | None:
        seconds = draft.lasts(wanted.group)
        after = draft.promises.concerning(None if seconds is None else moment + seconds)
        others = [each.then for each in after if not each.known or each.reserve.start > moment]
        return gang.find(wanted, [then, *others], draft.quotas)

    first = bisect_left(moments, True, key=lambda moment: find(moment, world(moment)) is not None)
    if first == len(moments):
        return None
    then = world(moments[first])
    placement = find(moments[first], then)
    return None if placement is None else (moments[first], placement, then)


def might_use(fleet: Fleet, wanted: Ask) -> Mask:
    """Nodes on which any of the pods might go; of pods without devices, none that we would reserve apart."""
    found = np.zeros(fleet.size, dtype=np.bool_)
    for need in wanted.needs:
        if need.traits.device_column >= 0:
            carries = fleet.facts.allocatable[:, need.traits.device_column] > 0
            found |= fit.may(fleet, need.traits) & carries
    return found


def shares_nodes(one: Mask, other: Mask) -> bool:
    """Whether two groups wait for the same nodes; those without devices wait for one another."""
    return bool((one & other).any()) or not (one.any() or other.any())


def _within_quota(draft: Draft, wanted: Ask) -> bool:
    return any(gang.within(wanted, draft.present(), draft.quotas, option) for option in wanted.options)


def _end(draft: Draft, promise: Promise) -> float:
    seconds = draft.lasts(promise.placement.group)
    return np.inf if seconds is None else promise.reserve.start + seconds


def ends_of_starting(draft: Draft) -> list[tuple[float, Placement]]:
    """Expected ends of what starts in this cycle."""
    known = [
        (draft.end(placement.group), placement)
        for placement in draft.starting()
        if placement.group.expected_seconds is not None or placement.group.maximum_seconds is not None
    ]
    return [(end, placement) for end, placement in known if end is not None]


def release(session: Session, placement: Placement) -> None:
    """Count the placement's pods as gone."""
    for change in placement.changes():
        session.release(change)
