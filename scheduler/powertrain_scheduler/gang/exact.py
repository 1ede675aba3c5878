"""Several classes of pods on the same nodes, by trying every way: exact, where the ways are few enough.

Node by node it is kept, for each number of pods placed of all classes but one, how many of that one
have room at most. Nodes that only one class can use are that class's and need no trying.
"""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from powertrain_scheduler.asks import Need
from powertrain_scheduler.fleet import Ints

WORK = 2_000_000
"""Most numbers looked at in one call, some milliseconds; beyond that nothing is tried."""

Way = tuple[tuple[int, ...], int]
"""Pods of each class but the last on a node, and how many of the last have room beside them."""


def every_way(free: Ints, fits: Sequence[Ints], needs: Sequence[Need]) -> list[Ints] | None:
    """By need, how many pods each node takes; None if there is no way, or there are too many to try.

    `free` has the shape (nodes, resources), `fits` says how many pods of each need a node takes by itself.
    """
    sharing = np.sum([each > 0 for each in fits], axis=0) > 1
    own = [np.where(sharing, 0, each) for each in fits]
    left = [max(0, len(need.pods) - int(each.sum())) for need, each in zip(needs, own, strict=True)]
    active = sorted((i for i in range(len(needs)) if left[i]), key=lambda i: left[i])
    rival = np.flatnonzero(sharing)
    counts = [np.zeros(len(free), dtype=np.int64) for _ in needs]
    if len(active) == 1:
        counts[active[0]][rival] = _first(fits[active[0]][rival], left[active[0]])
        if int(counts[active[0]].sum()) < left[active[0]]:
            return None
    elif active:
        mine = [fits[i][rival] for i in active]
        found = _shared(free[rival], mine, [needs[i] for i in active], [left[i] for i in active])
        if found is None:
            return None
        for i, each in zip(active, found, strict=True):
            counts[i][rival] = each
    for i, need in enumerate(needs):
        counts[i] += _first(own[i], len(need.pods) - int(counts[i].sum()))
    return counts


def _first(room: Ints, pods: int) -> Ints:
    """So many of the pods for which there is room, the first nodes first."""
    return np.diff(np.minimum(np.cumsum(room), pods), prepend=0)


def _shared(
    free: Ints, fits: Sequence[Ints], needs: Sequence[Need], left: Sequence[int]
) -> list[Ints] | None:
    """The same for nodes that several classes can use, `left` pods of each."""
    shape = tuple(number + 1 for number in left[:-1])
    known: dict[bytes, list[Way]] = {}
    ways: list[list[Way]] = []
    work = 0
    for node in range(len(free)):
        most = [int(each[node]) for each in fits]
        work += prod(min(a, b) + 1 for a, b in zip(most[:-1], left[:-1], strict=True)) * prod(shape)
        if work > WORK:
            return None
        key = free[node].tobytes() + bytes(str(most), "ascii")
        if key not in known:
            known[key] = _ways(free[node], most, needs, left)
        ways.append(known[key])
    best = np.full(shape, -1, dtype=np.int64)
    best[(0,) * len(shape)] = 0
    chosen: list[Ints] = []
    for each in ways:
        best, taken = _with_node(best, each)
        chosen.append(taken)
    if int(best[tuple(left[:-1])]) < left[-1]:
        return None
    return _trace(ways, chosen, left)


def _ways(free: Ints, most: Sequence[int], needs: Sequence[Need], left: Sequence[int]) -> list[Way]:
    """All that one node can take of the classes but the last, and what is left for the last."""
    found: list[Way] = []
    last = needs[-1].traits
    for counts in product(*(range(min(a, b) + 1) for a, b in zip(most[:-1], left[:-1], strict=True))):
        over = free.copy()
        for count, need in zip(counts, needs[:-1], strict=True):
            over -= count * need.traits.vector
        used = np.logical_or.reduce([need.traits.vector > 0 for need in needs])
        if (over[used] >= 0).all():
            found.append((counts, min(most[-1], int((over[last.columns] // last.amounts).min()))))
    return found


def _with_node(best: Ints, ways: Sequence[Way]) -> tuple[Ints, Ints]:
    """The table with one node more, and the way each entry takes there."""
    new = np.full(best.shape, -1, dtype=np.int64)
    taken = np.zeros(best.shape, dtype=np.int64)
    for number, (counts, room) in enumerate(ways):
        after = tuple(slice(count, None) for count in counts)
        before = best[tuple(slice(0, size - count) for size, count in zip(best.shape, counts, strict=True))]
        value = np.where(before >= 0, before + room, -1)
        better = value > new[after]
        new[after][better] = value[better]
        taken[after][better] = number
    return new, taken


def _trace(ways: Sequence[Sequence[Way]], chosen: Sequence[Ints], left: Sequence[int]) -> list[Ints]:
    """By class, how many pods each node takes, from the last node back to the first."""
    counts = np.zeros((len(left), len(ways)), dtype=np.int64)
    at, room = tuple(left[:-1]), np.zeros(len(ways), dtype=np.int64)
    for node in range(len(ways) - 1, -1, -1):
        taken, room[node] = ways[node][int(chosen[node][at])]
        counts[:-1, node] = taken
        at = tuple(a - b for a, b in zip(at, taken, strict=True))
    counts[-1] = _first(room, left[-1])
    return list(counts)
