"""What was tried for a group, means by means, and how each ended."""

from collections.abc import Iterator

import numpy as np

from powertrain_scheduler import asks, gang, words
from powertrain_scheduler.actions import claims
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.cycle import Outcome
from powertrain_scheduler.draft import CONSOLIDATED, PREEMPTED, RECLAIMED, Draft
from powertrain_scheduler.explain.record import Means, Step
from powertrain_scheduler.plan import Wait
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PodGroup


def for_waiting(outcome: Outcome, group: PodGroup, ask: Ask | None, wait: Wait) -> tuple[Step, ...]:
    """Of a group that got no nodes; empty where it was not in line."""
    if outcome.draft is None:
        return ()
    if wait.reason is Reason.WAITING_FOR_EVICTION:
        return tuple(_held(outcome, outcome.draft, group, wait))
    return tuple(_tried(outcome.draft, ask, wait)) if ask is not None else ()


def for_started(outcome: Outcome, group: PodGroup) -> tuple[Step, ...]:
    """Of a group that got nodes."""
    evicted = _evicted_for(outcome, group)
    if evicted is None:
        return (Step(Means.START, True, "enough is free now"),)
    return (Step(Means.START, False, "too little was free before others were told to leave"), evicted)


def _held(outcome: Outcome, draft: Draft, group: PodGroup, wait: Wait) -> Iterator[Step]:
    yield Step(Means.START, False, "what it needs is not free yet")
    yield _evicted_for(outcome, group) or Step(Means.AWAIT, True, wait.message)


def _evicted_for(outcome: Outcome, group: PodGroup) -> Step | None:
    mine = [evict for evict in outcome.plan.evicts if evict.for_group == group.name]
    if not mine:
        return None
    means = _MEANS[mine[0].reason]
    owners = sorted({evict.group for evict in mine})
    pods, groups = words.counted(len(mine), "pod"), words.counted(len(owners), "group")
    told = "move out of its way" if means is Means.MOVE else "must leave for it"
    return Step(means, True, f"{pods} of {groups} {told}: {words.some(owners, 'group')}")


_MEANS = {CONSOLIDATED: Means.MOVE, RECLAIMED: Means.RECLAIM, PREEMPTED: Means.PREEMPT}


# -- nothing helped ---------------------------------------------------------------------------------


def _tried(draft: Draft, ask: Ask, wait: Wait) -> Iterator[Step]:
    yield Step(Means.START, False, wait.message)
    if asks.departs(ask.group):
        yield Step(
            Means.AWAIT, False, "all its own pods are leaving: until they are gone it has no claim on more"
        )
        return
    yield Step(Means.AWAIT, False, _awaiting(draft))
    if not draft.possible(ask):
        yield Step(Means.MOVE, False, "it would not fit even with nothing else running")
        yield Step(Means.RECLAIM, False, "it would not fit even with nothing else running")
        yield Step(Means.PREEMPT, False, "it would not fit even with nothing else running")
    else:
        yield Step(Means.MOVE, False, _moving(draft, ask))
        yield Step(Means.RECLAIM, False, _reclaiming(draft, ask))
        yield Step(Means.PREEMPT, False, _preempting(draft, ask))
    yield _reserved(draft, ask) or Step(Means.RESERVE, False, _reserving(draft, ask))


def _reserved(draft: Draft, ask: Ask) -> Step | None:
    promise = draft.promises.of(ask.group.name)
    if promise is None:
        return None
    if not promise.known:
        told = "nobody may start in its way, though nobody can tell when it starts"
        return Step(Means.RESERVE, True, told)
    many = len(promise.reserve.nodes)
    nodes, start = words.counted(many, "node"), words.moment(promise.reserve.start)
    return Step(Means.RESERVE, True, f"{nodes} {'is' if many == 1 else 'are'} kept for it from {start} on")


def _awaiting(draft: Draft) -> str:
    leaving = int((draft.holdings.leaving | draft.evicted).sum())
    if not leaving:
        return "no pod is leaving"
    return f"nor would it fit once the {words.counted(leaving, 'pod')} that leave now are gone"


def _moving(draft: Draft, ask: Ask) -> str:
    if not draft.policy.consolidate:
        return "switched off"
    if not draft.movable(ask.group).any():
        return "nobody in its way may be moved"
    return "moving others does not make room for it, leaves one of them without a place, or costs more than it gains"


def _reclaiming(draft: Draft, ask: Ask) -> str:
    if not draft.policy.reclaim:
        return "switched off"
    if any(claims.owed(draft, ask, option) is not None for option in ask.options):
        return "evicting all that other queues hold beyond theirs is not enough"
    amounts = {kind: option.charges[kind] for option in ask.options for kind in claims.counted(draft, option)}
    if not amounts:
        return "it asks for nothing that quotas count"
    told = (_not_owed(draft, ask, kind, amount) for kind, amount in amounts.items())
    return next((each for each in told if each), "no other queue holds more than is its own")


def _not_owed(draft: Draft, ask: Ask, kind: int, amount: int) -> str:
    """Why the group's queue has no claim to as much; empty where it has."""
    quotas, name, rules = (
        draft.quotas,
        draft.fleet.kinds[kind],
        draft.fleet.queues[ask.group.queue].preemption,
    )
    if rules.across == "never":
        return f"queue {ask.group.queue} never evicts work of others"
    rows = [row for row in draft.fleet.ancestry[ask.group.queue] if quotas.entry[row, kind]]
    if not rows:
        return f"neither queue {ask.group.queue} nor a parent of it owns {name}"
    held, own = int(draft.later.held[rows[0], kind]), int(quotas.nominal[rows[0], kind])
    share = int(draft.shares()[rows[0], kind])
    if held + amount <= max(own, share):
        return ""
    queue = draft.fleet.queue_list[rows[0]].name
    whose = (
        f"{words.of_kind(name, share)} of its share"
        if share > own
        else f"{words.of_kind(name, own)} that are its own"
    )
    return f"queue {queue} holds {words.plain(name, held)} of the {whose}, so {words.plain(name, amount)} more are not owed to it"


def _preempting(draft: Draft, ask: Ask) -> str:
    if not draft.policy.preempt:
        return "switched off"
    units, group = draft.units(), ask.group
    lower = (units.queue == draft.fleet.queue_row[group.queue]) & (units.priority < group.priority)
    count = len(np.unique(units.group[lower & ~draft.untouchable()]))
    if not count:
        return f"nobody of a priority below {group.priority} that may be evicted runs in queue {group.queue}"
    groups = words.counted(count, "group")
    return f"evicting the {groups} of lower priority in queue {group.queue} is not enough"


def _reserving(draft: Draft, ask: Ask) -> str:
    if not draft.policy.backfill:
        return "switched off"
    if not draft.possible(ask):
        return "it would not fit even with nothing else running"
    if not any(gang.within(ask, draft.present(), draft.quotas, option) for option in ask.options):
        return "its queue's quota keeps it back, which must not become a limit for other queues"
    if draft.promises.made:
        first = draft.promises.made[0].reserve.group
        return f"others are before it in line, first {first}; it is counted in the estimates only"
    return "the running work in its way does not say when it ends"
