"""What is short of what where pods come in slices, or parts of a group have domains of their own."""

import numpy as np

from powertrain_scheduler import words
from powertrain_scheduler.asks import Ask, Branch, Option
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.gang import domains, layout
from powertrain_scheduler.gang.layout import Scope
from powertrain_scheduler.scores import tiers, topology


def scattered(fleet: Fleet, wanted: Ask, option: Option, rooms: list[Ints]) -> str | None:
    """The sentence for a group whose pods have room enough in all; None if its pods come in no slices or parts."""
    if wanted.root.topology.slices and len(rooms) == 1:
        return _slices(fleet, wanted, option, rooms[0])
    bound = next((part for part in wanted.root.every() if _bound(part) and part is not wanted.root), None)
    if bound is None:
        return None
    where = _level(bound.topology.required or bound.topology.slices[0].within)
    there = " where its other members are" if bound.here else ""
    return (
        f"needs {words.shape(wanted)}, each part of it in one {where}{there}; enough is free in all, "
        "but not in single domains"
    )


def _bound(branch: Branch) -> bool:
    return branch.topology.required is not None or bool(branch.topology.slices)


def _slices(fleet: Fleet, wanted: Ask, option: Option, room: Ints) -> str:
    """Counted as if none had begun."""
    wish, known = wanted.root.topology, domains.ladder(fleet, wanted, option)
    level = domains.ANYWHERE if wish.required is None else known.place(wish.required)
    levels = layout.tier_list(known, wish, Scope(np.arange(fleet.size), level))
    size, whole = wish.slices[0].size, tiers.usable(room, levels)
    best = int(whole.sum())
    if wish.required is not None:
        column = domains.required(fleet, wanted, option)
        best = int(topology.totals(whole, column.codes, len(column.values)).max(initial=0))
    number = -(-len(wanted.pods) // size)
    in_one = f" and all in one {_level(wish.required)}" if wish.required else ""
    return (
        f"needs {words.shape(wanted)} in slices of {size}, each in one {_level(wish.slices[0].within)}{in_one}; "
        f"there is room for {min(best // size, number)} of {words.counted(number, 'slice')}"
    )


def _level(key: str) -> str:
    """`rack (topology/rack)`."""
    return f"{key.rsplit('/', 1)[-1]} ({key})"
