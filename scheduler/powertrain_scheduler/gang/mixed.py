"""Several classes of pods that compete for the same nodes: who goes where so that all have room.

First by what each pod would take from the others: the leader goes where a worker would not fit
anyway. For two classes the last word is exact (within bounds); for more, every order is tried.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, permutations

import numpy as np

from powertrain_scheduler.asks import Need
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.gang.rooms import room
from powertrain_scheduler.session import Session

ORDERS = 24
"""Most orders of the classes that are tried."""
DEPTH = 64
"""Pods of a class on one node beyond which their cost to the others is not looked at one by one."""
NODES, STEPS = 512, 4096
"""Most nodes and most pods for which two classes are decided exactly."""

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
    return _exactly(free, rooms, needs) if len(needs) == 2 else None


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


def _exactly(free: Free, rooms: Sequence[Ints], needs: Sequence[Need]) -> list[Ints] | None:
    """Two classes: the most pods of the second that all pods of the first leave room for, node by node."""
    first = 0 if len(needs[0].pods) <= len(needs[1].pods) else 1
    one, other = needs[first], needs[1 - first]
    fits, most = _fitting(free, one, rooms[first]), rooms[1 - first]
    alone = _fitting(free, other, most)
    rival = np.flatnonzero((fits > 0) & (alone > 0))
    placed = np.where(alone == 0, fits, 0)
    asked = len(one.pods) - int(placed.sum())
    if asked <= 0:
        placed = np.diff(np.minimum(np.cumsum(placed), len(one.pods)), prepend=0)
    elif len(rival) > NODES or asked > STEPS or int(fits[rival].max(initial=0)) > DEPTH:
        return None
    elif (chosen := _best(free[rival], fits[rival], one, other, most[rival], asked)) is not None:
        placed[rival] = chosen
    else:
        return None
    beside = _fitting(free - placed.astype(np.int64)[:, None] * one.traits.vector, other, most)
    if int(beside.sum()) < len(other.pods):
        return None
    rest = np.diff(np.minimum(np.cumsum(beside), len(other.pods)), prepend=0)
    return [placed, rest] if first == 0 else [rest, placed]


def _best(free: Free, fits: Ints, one: Need, other: Need, most: Ints, asked: int) -> Ints | None:
    """How many of the `asked` pods each node takes so that most room is left for the other class."""
    depth = int(fits.max(initial=0))
    left = np.stack(
        [_fitting(free - taken * one.traits.vector, other, most) for taken in range(depth + 1)], axis=1
    )
    best = np.full(asked + 1, -1, dtype=np.int64)
    best[0] = 0
    takes = np.zeros((len(free), asked + 1), dtype=np.int16)
    for node in range(len(free)):
        new = np.where(best >= 0, best + left[node, 0], -1)
        for taken in range(1, min(int(fits[node]), asked) + 1):
            before = best[: asked + 1 - taken]
            value = np.where(before >= 0, before + left[node, taken], -1)
            better = value > new[taken:]
            new[taken:][better] = value[better]
            takes[node, taken:][better] = taken
        best = new
    if best[asked] < 0:
        return None
    counts = np.zeros(len(free), dtype=np.int64)
    for node in range(len(free) - 1, -1, -1):
        counts[node] = takes[node, asked]
        asked -= int(counts[node])
    return counts
