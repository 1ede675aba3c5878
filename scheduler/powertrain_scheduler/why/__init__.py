"""Why a group waits: a reason from the closed set, and one sentence with numbers for its owner.

Everything is told as it stands at the end of the cycle, nodes that others were given or that
are held for them counted as used.
"""

from collections.abc import Iterator

import numpy as np

from powertrain_scheduler import fit, gang, minimum, quota, words
from powertrain_scheduler.asks import Ask, Need
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.draft.promises import Promise
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.kinds import GROUPS
from powertrain_scheduler.plan import Wait
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PodGroup
from powertrain_scheduler.why import nearest, telling
from powertrain_scheduler.why.lack import Why, excluded, lack
from powertrain_scheduler.why.lost import lost as lost

WAYS_TOLD = 2
"""Changes that are told with a wait; a record has more."""

# -- before anything is tried -----------------------------------------------------------------------


def hindered(fleet: Fleet, group: PodGroup) -> Wait | None:
    """What keeps a group from being tried at all, or None."""
    if not group.exists and group.waiting:
        pods = words.counted(len(group.waiting), "pod")
        told = f"{pods} name pod group {group.name}, which does not exist"
        return Wait(group.name, Reason.POD_GROUP_NOT_FOUND, told)
    if group.waiting and (wrong := minimum.problem(group)) is not None:
        return Wait(group.name, Reason.INVALID_POD_GROUP, f"the group can't be meant as it is: {wrong}")
    needed = minimum.missing(group)
    if not needed or (group.started is not None and not group.waiting and not group.gated):
        return None
    found = _hindered(fleet, group)
    return Wait(group.name, *found) if found else None


def _hindered(fleet: Fleet, group: PodGroup) -> Why | None:
    if (problem := quota.problem(fleet, group.queue)) is not None:
        return problem
    least = minimum.of(group)
    if not least.short:
        return None
    there = len(least.placed) + len(least.waiting)
    needed = there + least.short
    if group.gated:
        gated = words.counted(group.gated, "pod")
        return (
            Reason.SCHEDULING_GATED,
            f"{gated} carry scheduling gates; {there} of {needed} are free to go",
        )
    return Reason.WAITING_FOR_PODS, f"{there} of the {needed} pods it needs exist{_strays(group)}"


def _strays(group: PodGroup) -> str:
    """Of a group of parts, pods that name none of them, as the tail of a sentence: most likely a wrong label."""
    parts = {part.name for part in group.subgroups}
    if not parts:
        return ""
    named = [*(pod.subgroup for pod in group.placed), *(pod.subgroup for pod in group.waiting)]
    stray = sum(name not in parts for name in named)
    return f"; {words.counted(stray, 'more pod')} in none of its parts" if stray else ""


# -- after everything was tried ---------------------------------------------------------------------


def held(draft: Draft) -> Iterator[Wait]:
    """Groups for which room is being made."""
    if not draft.held:
        return
    left: Mask = np.array(draft.fleet.snapshot.leaving.any(axis=1), dtype=np.bool_)
    left[draft.holdings.row[draft.evicted]] = True
    for name, placement in draft.held.items():
        nodes = draft.node_names(placement)
        vacated = int(left[[draft.fleet.row_of[node] for node in nodes]].sum())
        held_nodes = words.counted(len(nodes), "node")
        if not vacated and not draft.is_made(placement.group):
            why_so = draft.preferred[name][1]()
            yield Wait(
                name, Reason.CHANGING_SHAPE, f"{held_nodes} held while its pods are made anew: {why_so}"
            )
            continue
        message = (
            f"pods have yet to leave {vacated} of the {held_nodes} held for it"
            if vacated
            else f"{held_nodes} {'is' if len(nodes) == 1 else 'are'} held for it until pods elsewhere have left, whose quota it needs"
        )
        yield Wait(name, Reason.WAITING_FOR_EVICTION, message)


def waits(draft: Draft, wanted: Ask, start: float | None) -> Wait:
    """Why the group got nothing, when it may expect to start, and what would let it start."""
    if wanted.group.name in draft.by_choice:
        return Wait(
            wanted.group.name, Reason.WAITING_FOR_SHAPE, draft.preferred[wanted.group.name][1](), start
        )
    key = (wanted.likeness, wanted.group.priority)
    if key not in draft.told:
        looked_for = len(draft.told) < draft.policy.nearest_changes
        draft.told[key] = *explain(draft, wanted), _nearest(draft, wanted) if looked_for else ""
    reason, message, way = draft.told[key]
    return Wait(wanted.group.name, reason, message, start, way)


def more(draft: Draft, wanted: Ask) -> Wait:
    """Why a group that has its minimum gets no more: `wanted` is what it asked for first of what it did not get."""
    key = ("more", wanted.likeness)
    if key not in draft.told:
        found = _no_node_matches(draft, wanted) or _over_quota(draft, wanted) or _no_room(draft, wanted)
        draft.told[key] = *found, ""
    reason, message, _ = draft.told[key]
    return Wait(wanted.group.name, reason, message)


def _nearest(draft: Draft, wanted: Ask) -> str:
    return telling.sentence(wanted.group, nearest.nearest(draft, wanted, WAYS_TOLD))


def explain(draft: Draft, wanted: Ask) -> Why:
    """The first thing that stands in its way, from what never changes to what changes soonest."""
    return (
        _no_node_matches(draft, wanted)
        or _never_fits(draft, wanted)
        or _over_quota(draft, wanted)
        or _reserved(draft, wanted)
        or _no_room(draft, wanted)
    )


def _no_node_matches(draft: Draft, wanted: Ask) -> Why | None:
    if not draft.fleet.facts.names:
        return Reason.NO_MATCHING_NODES, "the cluster has no nodes"
    for need in wanted.needs:
        if not (fit.may(draft.fleet, need.traits) & ~excluded(draft.fleet, wanted)).any():
            return Reason.NO_MATCHING_NODES, _histogram(draft.fleet, wanted, need)
    return None


def _histogram(fleet: Fleet, wanted: Ask, need: Need) -> str:
    """Each node counted once, at the first check it fails, as kube-scheduler tells it."""
    left = np.ones(fleet.size, dtype=np.bool_)
    told = []
    checks = [
        *fit.checks(fleet.facts, need.traits.pod_class),
        ("are cordoned or not ready", fleet.facts.schedulable),
        ("failed this group before", ~excluded(fleet, wanted)),
    ]
    for failing, passed in checks:
        if count := int((left & ~passed).sum()):
            told.append(f"{count} {failing}")
        left &= passed
    return f"{int(left.sum())}/{words.counted(fleet.size, 'node')} match: {', '.join(told)}"


def _never_fits(draft: Draft, wanted: Ask) -> Why | None:
    if draft.possible(wanted):
        return None
    return (
        Reason.NEVER_FITS,
        f"{lack(draft.fleet, wanted, (draft.empty(),), None)[1]}, even with nothing else running",
    )


def _over_quota(draft: Draft, wanted: Ask) -> Why | None:
    """Told only where no accelerator that would do is within quota."""
    group, told = wanted.group, ""
    for option in wanted.options:
        if gang.within(wanted, draft.present(), draft.quotas, option):
            return None
        for kind, amount in option.charges.items():
            bounds = [draft.quotas.bound(world, group, kind) for world in draft.present()]
            bound = min(bounds, key=lambda each: each.room)
            if amount > bound.room:
                told = told or _quota_sentence(bound, amount)
    return (Reason.QUOTA_EXCEEDED, told) if told else None


def _quota_sentence(bound: quota.Bound, asked: int) -> str:
    if bound.kind == GROUPS:
        return f"queue {bound.queue} runs {words.counted(bound.used, 'group')} of at most {bound.limit}"
    wants = f"asks for {words.of_kind(bound.kind, asked)}"
    used, limit = words.plain(bound.kind, bound.used), words.plain(bound.kind, bound.limit)
    if bound.rule == "nominal":
        return f"{wants} and may not be evicted; such groups hold {used} of queue {bound.queue}'s {limit}"
    if bound.rule == "lent":
        room = words.plain(bound.kind, bound.room)
        return f"{wants}; queue {bound.queue} may take {room} more, as other queues do not lend the rest"
    return f"{wants}; queue {bound.queue} holds {used} of at most {limit}"


def _reserved(draft: Draft, wanted: Ask) -> Why | None:
    concerning = draft.concerning(wanted.group)
    if not concerning or gang.find(wanted, draft.present(), draft.quotas) is None:
        return None
    promise = next((each for each in concerning if _in_the_way_of(draft, wanted, each)), concerning[0])
    first, nodes = promise.reserve, words.counted(len(promise.reserve.nodes), "node")
    if not promise.known:
        return (
            Reason.RESERVED,
            f"would fit now, but {nodes} are kept for {first.group}, which has waited too long; only what ends by {words.moment(first.start)} may use them",
        )
    return (
        Reason.RESERVED,
        f"would fit now, but might still run at {words.moment(first.start)}, when {first.group} is to start on {nodes}",
    )


def _in_the_way_of(draft: Draft, wanted: Ask, promise: Promise) -> bool:
    return gang.find(wanted, [*draft.present(), promise.then], draft.quotas) is None


def _no_room(draft: Draft, wanted: Ask) -> Why:
    return lack(draft.fleet, wanted, draft.present(), draft.quotas)
