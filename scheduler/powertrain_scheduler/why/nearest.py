"""The nearest changes that would let a waiting group start, each tried before it is told.

One thing is changed and the same search asked again, in the worlds as the plan leaves them: so
what is told holds for the group alone, once those before it have what they get.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, takewhile
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import asks, gang, kinds
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.changes import (
    AllowedNodes,
    Change,
    EndsSooner,
    Evictable,
    FewerMembers,
    HigherPriority,
    MoreQuota,
    OtherTopology,
    Raise,
    WithoutRule,
)
from powertrain_scheduler.changes.group import OfGroup
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fit import others, rules
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.gang import company
from powertrain_scheduler.quota import Quotas
from powertrain_scheduler.snapshot import PodGroup
from powertrain_scheduler.why import room

RULES_TRIED = 4
ONE_BY_ONE, HALVED_ONE_BY_ONE = 64, 16
"""Where pods are placed one by one, a search takes as many steps: most pods for which the largest minimum that
might do is tried, and the largest minimum for which others are tried as well."""
LIMITS = 8
"""Most limits raised at once, one above the other."""

Changes = tuple[Change, ...]


class _Case(NamedTuple):
    """A group that waits, and what has to be changed beside anything else."""

    draft: Draft
    wanted: Ask
    worlds: room.Worlds
    quotas: Quotas | None
    """None: the quota is among `beside`."""
    option: Option | None
    """The accelerators that `beside` raises the quota of."""
    beside: Changes

    def fits(self, wanted: Ask, worlds: room.Worlds | None = None) -> bool:
        return gang.find(wanted, worlds or self.worlds, self.quotas, self._same(wanted)) is not None

    def asked(self, change: OfGroup) -> Ask | None:
        return asks.minimum(self.draft.fleet, change.to(self.wanted.group))

    def helps(self, change: OfGroup) -> bool:
        other = self.asked(change)
        return other is not None and self.fits(other)

    def _same(self, wanted: Ask) -> Option | None:
        if self.option is None:
            return None
        return next((o for o in wanted.options if o.accelerators == self.option.accelerators), self.option)


def nearest(draft: Draft, wanted: Ask, most: int) -> tuple[Changes, ...]:
    """Up to `most` sets of changes, of which each would do by itself; the nearest first."""
    return tuple(islice(_ways(draft, wanted), most))


def _ways(draft: Draft, wanted: Ask) -> Iterator[Changes]:
    case = _Case(draft, wanted, _worlds(draft, wanted.group), draft.quotas, None, ())
    alone: tuple[Change, ...] = ()
    if wanted.options and not any(
        gang.within(wanted, draft.present(), draft.quotas, option) for option in wanted.options
    ):
        if not wanted.group.preemptible and case.helps(Evictable()):
            yield (Evictable(),)
        raised = _more_quota(draft, wanted)
        if raised is None:
            return
        change, option = raised
        within, case = case, case._replace(quotas=None, option=option, beside=(change,))
        if case.fits(wanted):
            yield case.beside
            return
        alone = tuple(_fewer(within))
        yield from ((change,) for change in alone)
    for way in (_sooner, _room, _topology, _fewer, _nodes_allowed, _rule, _priority):
        yield from ((one, *case.beside) for one in way(case) if one not in alone)


def _worlds(draft: Draft, group: PodGroup) -> room.Worlds:
    """Where it must have room to start now: not in the way of reservations, its own and later ones apart."""
    own = draft.promises.of(group.name)
    if own is None:
        return draft.worlds_now(group)
    end, there = draft.end(group), []
    for promise in takewhile(lambda each: each is not own, draft.promises.made):
        if end is None or end > promise.reserve.start:
            there.append(promise.then.copy())
            if promise.reserve.start > own.reserve.start:
                for change in own.placement.changes():
                    there[-1].release(change)
    return (*draft.present(), *there)


# -- one thing after another ------------------------------------------------------------------------


def _sooner(case: _Case) -> Iterator[Change]:
    draft, group = case.draft, case.wanted.group
    promises = draft.concerning(group)
    if promises and group.started is None and case.fits(case.wanted, draft.present()):
        first = min(promise.reserve.start for promise in promises)
        if (seconds := int((first - draft.time) / draft.ratio(group))) > 0:
            yield EndsSooner(float(seconds))


def _room(case: _Case) -> Iterator[Change]:
    """The least that must get free, for the accelerators of which that is least."""
    fleet, wanted = case.draft.fleet, case.wanted
    options = wanted.options if case.option is None else (case.option,)
    found = []
    for option in options:
        if case.quotas is None or gang.within(wanted, case.worlds, case.quotas, option):
            more = room.more_room(fleet, wanted, case.worlds, option)
            if more is not None and more.pieces:
                found.append(more)
    found.sort(key=lambda more: sum(amount for piece in more.pieces for _, amount in piece.amounts[:1]))
    for more in found:
        if case.fits(wanted, room.freed(case.worlds, more)):
            yield more
            return


def _topology(case: _Case) -> Iterator[Change]:
    """The narrowest wider level that would do, else the level as a wish."""
    group, wanted = case.wanted.group, case.wanted
    must = group.topology.required
    if must is None:
        return
    wider = [OtherTopology(key, must) for key in _wider(case.draft.fleet, wanted, must)]
    for change in (*wider, OtherTopology(None, must)):
        if case.helps(change):
            yield change
            return


def _wider(fleet: Fleet, wanted: Ask, level: str) -> list[str]:
    """Keys of the levels above that one in the pools of accelerators that would do, the narrowest first."""
    chosen = {fleet.kinds[number] for option in wanted.options for number in option.charges}
    for pool in sorted(fleet.snapshot.pools, key=lambda pool: (pool.accelerator not in chosen, pool.name)):
        if level in pool.levels:
            return list(reversed(pool.levels[: pool.levels.index(level)]))
    return []


def _fewer(case: _Case) -> Iterator[Change]:
    """The largest minimum that would do."""
    group = case.wanted.group
    if group.subgroups or group.topology.slices:
        return
    there = sum(not pod.leaving for pod in group.placed)
    fitting, too_many = max(1, there), group.min_member
    if _one_by_one(case):
        most = there + _most(case)
        if fitting <= most < too_many and most <= ONE_BY_ONE and case.helps(FewerMembers(most)):
            yield FewerMembers(most)
            return
        if too_many > HALVED_ONE_BY_ONE:
            return
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        fitting, too_many = (middle, too_many) if case.helps(FewerMembers(middle)) else (fitting, middle)
    if fitting < group.min_member and (fitting > max(1, there) or case.helps(FewerMembers(fitting))):
        yield FewerMembers(fitting)


def _one_by_one(case: _Case) -> bool:
    """Whether the group's pods can only be placed one after another."""
    traits = (need.traits for need in case.wanted.needs)
    return any(
        company.heeds(case.worlds, each) and not company.settled(case.worlds, each, False) for each in traits
    )


def _most(case: _Case) -> int:
    """No more of the group's pods find room, whatever the order, where they are of one class."""
    traits = case.wanted.needs[0].traits
    room = gang.room(case.worlds, traits, None)
    return others.most(case.worlds[0], traits, room) if len(case.wanted.needs) == 1 else len(case.wanted.pods)


def _nodes_allowed(case: _Case) -> Iterator[Change]:
    group = case.wanted.group
    avoided = tuple(sorted({*group.excluded_nodes, *group.failures}))
    if avoided and case.helps(AllowedNodes(avoided)):
        yield AllowedNodes(avoided)


def _rule(case: _Case) -> Iterator[Change]:
    """One rule of the pods' own that keeps them from nodes on which there is room."""
    for change in list(_rules(case))[:RULES_TRIED]:
        if case.helps(change):
            yield change
            return


def _rules(case: _Case) -> Iterator[WithoutRule]:
    facts = case.draft.fleet.facts
    classes = [need.traits.pod_class for need in case.wanted.needs]
    for key, value in sorted({pair for each in classes for pair in each.node_selector}):
        yield WithoutRule("selector", key, value)
    if any(each.node_terms for each in classes):
        yield WithoutRule("affinity")
    kept = {
        taint
        for taints in set(facts.taints)
        for taint in taints
        if taint.effect in rules.HOLDING_EFFECTS
        and not all(rules.tolerated(taint, each.tolerations) for each in classes)
    }
    for taint in sorted(kept, key=lambda each: (each.key, each.value)):
        yield WithoutRule("taint", taint.key, taint.value)


def _priority(case: _Case) -> Iterator[Change]:
    """The least priority at which others of the queue could be evicted for it."""
    draft, wanted = case.draft, case.wanted
    if not draft.policy.preempt or asks.departs(wanted.group):
        return
    units = draft.units()
    mine = (units.queue == draft.fleet.queue_row[wanted.group.queue]) & ~draft.untouchable()
    mine &= units.group != draft.holdings.number_of.get(wanted.group.name, -1)
    levels = np.unique(units.priority[mine & (units.priority >= wanted.group.priority)]).tolist()

    def frees(level: int) -> bool:
        gone = units.whole(mine & (units.priority <= level), draft.gone())
        return case.fits(wanted, draft.worlds_without(wanted.group, units.pods(gone)))

    if level := _least(levels, frees):
        yield HigherPriority(level[0])


def _least(levels: list[int], enough: Callable[[int], bool]) -> list[int]:
    """The first of the levels that is enough, as all after it are; empty for none."""
    if not levels or not enough(levels[-1]):
        return []
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(levels[middle]) else (middle + 1, high)
    return [levels[low]]


# -- quota ------------------------------------------------------------------------------------------


def _more_quota(draft: Draft, wanted: Ask) -> tuple[MoreQuota, Option] | None:
    """The least raise of limits that lets the queue take the ask, and for which accelerators."""
    found = [(change, option) for option in wanted.options if (change := _raised(draft, wanted, option))]
    return min(found, key=lambda each: sum(one.by for one in each[0].raises), default=None)


def _raised(draft: Draft, wanted: Ask, option: Option) -> MoreQuota | None:
    """One limit after another, until none is in the way."""
    raises: dict[tuple[str, str], Raise] = {}
    quotas = draft.quotas
    for _ in range(LIMITS):
        found = _first_limit(draft, wanted, option, quotas)
        if found is None:
            return MoreQuota(tuple(raises.values()))
        if found.kind not in draft.fleet.queues[found.queue].quotas:
            return None
        raises[found.queue, found.kind] = _together(raises.get((found.queue, found.kind)), found)
        fleet = copy.copy(draft.fleet)
        fleet.queues = MoreQuota(tuple(raises.values())).to(draft.fleet.queues)
        fleet.queue_list = tuple(fleet.queues.values())
        quotas = Quotas(fleet)
    return None


def _together(before: Raise | None, more: Raise) -> Raise:
    """Both raises of one queue as one: what is raised in `nominal` raises the limit as well."""
    if before is None:
        return more
    if before.field == more.field:
        return replace(more, by=before.by + more.by)
    return replace(more, field="nominal", by=max(before.by, more.by))


def _first_limit(draft: Draft, wanted: Ask, option: Option, quotas: Quotas) -> Raise | None:
    for kind, amount in option.charges.items():
        bounds = [quotas.bound(world, wanted.group, kind) for world in draft.present()]
        bound = min(bounds, key=lambda each: each.room)
        if amount > bound.room:
            field = "borrowing_limit" if bound.rule == "limit" else "nominal"
            unit = kinds.DEVICE if kind < len(draft.fleet.accelerators) else 1
            return Raise(bound.queue, bound.kind, field, -((bound.room - amount) // unit))
    return None
