"""Several classes of pods that compete for the same nodes: who goes where so that all have room.

First by what each pod would take from the others, in one order of the classes after another: the
leader goes where a worker would not fit anyway. Where that fails, every way there is, if they are few.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, permutations

import numpy as np

from powertrain_scheduler.asks import Need
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.gang import exact
from powertrain_scheduler.gang.rooms import room
from powertrain_scheduler.session import Session

ORDERS = 24
"""Most orders of the classes that are tried."""
DEPTH = 64
"""Pods of a class on one node beyond which their cost to the others is not looked at one by one."""

Free = Ints
"""What is free in every world: shape (nodes, resources)."""


def together(
    worlds: Sequence[Session], needs: Sequence[Need], masks: Mapping[int, Mask | None], rows: Ints
) -> list[Ints] | None:
    """By need, how many of its pods each of `rows` takes; None if no way was found. Shares are not weighed."""
    if any(need.traits.share for need in needs):
        return None
    free: Free = np.minimum.reduce(
        [world.fleet.facts.allocatable[rows] - world.used[rows] for world in worlds]
    )
    rooms = [room(worlds, need.traits, masks[need.traits.number])[rows] for need in needs]
    if _too_much(free, rooms, needs):
        return None
    for order in islice(permutations(range(len(needs))), ORDERS):
        if (found := _greedily(free, rooms, needs, order)) is not None:
            return found
    fits = [_fitting(free, need, most) for need, most in zip(needs, rooms, strict=True)]
    return exact.every_way(free, fits, needs)


def enough(
    worlds: Sequence[Session],
    needs: Sequence[Need],
    rooms: Sequence[Ints],
    rows: Ints,
    codes: Ints,
    number: int,
) -> Mask:
    """Which of `number` domains have as much of every resource as all needs ask for; a bound, quickly asked."""
    taken = np.logical_or.reduce([each > 0 for each in rooms]) & (codes >= 0)
    rows, codes = rows[taken], codes[taken]
    asked = np.sum([need.traits.vector * len(need.pods) for need in needs], axis=0)
    found = np.ones(number, dtype=np.bool_)
    for column in np.flatnonzero(asked).tolist():
        have = worlds[0].fleet.facts.allocatable[rows, column]
        free = np.minimum.reduce([have - world.used[rows, column] for world in worlds])
        found &= np.bincount(codes, weights=np.maximum(free, 0), minlength=number) >= asked[column]
    return found


def _too_much(free: Free, rooms: Sequence[Ints], needs: Sequence[Need]) -> bool:
    """Whether of some resource all want more than all nodes have that can take one of them."""
    there = np.maximum(free[np.logical_or.reduce([each > 0 for each in rooms])], 0).sum(axis=0)
    asked = np.sum([need.traits.vector * len(need.pods) for need in needs], axis=0)
    return bool((asked > there).any())


def _fitting(free: Free, need: Need, most: Ints) -> Ints:
    """How many pods of the need each node takes, no more than `most`."""
    columns, amounts = need.traits.columns, need.traits.amounts
    fits: Ints = np.clip((free[:, columns] // amounts).min(axis=1), 0, most)
    return fits


def _greedily(
    free: Free, rooms: Sequence[Ints], needs: Sequence[Need], order: Sequence[int]
) -> list[Ints] | None:
    """One class after another, each pod where it takes least from the classes that come after it."""
    found = [np.zeros(len(free), dtype=np.int64) for _ in needs]
    for place, number in enumerate(order):
        need = needs[number]
        fits = _fitting(free, need, rooms[number])
        if int(fits.sum()) < len(need.pods):
            return None
        later = [(needs[i], rooms[i]) for i in order[place + 1 :]]
        found[number] = _cheapest(free, need, fits, later)
        free = free - found[number][:, None] * need.traits.vector
    return found


def _cheapest(free: Free, need: Need, fits: Ints, later: Sequence[tuple[Need, Ints]]) -> Ints:
    """How many of the need's pods each node takes, those places first that cost the later classes least."""
    depth = int(min(fits.max(), len(need.pods), DEPTH))
    cost = np.zeros((len(free), depth), dtype=np.float64)
    for other, most in later:
        before = _fitting(free, other, most)
        worth = len(other.pods) / max(1, int(before.sum()))
        for taken in range(1, depth + 1):
            after = _fitting(free - taken * need.traits.vector, other, most)
            cost[:, taken - 1] += worth * (before - after)
    # A place costs what it and those before it on its node cost, by the pod.
    each = np.maximum.accumulate(cost / np.arange(1, depth + 1), axis=1)
    node, taken_by_node = np.nonzero(np.arange(depth)[None, :] < fits[:, None])
    order = np.lexsort((taken_by_node, node, each[node, taken_by_node]))[: len(need.pods)]
    counts = np.bincount(node[order], minlength=len(free)).astype(np.int64)
    left = len(need.pods) - int(counts.sum())
    if left:
        more = np.minimum(np.cumsum(fits - counts), left)
        counts += np.diff(more, prepend=0)
    return counts
