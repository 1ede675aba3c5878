"""All or nothing: nodes for all the pods a group asks for, on one accelerator model, or None.

The same search answers for the present, for a moment in the future, for a fleet without some
victims and for an empty one: it is asked about sessions and leaves them as they were.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from powertrain_scheduler import fit, scores, session
from powertrain_scheduler.asks import Ask, Need, Option, Part, Placement, accelerators
from powertrain_scheduler.columns import Column, Mask
from powertrain_scheduler.fit import others
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.gang import company, domains
from powertrain_scheduler.quota import Quotas
from powertrain_scheduler.scores import energy, topology
from powertrain_scheduler.session import Change, Rows, Session
from powertrain_scheduler.snapshot import Topology

ONE: Ints = np.ones(1, dtype=np.int64)


def find(
    wanted: Ask, worlds: Sequence[Session], quotas: Quotas | None, only: Option | None = None
) -> Placement | None:
    """Nodes that have room in every one of `worlds`; the first says which are better.

    With `quotas`, accelerators of which the group's queue may take as many; with `only`, just these.
    Of several that would do: what is the queue's own before what it would borrow, then the tightest
    topology, then what the group's objective says: time, energy, both alike or cost, per unit of work.
    """
    found: list[tuple[bool, int, tuple[float, float], int, Placement]] = []
    options = wanted.options if only is None else (only,)
    for number, option in enumerate(options):
        if quotas is not None and not within(wanted, worlds, quotas, option):
            continue
        if (placed := _place(wanted, worlds, option)) is not None:
            placement, widened = placed
            if len(options) == 1:
                return placement
            borrowed = quotas is not None and _borrows(wanted, worlds[0], quotas, option)
            found.append((borrowed, widened, _measure(worlds[0], option, placement), number, placement))
    return min(found, key=lambda each: each[:4])[4] if found else None


def within(wanted: Ask, worlds: Sequence[Session], quotas: Quotas, option: Option) -> bool:
    """Whether the queue may take what the option costs, in every world."""
    for kind, amount in option.charges.items():
        for world in worlds:
            if amount > quotas.room(world, wanted.group, kind):
                return False
    return True


def _borrows(wanted: Ask, session: Session, quotas: Quotas, option: Option) -> bool:
    charged = option.charges.items()
    return any(quotas.borrows(session, wanted.group.queue, kind, amount) for kind, amount in charged)


def _measure(session: Session, option: Option, placement: Placement) -> tuple[float, float]:
    """What is least for the accelerators that serve the group's objective best; joules decide between equals."""
    parts = [(part.traits, part.rows, part.counts) for part in placement.parts]
    joules, objective = energy.joules_per_work(session, parts), placement.group.objective
    if objective == "energy":
        return joules, 0.0
    if objective == "cost":
        return energy.option_price(session.fleet, option.charges) * energy.option_slowness(
            session.fleet, option.charges
        ), joules
    slowness = energy.option_slowness(session.fleet, option.charges)
    return (slowness, joules) if objective == "time" else (slowness * joules, joules)


# -- places -----------------------------------------------------------------------------------------


def _place(wanted: Ask, worlds: Sequence[Session], option: Option) -> tuple[Placement, int] | None:
    """Nodes by this choice of accelerators, and how many levels wider than wished they are spread."""
    fleet = worlds[0].fleet
    if len(wanted.pods) == 1 and wanted.inside is None and wanted.group.topology == Topology():
        return _place_one(wanted, worlds, option)
    masks = [allowed(fleet, wanted, need.traits, option) for need in wanted.needs]
    rooms = [room(worlds, need.traits, mask) for need, mask in zip(wanted.needs, masks, strict=True)]
    sizes = [len(need.pods) for need in wanted.needs]
    if any(int(each.sum()) < size for each, size in zip(rooms, sizes, strict=True)):
        return None
    for widened, level in enumerate(domains.levels(fleet, wanted, option)):
        for scope in _scopes(level, rooms, sizes, wanted.anchor):
            if (parts := _somewhere(wanted, worlds, masks, rooms, scope, level.finer)) is not None:
                return Placement(wanted.group, parts, bool(len(wanted.anchor))), widened
    return None


def _somewhere(
    wanted: Ask,
    worlds: Sequence[Session],
    masks: Sequence[Mask | None],
    rooms: Sequence[Ints],
    scope: Ints | None,
    finer: Sequence[Column],
) -> tuple[Part, ...] | None:
    """Nodes inside the scope; a gang that founds its own neighbourhood is tried in one after another."""
    if not any(need.traits.heeding for need in wanted.needs):
        return _parts(wanted, worlds, masks, scope, finer)
    if not (terms := company.founded(wanted, worlds)):
        return _parts(wanted, worlds, masks, scope, finer)
    within_scope = rooms
    if scope is not None:
        inside = np.zeros(worlds[0].fleet.size, dtype=np.bool_)
        inside[scope] = True
        within_scope = [np.where(inside, room, 0) for room in rooms]
    for near in company.neighbourhoods(wanted, worlds, terms, within_scope):
        kept = company.kept_near(wanted, terms, near, masks)
        if (parts := _parts(wanted, worlds, kept, scope, finer, near is not None)) is not None:
            return parts
    return None


def _place_one(wanted: Ask, worlds: Sequence[Session], option: Option) -> tuple[Placement, int] | None:
    """The best node for a single pod that may go anywhere: what the search below comes to, in fewer steps."""
    need = wanted.needs[0]
    order = worlds[0].vector("order", need.traits, _order_of, _order_at)
    mask = allowed(worlds[0].fleet, wanted, need.traits, option)
    if mask is not None:
        order = np.where(mask, order, scores.LAST)
    if len(worlds) > 1:
        order = np.where(fit.room_in_all(worlds, need.traits) > 0, order, scores.LAST)
    if company.heeds(worlds, need.traits):
        order = _minding(order, worlds, need.traits)
    row = int(order.argmin()) if len(order) else -1
    if row < 0 or order.item(row) == scores.LAST:
        return None
    part = _named(worlds, Part(need.traits, need.pods, np.array([row]), ONE))
    return None if part is None else (Placement(wanted.group, (part,), bool(len(wanted.anchor))), 0)


def _minding(order: Ints, worlds: Sequence[Session], traits: Traits) -> Ints:
    """The order with what the class asks of other pods."""
    for world in worlds:
        order = np.where(others.admits(world, traits), order, scores.LAST)
    if (unwished := others.unwished(worlds[0], traits)) is None:
        return order
    return np.where(order < scores.LAST, order + (unwished << scores.WISH_SHIFT), order)


def _order_of(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Keys of nodes with room, `LAST` for the others."""
    return np.where(
        fit.room_of(session, traits, rows) > 0, scores.keys_of(session, traits, rows), scores.LAST
    )


def _order_at(session: Session, traits: Traits, row: int) -> int:
    return scores.key_at(session, traits, row) if fit.room_at(session, traits, row) > 0 else scores.LAST


def room(worlds: Sequence[Session], traits: Traits, mask: Mask | None) -> Ints:
    """How many more pods of the class each node can take in every one of the worlds, inside the mask.

    At most so many, where it minds where others are: that is known for sure only as they are placed.
    """
    fits = fit.room_in_all(worlds, traits)
    if company.heeds(worlds, traits):
        fits = company.at_most(worlds, traits, fits)
    return fits if mask is None else np.where(mask, fits, 0)


def allowed(fleet: Fleet, wanted: Ask, traits: Traits, option: Option) -> Mask | None:
    """Nodes of the chosen accelerator that the ask allows and that have not failed the group; None for all."""
    mask: Mask | None = None
    if traits.device in option.accelerators and len(accelerators(fleet, traits)) > 1:
        mask = fleet.accelerator == option.accelerators[traits.device]
    if wanted.inside is not None:
        mask = wanted.inside if mask is None else mask & wanted.inside
    excluded = [fleet.row_of[name] for name in sorted(wanted.group.excluded_nodes) if name in fleet.row_of]
    if excluded:
        mask = np.ones(fleet.size, dtype=np.bool_) if mask is None else mask.copy()
        mask[excluded] = False
    return mask


def _scopes(
    level: domains.Level, rooms: Sequence[Ints], sizes: Sequence[int], anchor: Ints
) -> Iterator[Ints | None]:
    """Rows to try, one domain after another; None for every row."""
    if level.column is None:
        yield None
        return
    joined = domains.joined(level.column, anchor)
    codes, number = level.column.codes, len(level.column.values)
    for domain in topology.holding(rooms, codes, number, sizes).tolist():
        if joined is None or domain == joined:
            yield np.flatnonzero(codes == domain)


def _parts(
    wanted: Ask,
    worlds: Sequence[Session],
    masks: Sequence[Mask | None],
    scope: Ints | None,
    finer: Sequence[Column],
    together: bool = False,
) -> tuple[Part, ...] | None:
    """Nodes inside the scope for one class after another, or None; the sessions are left as they were.

    `together`: the masks keep those who are to be near each other to one domain.
    """
    fleet = worlds[0].fleet
    rows = np.arange(fleet.size) if scope is None else scope
    marks = [world.checkpoint() for world in worlds]
    parts: list[Part] = []
    for number in company.in_order(wanted):
        need = wanted.needs[number]
        part = _part(wanted, need, worlds, masks[number], rows, finer, together)
        if part is None:
            break
        parts.append(part)
        if len(parts) < len(wanted.needs):
            for world in worlds:
                world.place(
                    Change(wanted.group.queue, False, part.traits, part.rows, part.counts, part.devices)
                )
    for world, mark in zip(worlds, marks, strict=True):
        world.rollback(mark)
    return tuple(parts) if len(parts) == len(wanted.needs) else None


def _part(
    wanted: Ask,
    need: Need,
    worlds: Sequence[Session],
    mask: Mask | None,
    rows: Ints,
    finer: Sequence[Column],
    near: bool = False,
) -> Part | None:
    """Nodes among `rows` for the pods of one class."""
    counts: Ints | None
    heeding = company.heeds(worlds, need.traits)
    if heeding and not company.settled(worlds, need.traits, near):
        counts = company.one_by_one(wanted, need, worlds, mask, rows)
        return _as_part(worlds, need, rows, counts)
    fits = room(worlds, need.traits, mask)
    fits = (company.admitted(worlds, need.traits, fits) if heeding else fits)[rows]
    key = (company.keys if heeding else scores.keys)(worlds[0], need.traits)[rows]
    if wanted.inside is not None:
        counts = topology.all_over(fits, key, len(need.pods))
    elif wanted.group.topology.required or wanted.group.topology.preferred:
        counts = topology.together(fits, key, [column.codes[rows] for column in finer], len(need.pods))
    else:
        counts = topology.packed(fits, key, len(need.pods))
    return _as_part(worlds, need, rows, counts)


def _as_part(worlds: Sequence[Session], need: Need, rows: Ints, counts: Ints | None) -> Part | None:
    """The need's pods on `rows`, `counts[i]` on the i-th, in rank order."""
    if counts is None:
        return None
    taken = np.flatnonzero(counts)
    order = domains.rank_order(worlds[0].fleet, rows[taken])
    return _named(worlds, Part(need.traits, need.pods, rows[taken][order], counts[taken][order]))


def _named(worlds: Sequence[Session], part: Part) -> Part | None:
    """The part with the devices that its pods have shares of."""
    if not part.traits.share:
        return part
    devices = session.devices(worlds, part.traits, part.rows, part.counts)
    return None if devices is None else part._replace(devices=devices)
