"""Running groups move closer together, so that a group fits that waits for a whole node, rack or domain.

A move is an eviction with somewhere to go: every pod that leaves has a node held on which it starts
again, beside the group that the move is for. A gang moves whole, since it restarts whole, though some
of its pods may come back to the nodes they were on; members beyond the minimum move alone.

Nobody is moved for less than the move costs, nor so soon after the last time that it could go back
and forth.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from powertrain_scheduler import asks, gang
from powertrain_scheduler.actions import allocate, evict, prices
from powertrain_scheduler.actions.candidates import Candidates
from powertrain_scheduler.actions.lines import usable
from powertrain_scheduler.actions.resettle import Moves, resettle
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.snapshot import PodGroup

SEARCHES = 8
"""Most waiting groups of a cycle for which moves are looked for."""
TRIES = 5
"""Most sets of groups tried for one that waits: whoever finds no new place stays, and another is tried."""


def make_room(draft: Draft, wanted: Ask) -> bool:
    """Moves others out of the group's way and holds its room; False, and nobody moved, if that won't do."""
    if not draft.policy.consolidate or draft.move_searches >= SEARCHES or not draft.possible(wanted):
        return False
    if draft.evicting >= draft.policy.evicting_groups:
        return False
    return any(_with(draft, wanted, option) for option in wanted.options)


def _with(draft: Draft, wanted: Ask, option: Option) -> bool:
    if not gang.within(wanted, draft.worlds_later(wanted.group), draft.quotas, option):
        return False
    if not _enough_idle(draft, wanted, option) or not _enough_free(draft, wanted, option):
        return False
    movable = draft.movable(wanted.group)
    if not movable.any() or _too_many(draft, wanted, option, movable):
        return False
    draft.move_searches += 1
    moves = _search(draft, wanted, option, movable)
    if moves is None or not prices.worth_it(draft, wanted, moves.units):
        return False
    draft.move(moves.pods, wanted.group.name, moves.back)
    allocate.hold(draft, wanted, moves.placement)
    return True


def _enough_free(draft: Draft, wanted: Ask, option: Option) -> bool:
    """Whether as much is free in all as the group needs: moves put free room together and make none."""
    have, used = draft.fleet.facts.allocatable, draft.later.used
    for need in wanted.needs:
        nodes = usable(draft, wanted, need, option)
        columns = need.traits.columns
        free = np.maximum(have[np.ix_(nodes, columns)] - used[np.ix_(nodes, columns)], 0).sum(axis=0)
        free += [_left_of_split(draft, nodes, column) for column in columns.tolist()]
        if (free < need.traits.amounts * len(need.pods)).any():
            return False
    return True


def _enough_idle(draft: Draft, wanted: Ask, option: Option) -> bool:
    """The same of devices alone, quickly asked: a number that the session keeps."""
    if draft.later.shares or any(need.traits.share for need in wanted.needs):
        return True  # parts of devices make whole ones together
    accelerators = range(len(draft.fleet.accelerators))
    return sum(option.charges.get(kind, 0) for kind in accelerators) <= DEVICE * draft.later.idle()


def _left_of_split(draft: Draft, nodes: Mask, column: int) -> int:
    """Whole devices that the free parts of split ones would make together."""
    split = draft.later.shares.get(column)
    if split is None:
        return 0
    return int(np.where(split > 0, DEVICE - split, 0)[nodes].sum()) // DEVICE


def _too_many(draft: Draft, wanted: Ask, option: Option, movable: Mask) -> bool:
    """Whether more groups would have to move than may, wherever they are: proven by devices, without a search."""
    need, column = wanted.needs[0], wanted.needs[0].traits.device_column
    each = int(need.traits.vector[column]) if column >= 0 else 0
    if not each or draft.fleet.snapshot.shared:
        return False
    nodes = usable(draft, wanted, need, option)
    free = draft.fleet.facts.allocatable[nodes, column] - draft.later.used[nodes, column]
    more = len(need.pods) - int((np.maximum(free, 0) // each).sum())
    if more <= 0:
        return False
    lacking = np.sort(each - np.maximum(free, 0) % each)[:more]
    least = int(lacking.sum()) + each * max(0, more - len(lacking))
    holdings, pods = draft.holdings, draft.units().pods(movable)
    devices = np.bincount(holdings.group[pods], weights=holdings.vectors[holdings.traits[pods], column])
    return bool(least > draft.policy.moving_groups * devices.max(initial=0.0))


def _search(draft: Draft, wanted: Ask, option: Option, movable: Mask) -> Moves | None:
    """Whom to move and where to, the cheapest first."""
    units = draft.units()
    anybody = np.full(len(units.group), -1, dtype=np.int64)
    nothing: Ints = np.zeros((max(len(units.group), len(draft.fleet.queue_list)), 0), dtype=np.int64)
    for _ in range(TRIES):
        candidates = Candidates(movable, anybody, nothing, nothing, units.rank)
        chosen = evict.choose(draft, wanted, option, candidates)
        if chosen is None or not chosen.any():
            return None
        groups = np.unique(units.group[chosen])
        if len(groups) > draft.policy.moving_groups:
            return None
        found = resettle(draft, wanted, option, chosen)
        if not isinstance(found, PodGroup):
            return found
        movable = movable & (units.group != draft.holdings.number_of[found.name])
    return None


# -- between leaving and starting again -------------------------------------------------------------


def moved(groups: Iterable[PodGroup], since: float) -> dict[str, PodGroup]:
    """By name, the groups that were told to move and have yet to start again, as they will be then."""
    lately = (
        group for group in groups if group.nominated and group.moved is not None and group.moved >= since
    )
    again = {group.name: _again(group) for group in lately}
    return {name: group for name, group in again.items() if group.waiting}


def _again(group: PodGroup) -> PodGroup:
    """The group once its pods wait that are leaving now, or are gone and not made anew yet."""
    leaving = tuple(pod.waits() for pod in group.placed if pod.leaving)
    here = tuple(pod for pod in group.placed if not pod.leaving)
    missing = max(0, group.min_member - len(here))
    number = max(missing, len(group.waiting), len(group.moving), len(leaving))
    return replace(group, placed=here, waiting=(*group.waiting, *group.moving, *leaving)[:number], moving=())


def wanted_again(draft: Draft, groups: Mapping[str, PodGroup]) -> list[Ask]:
    """All that groups will ask for that were told to move, members beyond their minimum included."""
    return [asks.ask(draft.fleet, group, group.waiting) for group in groups.values()]


def keep_the_rest(draft: Draft, wanted: Ask) -> None:
    """A group that was told to move has its minimum: the room of its other members stays kept for them."""
    group = wanted.group
    mine = group.nominated and group.moved is not None and group.name in draft.placed
    if mine and (more := draft.optional(group)) is not None:
        allocate.keep_nominated(draft, [more])
