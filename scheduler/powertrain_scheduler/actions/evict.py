"""Whom to evict so that a group fits: as few and as cheap as possible, or nobody.

For each domain of the topology level that the group requires (the whole fleet where it
requires none), the units that may be evicted there stand in line, those first that would be
missed least. Room grows with every unit taken, so the shortest part of a line that suffices is
found by halving, for all domains at once. The cheapest domain is chosen, and whoever turns out
not to be needed is spared, the dearest first.
"""

import numpy as np

from powertrain_scheduler import gang
from powertrain_scheduler.actions import enough
from powertrain_scheduler.actions.allocate import hold
from powertrain_scheduler.actions.candidates import Candidates
from powertrain_scheduler.actions.lines import Lines
from powertrain_scheduler.actions.spare import spare
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints

DOMAINS_TRIED = 16
"""Most domains searched in full, the cheapest first."""
COARSE = 32
"""A part of a line is short enough if one shorter by a 32nd does not suffice."""
FEW = 32
"""Units looked at first, beside one a pod: a small claim needs no more."""


def may_evict(draft: Draft, wanted: Ask) -> bool:
    """Whether there is any use in looking for somebody to evict for the group."""
    return draft.evicting < draft.policy.evicting_groups and draft.possible(wanted)


def make_room(draft: Draft, wanted: Ask, option: Option, candidates: Candidates) -> bool:
    """Evicts what must go and holds the room for the group; False, and nobody evicted, if nothing would do."""
    chosen = choose(draft, wanted, option, candidates)
    if chosen is None or not chosen.any():
        return False
    draft.evict(draft.units().pods(chosen), wanted)
    if (placement := gang.find(wanted, draft.worlds_now(wanted.group), draft.quotas, option)) is not None:
        draft.place(placement)  # what leaves was in the way of those for whom room is held, not of this group
        return True
    placement = gang.find(wanted, draft.worlds_later(wanted.group), draft.quotas, option)
    assert placement is not None  # the same search, asked about the same state, found one
    hold(draft, wanted, placement)
    return True


def choose(draft: Draft, wanted: Ask, option: Option, candidates: Candidates) -> Mask | None:
    """The cheaper of two sets: from units in line by what they cost, and by what clearing their node costs."""
    pods = len(wanted.pods)
    if (few := candidates.first(FEW + pods)) is not None and not wanted.group.topology.required:
        one_by_one = _chosen(draft, wanted, option, Lines(draft, wanted, option, few), few)
        if one_by_one is not None and int(one_by_one.sum()) <= pods:
            return one_by_one  # what stands behind in the line can only be dearer
    if _hopeless(draft, wanted, option, candidates):
        return None
    one_by_one = _chosen(draft, wanted, option, Lines(draft, wanted, option, candidates), candidates)
    if one_by_one is not None and int(one_by_one.sum()) <= pods:
        return one_by_one  # each makes room for a pod or more: clearing whole nodes can't need fewer
    by_node = _chosen(
        draft, wanted, option, Lines(draft, wanted, option, candidates, by_node=True), candidates
    )
    found = [each for each in (one_by_one, by_node) if each is not None]
    return min(found, key=lambda chosen: _price(draft, chosen)) if found else None


def _hopeless(draft: Draft, wanted: Ask, option: Option, candidates: Candidates) -> bool:
    """Whether the group would not fit even if all candidates left."""
    units = draft.units()
    everybody = units.pods(units.whole(candidates.units, draft.gone()))
    if enough.by_counting(draft, wanted, option):
        return not enough.fits_without(draft, wanted, option, everybody)
    world = draft.holdings.without(draft.later, everybody)
    return gang.find(wanted, [world], draft.quotas, option) is None


def _price(draft: Draft, chosen: Mask) -> tuple[int, float, int, float, int]:
    """The highest priority evicted, the work lost, the gangs broken, the energy wasted, the number of units."""
    units = draft.units()
    if not chosen.any():
        return (0, 0.0, 0, 0.0, 0)
    lost, wasted = float(units.lost[chosen].sum()), float(units.wasted[chosen].sum())
    highest = int(units.priority[chosen].max())
    return highest, lost, int((chosen & units.core).sum()), wasted, int(chosen.sum())


def _chosen(draft: Draft, wanted: Ask, option: Option, lines: Lines, candidates: Candidates) -> Mask | None:
    for domain in lines.cheapest_first()[:DOMAINS_TRIED]:
        line, length = lines.of(domain), int(lines.needed[domain])
        chosen = _sufficient(draft, wanted, option, candidates, line[:length])
        if chosen is None:
            chosen = _shortest(draft, wanted, option, candidates, line, length)
        if chosen is not None:
            return spare(draft, wanted, option, lines.rows_of(domain), chosen, candidates)
    return None


def _shortest(
    draft: Draft, wanted: Ask, option: Option, candidates: Candidates, line: Ints, too_few: int
) -> Mask | None:
    """About the shortest part of the line that suffices, longer than `too_few`: doubled, then halved."""

    def first(length: int) -> Mask | None:
        return _sufficient(draft, wanted, option, candidates, line[:length])

    length, chosen = too_few, None
    while chosen is None and length < len(line):
        too_few, length = length, min(len(line), max(1, 2 * length))
        chosen = first(length)
    while chosen is not None and length - too_few > max(1, length // COARSE):
        middle = (length + too_few) // 2
        if (shorter := first(middle)) is not None:
            length, chosen = middle, shorter
        else:
            too_few = middle
    return chosen


def _sufficient(
    draft: Draft, wanted: Ask, option: Option, candidates: Candidates, first: Ints
) -> Mask | None:
    """These units, and what else must go with them, if the group fits then."""
    units = draft.units()
    found = np.zeros(len(units.group), dtype=np.bool_)
    found[first] = True
    chosen = candidates.fulfilled(units, units.whole(found, draft.gone()), draft.gone())
    if chosen is not None:
        chosen = _cover_quota(draft, wanted, option, candidates, chosen)
    if chosen is None:
        return None
    return chosen if enough.fits_without(draft, wanted, option, units.pods(chosen)) else None


def _cover_quota(
    draft: Draft, wanted: Ask, option: Option, candidates: Candidates, chosen: Mask
) -> Mask | None:
    """The chosen with as many more as it takes for the group's queue to be allowed what it asks for; None if it never is."""
    if gang.within(wanted, [draft.later], draft.quotas, option):
        return chosen
    units, gone = draft.units(), draft.gone()
    world = draft.holdings.without(draft.later, units.pods(chosen))
    line = candidates.line()
    line = np.concatenate([line[chosen[line]], line[~chosen[line]]])
    line = line[candidates.owed(line)]
    for unit in line[~chosen[line]].tolist():
        if gang.within(wanted, [world], draft.quotas, option):
            break
        if chosen[unit] or not units.charges[unit, list(option.charges)].any():
            continue
        more = chosen.copy()
        more[unit] = True
        met = candidates.fulfilled(units, units.whole(more, gone), gone)
        if met is None:
            continue
        for change in draft.holdings.changes(units.pods(met & ~chosen)):
            world.release(change)
        chosen = met
    return chosen if gang.within(wanted, [world], draft.quotas, option) else None
