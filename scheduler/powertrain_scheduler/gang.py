"""All or nothing: nodes for all the pods a group asks for, on one accelerator model, or None.

The same search answers for the present, for a moment in the future, for a fleet without some
victims and for an empty one: it is asked about sessions and leaves them as they were.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import columns, fit, scores
from powertrain_scheduler.columns import Column, Mask
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.quota import NO_POOL, Quotas
from powertrain_scheduler.scores import energy, topology
from powertrain_scheduler.session import Change, Session
from powertrain_scheduler.snapshot import Pod, PodGroup

Choice = dict[str, int]
"""Accelerator, by number, for each extended resource the group's pods ask for."""


@dataclass(frozen=True, eq=False, slots=True)
class Need:
    """Pods of one class that want nodes, in rank order."""

    traits: Traits
    pods: tuple[Pod, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Ask:
    """What a group asks nodes for at once."""

    group: PodGroup
    pods: tuple[Pod, ...]
    """In rank order."""
    needs: tuple[Need, ...]
    """The same by class, those that are hardest to place first."""
    anchor: Ints
    """Rows of the members it already has; empty for a group that starts anew."""
    models: dict[str, set[int]]
    """Accelerators that these members sit on, by the extended resource they ask for."""
    likeness: tuple[object, ...]
    """Asks of equal likeness get the same answer from the same sessions, names apart."""
    inside: Mask | None = None
    """Nodes to choose from, and to use each of; None: any."""


class Part(NamedTuple):
    """Pods of one class and where they go: `counts[i]` of them, in rank order, to `rows[i]`."""

    traits: Traits
    pods: tuple[Pod, ...]
    rows: Ints
    counts: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Placement:
    """Nodes for everything an ask wanted."""

    group: PodGroup
    parts: tuple[Part, ...]

    def changes(self) -> Iterator[Change]:
        """What the placement does to a session."""
        for part in self.parts:
            yield Change(self.group.queue, not self.group.preemptible, part.traits, part.rows, part.counts)


def missing(group: PodGroup) -> int:
    """Members it still needs for its minimum; leaving ones don't count."""
    return max(0, group.min_member - sum(not pod.leaving for pod in group.placed))


def minimum(fleet: Fleet, group: PodGroup) -> Ask | None:
    """What the group needs to start; None where it has its minimum."""
    needed = missing(group)
    return ask(fleet, group, group.waiting[:needed]) if needed else None


def optional(fleet: Fleet, group: PodGroup, given: Sequence[Placement]) -> Ask | None:
    """What the group would take beyond its minimum, when it has that; `given` is what it got in this cycle."""
    needed = missing(group)
    rest = group.waiting[needed:]
    return ask(fleet, group, rest, given) if rest else None


def ask(fleet: Fleet, group: PodGroup, pods: Sequence[Pod], given: Sequence[Placement] = ()) -> Ask:
    """The group's ask for these of its waiting pods; `given` is what it got earlier in the cycle."""
    by_class: dict[int, tuple[Traits, list[Pod]]] = {}
    for pod in pods:
        traits = fleet.traits(pod.pod_class)
        by_class.setdefault(id(traits), (traits, []))[1].append(pod)
    needs = [Need(traits, tuple(members)) for traits, members in by_class.values()]
    if len(needs) > 1:
        needs.sort(key=lambda need: (-int(need.traits.devices.max()), -len(need.pods), need.pods[0].name))
    here, models = _members(fleet, group, given)
    shape = tuple((id(need.traits), len(need.pods)) for need in needs)
    times = (group.expected_seconds, group.maximum_seconds, group.started)
    likeness = (
        *(shape, group.topology, group.queue, group.preemptible, group.excluded_nodes),
        *(group.nominated, times, tuple(here)),
    )
    return Ask(group, tuple(pods), tuple(needs), np.array(here, dtype=np.int64), models, likeness)


def _members(
    fleet: Fleet, group: PodGroup, given: Sequence[Placement]
) -> tuple[list[int], dict[str, set[int]]]:
    """Rows of the members that hold nodes and are not leaving, and the accelerators there."""
    here = [
        (fleet.row_of[pod.node], fleet.traits(pod.pod_class))
        for pod in group.placed
        if not pod.leaving and pod.node in fleet.row_of
    ]
    for placement in given:
        for part in placement.parts:
            here += [(row, part.traits) for row in np.repeat(part.rows, part.counts).tolist()]
    models: dict[str, set[int]] = {}
    for row, traits in here:
        if traits.device is not None:
            models.setdefault(traits.device, set()).add(int(fleet.accelerator[row]))
    return [row for row, _ in here], models


def find(
    wanted: Ask, worlds: Sequence[Session], quotas: Quotas | None, only: Choice | None = None
) -> Placement | None:
    """Nodes that have room in every one of `worlds`; the first says which are better.

    With `quotas`, accelerators of which the group's queue may take as many; with `only`, just these.
    Of several that would do: what is the queue's own before what it would borrow, then the tightest
    topology, then the least joules per unit of work.
    """
    found: list[tuple[bool, int, float, int, Placement]] = []
    options = list(choices(worlds[0].fleet, wanted)) if only is None else [only]
    for number, choice in enumerate(options):
        if quotas is not None and not within(wanted, worlds, quotas, choice):
            continue
        if (placed := _place(wanted, worlds, choice)) is not None:
            placement, widened = placed
            if len(options) == 1:
                return placement
            borrowed = quotas is not None and _borrows(wanted, worlds[0], quotas, choice)
            found.append((borrowed, widened, _joules(worlds[0], placement), number, placement))
    return min(found, key=lambda each: each[:4])[4] if found else None


# -- accelerators -----------------------------------------------------------------------------------


def choices(fleet: Fleet, wanted: Ask) -> Iterator[Choice]:
    """Ways to give each device resource of the group one accelerator model, in name order."""
    options: dict[str, set[int]] = {}
    for need in wanted.needs:
        if need.traits.device is not None and (mine := accelerators(fleet, need.traits)):
            known = options.get(need.traits.device, set(mine))
            options[need.traits.device] = known & set(mine)
    for resource, numbers in options.items():
        numbers &= wanted.models.get(resource, numbers)
    names = sorted(options)
    for combination in product(*(sorted(options[name], key=lambda n: (n == NO_POOL, n)) for name in names)):
        yield dict(zip(names, combination, strict=True))


def accelerators(fleet: Fleet, traits: Traits) -> tuple[int, ...]:
    """Accelerators that the class's devices may be, `NO_POOL` for nodes that carry some outside every pool."""
    return fleet.keep("accelerators", traits, lambda: _accelerators(fleet, traits))


def asked(fleet: Fleet, wanted: Ask) -> tuple[tuple[int, int], ...]:
    """What the ask would take of each accelerator it may have: (accelerator, devices)."""
    return tuple(
        {pair: None for choice in choices(fleet, wanted) for pair in charges(fleet, wanted, choice).items()}
    )


def _accelerators(fleet: Fleet, traits: Traits) -> tuple[int, ...]:
    if traits.device_column < 0:
        return ()
    carry = fit.may(fleet, traits) & (fleet.facts.allocatable[:, traits.device_column] > 0)
    return tuple(np.unique(fleet.accelerator[carry]).tolist())


def charges(fleet: Fleet, wanted: Ask, choice: Choice) -> dict[int, int]:
    """Devices of each accelerator that the ask would take by this choice."""
    sums: dict[int, int] = {}
    for need in wanted.needs:
        accelerator = choice.get(need.traits.device or "", NO_POOL)
        if accelerator != NO_POOL:
            each = per_pod(fleet, need.traits, accelerator)
            sums[accelerator] = sums.get(accelerator, 0) + each * len(need.pods)
    return sums


def per_pod(fleet: Fleet, traits: Traits, accelerator: int) -> int:
    """Devices of the accelerator that one pod of the class takes."""
    name = fleet.accelerators[accelerator]
    pools = [i for i, pool in enumerate(fleet.snapshot.pools) if pool.accelerator == name]
    return int(traits.devices[pools].max())


def within(wanted: Ask, worlds: Sequence[Session], quotas: Quotas, choice: Choice) -> bool:
    """Whether the queue may take what the choice costs, in every world."""
    group = wanted.group
    return all(
        devices <= quotas.room(world, group, accelerator)
        for accelerator, devices in charges(worlds[0].fleet, wanted, choice).items()
        for world in worlds
    )


def _borrows(wanted: Ask, session: Session, quotas: Quotas, choice: Choice) -> bool:
    charged = charges(session.fleet, wanted, choice).items()
    return any(quotas.borrows(session, wanted.group.queue, number, devices) for number, devices in charged)


def _joules(session: Session, placement: Placement) -> float:
    parts = [(part.traits, part.rows, part.counts) for part in placement.parts]
    return energy.joules_per_work(session, parts)


# -- places -----------------------------------------------------------------------------------------


class Level(NamedTuple):
    """A step of the search: one domain of `column`, or anywhere if None; `finer` are the levels inside it."""

    column: Column | None
    finer: tuple[Column, ...]


def _place(wanted: Ask, worlds: Sequence[Session], choice: Choice) -> tuple[Placement, int] | None:
    """Nodes by this choice of accelerators, and how many levels wider than wished they are spread."""
    fleet = worlds[0].fleet
    masks = [allowed(fleet, wanted, need.traits, choice) for need in wanted.needs]
    rooms = [room(worlds, need.traits, mask) for need, mask in zip(wanted.needs, masks, strict=True)]
    sizes = [len(need.pods) for need in wanted.needs]
    if any(int(each.sum()) < size for each, size in zip(rooms, sizes, strict=True)):
        return None
    for widened, level in enumerate(levels(fleet, wanted, choice)):
        for scope in _scopes(level, rooms, sizes, wanted.anchor):
            if (parts := _parts(wanted, worlds, masks, scope, level.finer)) is not None:
                return Placement(wanted.group, parts), widened
    return None


def room(worlds: Sequence[Session], traits: Traits, mask: Mask | None) -> Ints:
    """How many more pods of the class each node can take in every one of the worlds, inside the mask."""
    fits = fit.room(worlds[0], traits)
    for world in worlds[1:]:
        fits = np.minimum(fits, fit.room(world, traits))
    return fits if mask is None else np.where(mask, fits, 0)


def allowed(fleet: Fleet, wanted: Ask, traits: Traits, choice: Choice) -> Mask | None:
    """Nodes of the chosen accelerator that the ask allows and that have not failed the group; None for all."""
    mask: Mask | None = None
    if traits.device in choice and len(accelerators(fleet, traits)) > 1:
        mask = fleet.accelerator == choice[traits.device]
    if wanted.inside is not None:
        mask = wanted.inside if mask is None else mask & wanted.inside
    excluded = [fleet.row_of[name] for name in sorted(wanted.group.excluded_nodes) if name in fleet.row_of]
    if excluded:
        mask = np.ones(fleet.size, dtype=np.bool_) if mask is None else mask.copy()
        mask[excluded] = False
    return mask


def levels(fleet: Fleet, wanted: Ask, choice: Choice) -> Iterator[Level]:
    """What the group's topology wish allows, best first: from the preferred level to the widest it may take."""
    required, preferred = wanted.group.topology.required, wanted.group.topology.preferred
    if required is None and (preferred is None or wanted.inside is not None):
        yield Level(None, ())
        return
    keys = _keys(fleet, wanted, choice)
    known = _columns(fleet, keys)
    least = keys.index(required) if required else 0
    first = max(keys.index(preferred), least) if preferred and wanted.inside is None else least
    for at in range(first, least - 1, -1):
        yield Level(known[at], tuple(known[at + 1 :]))
    if required is None:
        yield Level(None, tuple(known))


def required_domains(fleet: Fleet, wanted: Ask, choice: Choice) -> Column:
    """The domains of which the group must choose one."""
    keys = _keys(fleet, wanted, choice)
    return _columns(fleet, keys)[keys.index(wanted.group.topology.required or "")]


def _columns(fleet: Fleet, keys: tuple[str, ...]) -> list[Column]:
    """Domains of each level, told apart by the levels above it."""
    return [columns.domains(fleet.facts, keys[: i + 1]) for i in range(len(keys))]


def _keys(fleet: Fleet, wanted: Ask, choice: Choice) -> tuple[str, ...]:
    """Level keys that matter to the group, widest first: its pool's, else only those it names itself."""
    topology = wanted.group.topology
    named = tuple(dict.fromkeys(key for key in (topology.required, topology.preferred) if key))
    chosen = {fleet.accelerators[number] for number in choice.values() if number != NO_POOL}
    pools = sorted(fleet.snapshot.pools, key=lambda pool: (pool.accelerator not in chosen, pool.name))
    for pool in pools:
        if set(named) <= set(pool.levels):
            return pool.levels
    return named


def _scopes(level: Level, rooms: Sequence[Ints], sizes: Sequence[int], anchor: Ints) -> Iterator[Ints | None]:
    """Rows to try, one domain after another; None for every row."""
    if level.column is None:
        yield None
        return
    joined = joined_domain(level.column, anchor)
    codes, number = level.column.codes, len(level.column.values)
    for domain in topology.holding(rooms, codes, number, sizes).tolist():
        if joined is None or domain == joined:
            yield np.flatnonzero(codes == domain)


def joined_domain(column: Column, anchor: Ints) -> int | None:
    """The domain in which most of the group's members are already; None if they are in none."""
    held = column.codes[anchor]
    held = held[held >= 0]
    return int(np.bincount(held).argmax()) if held.size else None


def _parts(
    wanted: Ask,
    worlds: Sequence[Session],
    masks: Sequence[Mask | None],
    scope: Ints | None,
    finer: Sequence[Column],
) -> tuple[Part, ...] | None:
    """Nodes inside the scope for one class after another, or None; the sessions are left as they were."""
    fleet = worlds[0].fleet
    rows = np.arange(fleet.size) if scope is None else scope
    marks = [world.checkpoint() for world in worlds]
    parts: list[Part] = []
    for need, mask in zip(wanted.needs, masks, strict=True):
        part = _part(wanted, need, worlds, mask, rows, finer)
        if part is None:
            break
        parts.append(part)
        if len(parts) < len(wanted.needs):
            for world in worlds:
                world.place(Change(wanted.group.queue, False, part.traits, part.rows, part.counts))
    for world, mark in zip(worlds, marks, strict=True):
        world.rollback(mark)
    return tuple(parts) if len(parts) == len(wanted.needs) else None


def _part(
    wanted: Ask, need: Need, worlds: Sequence[Session], mask: Mask | None, rows: Ints, finer: Sequence[Column]
) -> Part | None:
    """Nodes among `rows` for the pods of one class."""
    fits = room(worlds, need.traits, mask)[rows]
    key = scores.keys(worlds[0], need.traits)[rows]
    if wanted.inside is not None:
        counts = topology.all_over(fits, key, len(need.pods))
    elif wanted.group.topology.required or wanted.group.topology.preferred:
        counts = topology.together(fits, key, [column.codes[rows] for column in finer], len(need.pods))
    else:
        counts = topology.packed(fits, key, len(need.pods))
    if counts is None:
        return None
    taken = np.flatnonzero(counts)
    order = _rank_order(worlds[0].fleet, rows[taken])
    return Part(need.traits, need.pods, rows[taken][order], counts[taken][order])


def _rank_order(fleet: Fleet, rows: Ints) -> Ints:
    """Order in which ranks are given to nodes: neighbours in the pool's topology get neighbouring ranks."""
    pool = int(fleet.facts.pool[rows[0]]) if len(rows) > 1 else -1
    if pool < 0:
        return np.argsort(rows)
    codes = [column.codes[rows] for column in _columns(fleet, fleet.snapshot.pools[pool].levels)]
    return np.lexsort((rows, *reversed(codes)))
