"""Topology levels as a group sees them: which domains it may choose from, and in what order."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import columns
from powertrain_scheduler.asks import Ask, Branch, Option
from powertrain_scheduler.columns import Column
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.quota import NO_POOL
from powertrain_scheduler.snapshot import Topology

ANYWHERE = -1
"""Stands for no level: anywhere inside the whole."""


class Ladder(NamedTuple):
    """The levels that matter to a group, widest first."""

    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    """Domains of each level, told apart by the levels above it."""

    def place(self, key: str) -> int:
        """Which of the levels this is."""
        return self.keys.index(key)


def ladder(fleet: Fleet, wanted: Ask, option: Option) -> Ladder:
    """The levels of its pool, and those that it names itself."""
    keys = _keys(fleet, wanted, option)
    return Ladder(keys, tuple(columns.domains(fleet.facts, keys[: i + 1]) for i in range(len(keys))))


def levels(known: Ladder, topology: Topology, above: int, anyhow: bool) -> Iterator[int]:
    """Levels whose domains may hold the pods, best first: from the preferred one to the widest they may take.

    `above` is the level of the domain they are in anyway; `anyhow`: what is preferred doesn't matter.
    """
    must, preferred = topology.required, None if anyhow else topology.preferred
    least = known.place(must) if must else ANYWHERE
    first = max(known.place(preferred), least) if preferred else least
    yield from range(first, max(least, above + 1, 0) - 1, -1)
    if least <= above:
        yield ANYWHERE


def required(fleet: Fleet, wanted: Ask, option: Option) -> Column:
    """The domains of which the group must choose one."""
    known = ladder(fleet, wanted, option)
    return known.columns[known.place(wanted.group.topology.required or "")]


def _keys(fleet: Fleet, wanted: Ask, option: Option) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(key for branch in wanted.root.every() for key in _named(branch)))
    chosen = {fleet.accelerators[number] for number in option.accelerators.values() if number != NO_POOL}
    pools = sorted(fleet.snapshot.pools, key=lambda pool: (pool.accelerator not in chosen, pool.name))
    for pool in pools:
        if set(named) <= set(pool.levels):
            return pool.levels
    levels = next((pool.levels for pool in pools if set(named) & set(pool.levels)), ())
    return _inserted(fleet, levels, sorted(set(named) - set(levels)))


def _named(branch: Branch) -> list[str]:
    topology = branch.topology
    return [key for key in (topology.required, topology.preferred) if key] + [
        each.within for each in topology.slices
    ]


def _inserted(fleet: Fleet, levels: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Levels that no pool lists have their place by how many domains there are of them.

    One that no node has is the narrowest: it is to be found missing inside every domain, not left out above it.
    """

    def domains(key: str) -> int:
        return len(columns.label(fleet.facts, key).values) or fleet.size + 1

    found = list(levels)
    for key in sorted(others, key=domains):
        place = next((i for i, known in enumerate(found) if domains(known) > domains(key)), len(found))
        found.insert(place, key)
    return tuple(found)


def joined(column: Column, anchor: Ints) -> int | None:
    """The domain in which most of the group's members are already; None if they are in none."""
    held = column.codes[anchor]
    held = held[held >= 0]
    return int(np.bincount(held).argmax()) if held.size else None


def every_joined(column: Column, anchor: Ints) -> list[int]:
    """All domains in which members are, those with most first."""
    held = column.codes[anchor]
    counted = np.bincount(held[held >= 0])
    order = np.argsort(-counted, kind="stable")
    return [domain for domain in order.tolist() if counted[domain]]


def rank_order(fleet: Fleet, known: Ladder, rows: Ints, last: int | None) -> Ints:
    """Order in which ranks are given to nodes: neighbours in the fabric get neighbouring ranks.

    Levels are the ladder's, or else the pool's. `last` is the node of the rank before, if there is one:
    its domains come first.
    """
    if len(rows) < 2:
        return np.arange(len(rows))
    levels = list(known.columns)
    if not levels and (pool := int(fleet.facts.pool[rows[0]])) >= 0:
        keys = fleet.snapshot.pools[pool].levels
        levels = [columns.domains(fleet.facts, keys[: i + 1]) for i in range(len(keys))]
    by: list[Ints] = []
    for column in levels:
        codes = column.codes[rows]
        if last is not None:
            by.append((codes != column.codes[last]).astype(np.int64))
        by.append(codes)
    if last is not None:
        by.append((rows != last).astype(np.int64))
    return np.lexsort((rows, *reversed(by)))
