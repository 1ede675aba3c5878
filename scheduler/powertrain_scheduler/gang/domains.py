"""Topology levels as a group sees them: which domains it may choose from, and in what order."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import columns
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Column
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.quota import NO_POOL


class Level(NamedTuple):
    """A step of the search: one domain of `column`, or anywhere if None; `finer` are the levels inside it."""

    column: Column | None
    finer: tuple[Column, ...]


def levels(fleet: Fleet, wanted: Ask, option: Option) -> Iterator[Level]:
    """What the group's topology wish allows, best first: from the preferred level to the widest it may take."""
    must, preferred = wanted.group.topology.required, wanted.group.topology.preferred
    if must is None and (preferred is None or wanted.inside is not None):
        yield Level(None, ())
        return
    keys = _keys(fleet, wanted, option)
    known = _columns(fleet, keys)
    least = keys.index(must) if must else 0
    first = max(keys.index(preferred), least) if preferred and wanted.inside is None else least
    for at in range(first, least - 1, -1):
        yield Level(known[at], tuple(known[at + 1 :]))
    if must is None:
        yield Level(None, tuple(known))


def required(fleet: Fleet, wanted: Ask, option: Option) -> Column:
    """The domains of which the group must choose one."""
    keys = _keys(fleet, wanted, option)
    return _columns(fleet, keys)[keys.index(wanted.group.topology.required or "")]


def _columns(fleet: Fleet, keys: tuple[str, ...]) -> list[Column]:
    """Domains of each level, told apart by the levels above it."""
    return [columns.domains(fleet.facts, keys[: i + 1]) for i in range(len(keys))]


def _keys(fleet: Fleet, wanted: Ask, option: Option) -> tuple[str, ...]:
    """Level keys that matter to the group, widest first: its pool's, else only those it names itself."""
    topology = wanted.group.topology
    named = tuple(dict.fromkeys(key for key in (topology.required, topology.preferred) if key))
    chosen = {fleet.accelerators[number] for number in option.accelerators.values() if number != NO_POOL}
    pools = sorted(fleet.snapshot.pools, key=lambda pool: (pool.accelerator not in chosen, pool.name))
    for pool in pools:
        if set(named) <= set(pool.levels):
            return pool.levels
    return named


def joined(column: Column, anchor: Ints) -> int | None:
    """The domain in which most of the group's members are already; None if they are in none."""
    held = column.codes[anchor]
    held = held[held >= 0]
    return int(np.bincount(held).argmax()) if held.size else None


def rank_order(fleet: Fleet, rows: Ints) -> Ints:
    """Order in which ranks are given to nodes: neighbours in the pool's topology get neighbouring ranks."""
    pool = int(fleet.facts.pool[rows[0]]) if len(rows) > 1 else -1
    if pool < 0:
        return np.argsort(rows)
    codes = [column.codes[rows] for column in _columns(fleet, fleet.snapshot.pools[pool].levels)]
    return np.lexsort((rows, *reversed(codes)))
