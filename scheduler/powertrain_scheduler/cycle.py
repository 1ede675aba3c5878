"""One cycle: from the world as it is to what shall be done about it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from powertrain_scheduler import asks, order, shapes, why
from powertrain_scheduler.actions import (
    allocate,
    backfill,
    choose,
    consolidate,
    estimates,
    grow,
    patience,
    preempt,
    reclaim,
    takeover,
)
from powertrain_scheduler.actions.choose import Ranked
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodGroup, Snapshot


def decide(snapshot: Snapshot, policy: Policy, now: float) -> Plan:
    """What to bind, evict and hold now, and why the rest waits; `now` in seconds since the epoch."""
    return work_out(snapshot, policy, now).plan


class Outcome(NamedTuple):
    """A plan, and for those who want to know more the worlds it was made in."""

    plan: Plan
    draft: Draft | None = None
    """None where nobody was in line."""
    left: tuple[Ask, ...] = ()
    """What was not served, in the order of the line."""


def work_out(snapshot: Snapshot, policy: Policy, now: float) -> Outcome:
    """The plan, step by step."""
    # 1. Who wants something. Those who can't be in line yet are told what is missing.
    lost = why.lost(snapshot)
    groups = sorted((wishes(group, policy) for group in concerned(snapshot)), key=lambda group: group.name)
    if not groups:
        return Outcome(Plan(lost=lost))
    fleet = Fleet(snapshot, policy)
    hindered = {group.name: wait for group in groups if (wait := why.hindered(fleet, group))}
    line = [group for group in groups if group.waiting and group.name not in hindered]
    moved = consolidate.moved(groups, now - policy.move_rest_seconds)
    if not line and not moved:
        return Outcome(Plan(waits=tuple(hindered.values()), lost=lost))
    # 2. A working copy of the world, with what earlier cycles made room for kept aside.
    draft = Draft(fleet, policy, now)
    wants = {group.name: wanted for group in line if (wanted := asks.minimum(fleet, group))}
    nominated = [each for each in wants.values() if each.group.nominated and each.group.name not in moved]
    allocate.keep_nominated(draft, in_turn(draft, nominated))
    allocate.keep_nominated(draft, consolidate.wanted_again(draft, moved))
    # 3. Every group's minimum, again until nobody gets more: what one gets may change whose turn it is.
    while serve(draft, wants):
        draft.cancel_reservations()
        broken = [asks.careful(group, policy) for group in draft.broken()]
        wants |= {group.name: wanted for group in broken if (wanted := asks.minimum(fleet, group))}
    # 4. Members beyond the minimum, of groups that have theirs.
    served = {*wants, *draft.held, *draft.moved}
    named = [group.name for group in line if group.name not in served]
    settled = [draft.current(asks.careful(snapshot.groups[name], policy)) for name in named]
    more = grow.grow(draft, settled, in_turn)
    # 5. What keeps the rest, and when it may expect to start.
    if not policy.tell:
        return Outcome(draft.plan([]), draft)
    left = [draft.best(wanted) for wanted in in_turn(draft, wants.values())]
    starts = estimates.starts(draft, left)
    waits = [why.waits(draft, wanted, starts.get(wanted.group.name)) for wanted in left]
    waits += [why.more(draft, wanted) for wanted in more]
    return Outcome(draft.plan([*hindered.values(), *why.held(draft), *waits], lost), draft, tuple(left))


def wishes(group: PodGroup, policy: Policy) -> PodGroup:
    """The group as it is to be served: in the shape that is its choice, and off nodes that keep failing it."""
    return asks.careful(shapes.chosen(group), policy)


def concerned(snapshot: Snapshot) -> list[PodGroup]:
    """Groups about which there may be something to decide or to tell: not those that run in full numbers."""
    return [
        group
        for group in snapshot.groups.values()
        if group.waiting or group.gated or group.started is None or group.nominated
    ]


def serve(draft: Draft, wants: dict[str, Ask]) -> bool:
    """One pass over the line: whoever gets nodes, now or soon, leaves it; whether any did."""
    before = len(wants)
    patience.serve(draft, wants)
    prospects = choose.prospects(draft, wants.values())
    for wanted in in_turn(draft, wants.values()):
        draft.let_go(wanted.group)
        ranked = choose.ranked(draft, wanted, prospects)
        if draft.current(wanted.group) is not wanted.group or settle(draft, ranked):
            del wants[wanted.group.name]
            consolidate.keep_the_rest(draft, wanted)
        elif not asks.departs(wanted.group):
            backfill.reserve(draft, ranked.best)
    return len(wants) < before


def settle(draft: Draft, ranked: Ranked) -> bool:
    """The means in the order in which they are tried; each says whether it did."""
    wanted = ranked.best
    alike = (*(each.likeness for each in ranked.asks), wanted.group.priority)
    if draft.refused.get(alike) == draft.moment:
        return False
    done = allocate.start(draft, wanted) or (
        not asks.departs(wanted.group)
        and (
            allocate.await_leaving(draft, wanted)
            or takeover.take(draft, wanted)
            or any(consolidate.make_room(draft, each) for each in ranked.worth_evicting)
            or any(
                reclaim.make_room(draft, each) or preempt.make_room(draft, each)
                for each in ranked.worth_evicting
            )
        )
    )
    if not done:
        draft.refused[alike] = draft.moment
    return done


def in_turn(draft: Draft, wants: Iterable[Ask]) -> Iterator[Ask]:
    """The asks in the order in which they are to be served, as things stand when each is reached."""
    by_name = {wanted.group.name: wanted for wanted in wants}

    def turn(queue: str, group: PodGroup) -> tuple[object, ...]:
        return draft.turns.key(draft.present(), queue, by_name[group.name].asked())

    place = order.places(draft.fleet.queues, draft.time, draft.lasts)
    for group in order.line([wanted.group for wanted in by_name.values()], draft.fleet.paths, turn, place):
        yield by_name[group.name]
