"""All or nothing: nodes for all the pods a group asks for, on one accelerator model, or None.

The same search answers for the present, for a moment in the future, for a fleet without some
victims and for an empty one: it is asked about sessions and leaves them as they were.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from powertrain_scheduler import fit, scores
from powertrain_scheduler.asks import Ask, Option, Part, Placement
from powertrain_scheduler.fit import others
from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.gang import company
from powertrain_scheduler.gang.rooms import allowed as allowed
from powertrain_scheduler.gang.rooms import named
from powertrain_scheduler.gang.rooms import room as room
from powertrain_scheduler.gang.search import Search
from powertrain_scheduler.quota import Quotas
from powertrain_scheduler.scores import energy, packings
from powertrain_scheduler.session import Session

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
    if not found and only is None:
        others = (find(replace(each, inside=wanted.inside), worlds, quotas) for each in wanted.others)
        return next((placement for placement in others if placement is not None), None)
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
    if len(wanted.pods) == 1 and wanted.inside is None and not wanted.root.wishes():
        return _place_one(wanted, worlds, option)
    search = Search(wanted, worlds, option)
    parts = search.whole()
    return (
        None if parts is None else (Placement(wanted.group, parts, bool(len(wanted.anchor))), search.widened)
    )


def _place_one(wanted: Ask, worlds: Sequence[Session], option: Option) -> tuple[Placement, int] | None:
    """The best node for a single pod that may go anywhere: what the search below comes to, in fewer steps."""
    need = wanted.needs[0]
    order = scores.order(worlds[0], need.traits)
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
    if need.traits.device is None and worlds[0].fleet.policy.packing == packings.OWN:
        row = _tightest(worlds, need.traits, np.flatnonzero(order == order[row]))
    part = named(worlds, Part(need.traits, need.pods, np.array([row]), ONE))
    return None if part is None else (Placement(wanted.group, (part,), bool(len(wanted.anchor))), 0)


def _tightest(worlds: Sequence[Session], traits: Traits, rows: Ints) -> int:
    """Of equal nodes the one with the least room, so that no large one is begun for a small pod."""
    return int(rows[fit.room_in_all(worlds, traits)[rows].argmin()]) if len(rows) > 1 else int(rows[0])


def _minding(order: Ints, worlds: Sequence[Session], traits: Traits) -> Ints:
    """The order with what the class asks of other pods."""
    for world in worlds:
        order = np.where(others.admits(world, traits), order, scores.LAST)
    if (unwished := others.unwished(worlds[0], traits)) is None:
        return order
    return np.where(order < scores.LAST, order + (unwished << scores.WISH_SHIFT), order)
