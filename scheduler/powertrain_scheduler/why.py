"""Why a group waits: a reason from the closed set, and one sentence with numbers for its owner.

Everything is told as it stands at the end of the cycle, nodes that others were given or that
are held for them counted as used.
"""

from collections.abc import Iterator

import numpy as np

from powertrain_scheduler import asks, columns, fit, gang, quota, words
from powertrain_scheduler.asks import Ask, Need, Option
from powertrain_scheduler.columns import Column, Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.plan import Wait
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.scores import topology
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import PodGroup

Why = tuple[Reason, str]
Worlds = tuple[Session, ...]


# -- before anything is tried -----------------------------------------------------------------------


def hindered(fleet: Fleet, group: PodGroup) -> Wait | None:
    """What keeps a group from being tried at all, or None."""
    needed = asks.missing(group)
    if not needed or (group.started is not None and not group.waiting and not group.gated):
        return None
    found = _hindered(fleet, group, needed)
    return Wait(group.name, *found) if found else None


def _hindered(fleet: Fleet, group: PodGroup, needed: int) -> Why | None:
    if not group.exists:
        pods = words.counted(len(group.waiting), "pod")
        return Reason.POD_GROUP_NOT_FOUND, f"{pods} name pod group {group.name}, which does not exist"
    if (problem := quota.problem(fleet, group.queue)) is not None:
        return problem
    there = group.min_member - needed + len(group.waiting)
    if len(group.waiting) >= needed:
        return None
    if group.gated:
        gated = words.counted(group.gated, "pod")
        return (
            Reason.SCHEDULING_GATED,
            f"{gated} carry scheduling gates; {there} of {group.min_member} are free to go",
        )
    return Reason.WAITING_FOR_PODS, f"{there} of the {group.min_member} pods it needs exist"


# -- after everything was tried ---------------------------------------------------------------------


def held(draft: Draft) -> Iterator[Wait]:
    """Groups for which room is being made."""
    for name, placement in draft.held.items():
        nodes = draft.node_names(placement)
        rows = [draft.fleet.row_of[node] for node in nodes]
        leaving = draft.fleet.snapshot.leaving[rows].any(axis=1)
        vacated = int((leaving | np.isin(rows, draft.holdings.row[draft.evicted])).sum())
        held_nodes = words.counted(len(nodes), "node")
        message = (
            f"pods have yet to leave {vacated} of the {held_nodes} held for it"
            if vacated
            else f"{held_nodes} {'is' if len(nodes) == 1 else 'are'} held for it until pods elsewhere have left, whose quota it needs"
        )
        yield Wait(name, Reason.WAITING_FOR_EVICTION, message)


def waits(draft: Draft, wanted: Ask, start: float | None) -> Wait:
    """Why the group got nothing, and when it may expect to start."""
    key = (wanted.likeness, wanted.group.priority)
    if key not in draft.told:
        draft.told[key] = explain(draft, wanted)
    reason, message = draft.told[key]
    return Wait(wanted.group.name, reason, message, start)


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
        if not (fit.may(draft.fleet, need.traits) & ~_excluded(draft.fleet, wanted)).any():
            return Reason.NO_MATCHING_NODES, _histogram(draft.fleet, wanted, need)
    return None


def _excluded(fleet: Fleet, wanted: Ask) -> Mask:
    mask = np.zeros(fleet.size, dtype=np.bool_)
    mask[[fleet.row_of[name] for name in wanted.group.excluded_nodes if name in fleet.row_of]] = True
    return mask


def _histogram(fleet: Fleet, wanted: Ask, need: Need) -> str:
    """Each node counted once, at the first check it fails, as kube-scheduler tells it."""
    left = np.ones(fleet.size, dtype=np.bool_)
    told = []
    checks = [
        *fit.checks(fleet.facts, need.traits.pod_class),
        ("are cordoned or not ready", fleet.facts.schedulable),
        ("failed this group before", ~_excluded(fleet, wanted)),
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
        for accelerator, devices in option.charges.items():
            bounds = [draft.quotas.bound(world, group, accelerator) for world in draft.present()]
            bound = min(bounds, key=lambda each: each.room)
            if devices > bound.room:
                told = told or _quota_sentence(bound, devices)
    return (Reason.QUOTA_EXCEEDED, told) if told else None


def _quota_sentence(bound: quota.Bound, asked: int) -> str:
    wants = f"asks for {asked} {bound.accelerator}"
    if bound.kind == "nominal":
        return f"{wants} and may not be evicted; such groups hold {bound.used} of queue {bound.queue}'s {bound.limit}"
    if bound.kind == "lent":
        return (
            f"{wants}; queue {bound.queue} may take {bound.room} more, as other queues do not lend the rest"
        )
    return f"{wants}; queue {bound.queue} holds {bound.used} of at most {bound.limit}"


def _reserved(draft: Draft, wanted: Ask) -> Why | None:
    if draft.reservation is None or gang.find(wanted, draft.present(), draft.quotas) is None:
        return None
    first, nodes = draft.reservation, words.counted(len(draft.reservation.nodes), "node")
    return (
        Reason.RESERVED,
        f"would fit now, but might still run at {words.moment(first.start)}, when {first.group} is to start on {nodes}",
    )


def _no_room(draft: Draft, wanted: Ask) -> Why:
    return lack(draft.fleet, wanted, draft.present(), draft.quotas)


# -- what is short of what --------------------------------------------------------------------------


def lack(fleet: Fleet, wanted: Ask, worlds: Worlds, quotas: quota.Quotas | None) -> Why:
    """What keeps the group from fitting into all of the worlds, by the accelerator that comes closest."""
    for need in wanted.needs:
        if need.traits.missing is not None:
            return Reason.DOES_NOT_FIT, f"needs {words.shape(wanted)}; no node has {need.traits.missing}"
    found = [
        _lack(fleet, wanted, worlds, option)
        for option in wanted.options
        if quotas is None or gang.within(wanted, worlds, quotas, option)
    ]
    if not found:
        device = next((need.traits.device for need in wanted.needs if need.traits.device), "room")
        return Reason.DOES_NOT_FIT, f"needs {words.shape(wanted)}; no matching node has {device}"
    return max(found, key=lambda each: each[0])[1]


def _lack(fleet: Fleet, wanted: Ask, worlds: Worlds, option: Option) -> tuple[int, Why]:
    """The sentence, and how many pods would find room: more is closer."""
    masks = [gang.allowed(fleet, wanted, need.traits, option) for need in wanted.needs]
    rooms = [gang.room(worlds, need.traits, mask) for need, mask in zip(wanted.needs, masks, strict=True)]
    fitting = sum(
        min(int(room.sum()), len(need.pods)) for room, need in zip(rooms, wanted.needs, strict=True)
    )
    for need, room in zip(wanted.needs, rooms, strict=True):
        if int(room.sum()) < len(need.pods):
            return fitting, (Reason.DOES_NOT_FIT, _too_little(fleet, wanted, worlds, need, room))
    if wanted.group.topology.required:
        return fitting, (Reason.TOPOLOGY_DOES_NOT_FIT, _no_domain(fleet, wanted, option, rooms))
    return fitting, (
        Reason.DOES_NOT_FIT,
        f"needs {words.shape(wanted)}, which fit one by one but not together",
    )


def _too_little(fleet: Fleet, wanted: Ask, worlds: Worlds, need: Need, room: Ints) -> str:
    match = fit.may(fleet, need.traits) & ~_excluded(fleet, wanted)
    nodes = words.counted(int(match.sum()), "matching node")
    places = f"{int(room.sum())} of {words.counted(len(need.pods), 'pod')}"
    short_of = _short_of(fleet, worlds, need, match, room)
    return f"needs {words.shape(wanted)}; {nodes} have room for {places}{': ' if short_of else ''}{short_of}"


def _short_of(fleet: Fleet, worlds: Worlds, need: Need, match: Mask, room: Ints) -> str:
    """Of the matching nodes without room, how many are short of what; each counted once, devices first."""
    left = match & (room == 0)
    names = fleet.facts.resources
    free = fleet.facts.allocatable - np.maximum.reduce([world.used for world in worlds])
    told = []
    amounts = dict(zip(need.traits.columns.tolist(), need.traits.amounts.tolist(), strict=True))
    for column in sorted(amounts, key=lambda c: (c != need.traits.device_column, c)):
        short = left & (free[:, column] < amounts[column])
        if count := int(short.sum()):
            most = words.amount(names[column], max(0, int(free[short, column].max())))
            told.append(f"{count} lack {names[column]} (most free on one: {most})")
        left &= ~short
    if count := int(left.sum()):
        told.append(f"{count} are of another accelerator or have the host port taken")
    return ", ".join(told)


def _no_domain(fleet: Fleet, wanted: Ask, option: Option, rooms: list[Ints]) -> str:
    key = wanted.group.topology.required or ""
    column = gang.required_domains(fleet, wanted, option)
    needs = f"needs {words.shape(wanted)} in one {key.rsplit('/', 1)[-1]} ({key})"
    if not column.values:
        return f"{needs}; no node carries that label"
    by_domain = topology.totals(rooms[0], column.codes, len(column.values))
    joined = gang.joined_domain(column, wanted.anchor)
    best = int(by_domain.argmax()) if joined is None else joined
    places = f"{int(by_domain[best])} of {words.counted(len(wanted.needs[0].pods), 'pod')}"
    name = _domain_name(fleet, key, column, best)
    where = f"the roomiest, {name}," if joined is None else f"{name}, where its other members are,"
    return f"{needs}; {where} has room for {places}"


def _domain_name(fleet: Fleet, key: str, column: Column, code: int) -> str:
    """The label's value alone where that tells domains apart, else with the wider levels before it."""
    name = column.values[code]
    alone = len(columns.label(fleet.facts, key).values) == len(column.values)
    return name.rsplit("/", 1)[-1] if alone else name
