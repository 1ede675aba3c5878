"""How tightly pods sit together: in the smallest domain that holds them, else in as few as possible.

Works on arrays of room alone: `room[i]` pods fit at place i, `codes[i]` is the domain it lies
in, -1 for none. How pods are told out over domains once it is known that they fit: `arrange`.
"""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.scores.tiers import Tier, usable


def totals(room: Ints, codes: Ints, number: int) -> Ints:
    """Room of each of `number` domains; places in no domain count nowhere."""
    return np.bincount(codes + 1, weights=room, minlength=number + 1)[1:].astype(np.int64)


def holding(
    rooms: Sequence[Ints], codes: Ints, number: int, needs: Sequence[int], tiers: Sequence[Tier] = ()
) -> Ints:
    """Domains with room for all the needs, each counted by itself; the tightest first, ties by code.

    `tiers` are the levels inside these domains if the pods of the first need come in slices. For one
    need this is exact. For several it is a bound: their pods may want the same room.
    """
    raw = totals(rooms[0], codes, number)
    first = totals(usable(rooms[0], tiers), codes, number) if tiers else raw
    enough = first >= needs[0]
    for room, need in zip(rooms[1:], needs[1:], strict=True):
        enough &= totals(room, codes, number) >= need
    found = np.flatnonzero(enough)
    return found[np.lexsort((found, raw[found], first[found]))]


def packed(room: Ints, key: Ints, need: int) -> Ints | None:
    """How many of `need` pods each place takes if those of the least key are filled first; None if too few fit.

    Of equal ones those of the least room, so that no large one is begun for a rest.
    """
    order = np.flatnonzero(room > 0)
    order = order[np.lexsort((room[order], key[order]))]
    filled = np.cumsum(room[order])
    last = int(np.searchsorted(filled, need))
    if last >= len(order):
        return None
    counts = np.zeros(len(room), dtype=np.int64)
    counts[order[:last]] = room[order[:last]]
    counts[order[last]] = need - (filled[last - 1] if last else 0)
    return counts


def all_over(room: Ints, key: Ints, need: int) -> Ints | None:
    """The same if every place takes one first."""
    one = np.minimum(room, 1)
    if int(one.sum()) >= need:
        return packed(one, key, need)
    rest = packed(room - one, key, need - int(one.sum()))
    return None if rest is None else one + rest


def spread(room: Ints, key: Ints, levels: Sequence[Ints], need: int) -> Ints | None:
    """The same if no place takes two more than another that has room: first the domains take turns, then by key.

    `levels` are domain codes from wide to narrow.
    """
    if int(room.sum()) < need:
        return None
    most = int(room.max(initial=0))
    low, high = 0, most  # the most pods that a place takes
    while low < high:
        middle = (low + high) // 2
        if int(np.minimum(room, middle).sum()) >= need:
            high = middle
        else:
            low = middle + 1
    counts = np.minimum(room, max(0, low - 1))
    left = need - int(counts.sum())
    open_ = np.flatnonzero(room >= low) if low else np.zeros(0, dtype=np.int64)
    order = open_[np.argsort(key[open_], kind="stable")]
    for codes in reversed(levels):
        order = order[np.argsort(_turns(codes[order]), kind="stable")]
    counts[order[:left]] += 1
    return counts


def _turns(codes: Ints) -> Ints:
    """Each entry's place among those of its own domain."""
    by_domain = np.argsort(codes, kind="stable")
    ordered = codes[by_domain]
    first = np.searchsorted(ordered, ordered)
    turns = np.empty(len(codes), dtype=np.int64)
    turns[by_domain] = np.arange(len(codes)) - first
    return turns
