"""One cycle: from the world as it is to what shall be done about it."""

from collections.abc import Iterable, Iterator

from powertrain_scheduler import gang, order, why
from powertrain_scheduler.actions import allocate, backfill, preempt, reclaim
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.gang import Ask
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodGroup, Snapshot


def decide(snapshot: Snapshot, policy: Policy, now: float) -> Plan:
    """What to bind, evict and hold now, and why the rest waits; `now` in seconds since the epoch."""
    fleet = Fleet(snapshot)
    groups = sorted(snapshot.groups.values(), key=lambda group: group.name)
    # 1. Who is in line; the others are told what is missing.
    hindered = {group.name: wait for group in groups if (wait := why.hindered(fleet, group))}
    line = [group for group in groups if group.waiting and group.name not in hindered]
    if not line:
        return Plan(waits=tuple(hindered.values()))
    # 2. A working copy of the world, to try things on.
    draft = Draft(fleet, groups, policy, now)
    asks = {group.name: wanted for group in line if (wanted := gang.minimum(fleet, group))}
    for wanted in asks.values():
        if wanted.group.nominated:
            allocate.keep_nominated(draft, wanted)
    # 3. Every group's minimum, again until nobody gets more: what one gets may change whose turn it is.
    while serve(draft, asks):
        draft.cancel_reservation()
        asks |= {group.name: wanted for group in draft.broken() if (wanted := gang.minimum(fleet, group))}
    # 4. Members beyond the minimum, of groups that have theirs.
    satisfied = [draft.current(group) for group in line if group.name not in {*asks, *draft.held}]
    more = [wanted for group in satisfied if (wanted := gang.optional(fleet, group, draft.given(group)))]
    for wanted in in_turn(draft, more):
        allocate.extend(draft, wanted)
    # 5. What keeps the rest, and when it may expect to start.
    left = list(in_turn(draft, asks.values()))
    starts = backfill.estimates(draft, left)
    waits = [
        *hindered.values(),
        *why.held(draft),
        *(why.waits(draft, w, starts.get(w.group.name)) for w in left),
    ]
    return draft.plan(waits)


def serve(draft: Draft, asks: dict[str, Ask]) -> bool:
    """One pass over the line: whoever gets nodes, now or soon, leaves it; whether any did."""
    before = len(asks)
    for wanted in in_turn(draft, asks.values()):
        draft.let_go(wanted.group)
        if draft.current(wanted.group) is not wanted.group or settle(draft, wanted):
            del asks[wanted.group.name]
        elif draft.reservation is None:
            backfill.reserve(draft, wanted)
    return len(asks) < before


def settle(draft: Draft, wanted: Ask) -> bool:
    """The means in the order in which they are tried; each says whether it did."""
    alike = (wanted.likeness, wanted.group.priority)
    if draft.refused.get(alike) == draft.moment:
        return False
    done = (
        allocate.start(draft, wanted)
        or allocate.await_leaving(draft, wanted)
        or reclaim.make_room(draft, wanted)
        or preempt.make_room(draft, wanted)
    )
    if not done:
        draft.refused[alike] = draft.moment
    return done


def in_turn(draft: Draft, asks: Iterable[Ask]) -> Iterator[Ask]:
    """The asks in the order in which they are to be served, as things stand when each is reached."""
    by_name = {wanted.group.name: wanted for wanted in asks}

    def turn(queue: str, group: PodGroup) -> tuple[object, ...]:
        return draft.quotas.turn(draft.present(), queue, gang.asked(draft.fleet, by_name[group.name]))

    for group in order.line([wanted.group for wanted in by_name.values()], draft.fleet.paths, turn):
        yield by_name[group.name]
