"""What is short of what: why a group does not fit into a world, in numbers."""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler import columns, fit, gang, quota, session, words
from powertrain_scheduler.asks import Ask, Need, Option
from powertrain_scheduler.columns import Column, Mask
from powertrain_scheduler.fit import others
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.gang import company, domains
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.scores import topology
from powertrain_scheduler.session import Session
from powertrain_scheduler.why import fabric

Why = tuple[Reason, str]
Worlds = tuple[Session, ...]


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
    rooms = [_room(worlds, need, mask) for need, mask in zip(wanted.needs, masks, strict=True)]
    fitting = sum(
        min(int(room.sum()), len(need.pods)) for room, need in zip(rooms, wanted.needs, strict=True)
    )
    for need, room in zip(wanted.needs, rooms, strict=True):
        if int(room.sum()) < len(need.pods):
            return fitting, (Reason.DOES_NOT_FIT, _too_little(fleet, wanted, worlds, need, room))
    if (told := fabric.scattered(fleet, wanted, option, rooms)) is not None:
        return fitting, (Reason.TOPOLOGY_DOES_NOT_FIT, told)
    if wanted.group.topology.required:
        return fitting, (Reason.TOPOLOGY_DOES_NOT_FIT, _no_domain(fleet, wanted, option, rooms))
    needs = f"needs {words.shape(wanted)}, which fit one by one but not together"
    return fitting, (Reason.DOES_NOT_FIT, needs + _rules(wanted.needs))


def _rules(needs: Sequence[Need]) -> str:
    """What the pods require of other pods and of each other, as the tail of a sentence."""
    told = dict.fromkeys(rule for need in needs for rule in others.told(need.traits.pod_class))
    return f": the pods {', '.join(told)}" if told else ""


def _room(worlds: Worlds, need: Need, mask: Mask | None) -> Ints:
    """Room for the next pod: where it minds where others are, only where these let it."""
    room = gang.room(worlds, need.traits, mask)
    return company.admitted(worlds, need.traits, room) if company.heeds(worlds, need.traits) else room


def _too_little(fleet: Fleet, wanted: Ask, worlds: Worlds, need: Need, room: Ints) -> str:
    left_out = excluded(fleet, wanted)
    match = fit.may(fleet, need.traits) & ~left_out
    nodes = words.counted(int(match.sum()), "matching node")
    if count := int((fit.may(fleet, need.traits) & left_out).sum()):
        nodes += f" beside {count} that failed it"
    places = f"{int(room.sum())} of {words.counted(len(need.pods), 'pod')}"
    short_of = _short_of(fleet, worlds, need, match, room)
    tail = f": {short_of}" if short_of else _rules([need])
    return f"needs {words.shape(wanted)}; {nodes} have room for {places}{tail}"


def _short_of(fleet: Fleet, worlds: Worlds, need: Need, match: Mask, room: Ints) -> str:
    """Of the matching nodes without room, how many are short of what; each counted once, devices first."""
    left = match & (room == 0)
    names = fleet.facts.resources
    have = fleet.facts.allocatable
    told = []
    amounts = dict(zip(need.traits.columns.tolist(), need.traits.amounts.tolist(), strict=True))
    for column in sorted(amounts, key=lambda c: (c != need.traits.device_column, c)):
        free = have[:, column] - np.maximum.reduce([world.used[:, column] for world in worlds])
        short = left & (free < amounts[column])
        if count := int(short.sum()):
            most = words.amount(names[column], max(0, int(free[short].max())))
            told.append(f"{count} lack {names[column]} (most free on one: {most})")
        left &= ~short
    if need.traits.share:
        short = left & (session.share_room(worlds, need.traits) == 0)
        if count := int(short.sum()):
            resource = names[need.traits.share_column]
            told.append(f"{count} have no device with {need.traits.share / 1000:g} {resource} free")
        left &= ~short
    if company.heeds(worlds, need.traits):
        for failing, passed in company.checks(worlds, need.traits):
            if count := int((left & ~passed).sum()):
                told.append(f"{count} {failing}")
            left &= passed
    if count := int(left.sum()):
        told.append(f"{count} are of another accelerator or have the host port taken")
    return ", ".join(told)


def _no_domain(fleet: Fleet, wanted: Ask, option: Option, rooms: list[Ints]) -> str:
    key = wanted.group.topology.required or ""
    column = domains.required(fleet, wanted, option)
    needs = f"needs {words.shape(wanted)} in one {key.rsplit('/', 1)[-1]} ({key})"
    if not column.values:
        return f"{needs}; no node carries that label"
    by_domain = topology.totals(rooms[0], column.codes, len(column.values))
    joined = domains.joined(column, wanted.anchor)
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


def excluded(fleet: Fleet, wanted: Ask) -> Mask:
    mask = np.zeros(fleet.size, dtype=np.bool_)
    mask[[fleet.row_of[name] for name in wanted.group.excluded_nodes if name in fleet.row_of]] = True
    return mask
