"""How tightly pods sit together: the smallest domain that holds them, else as few domains as possible.

Works on arrays of room alone: `room[i]` pods fit at place i, `codes[i]` is the domain it lies
in, -1 for none.
"""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler.fleet import Ints


def totals(room: Ints, codes: Ints, number: int) -> Ints:
    """Room of each of `number` domains; places in no domain count nowhere."""
    return np.bincount(codes + 1, weights=room, minlength=number + 1)[1:].astype(np.int64)


def holding(rooms: Sequence[Ints], codes: Ints, number: int, needs: Sequence[int]) -> Ints:
    """Domains with room for all the needs, each counted by itself; the tightest first, ties by code.

    For one need this is exact. For several it is a bound: their pods may want the same room.
    """
    first = totals(rooms[0], codes, number)
    enough = first >= needs[0]
    for room, need in zip(rooms[1:], needs[1:], strict=True):
        enough &= totals(room, codes, number) >= need
    found = np.flatnonzero(enough)
    return found[np.argsort(first[found], kind="stable")]


def packed(room: Ints, key: Ints, need: int) -> Ints | None:
    """How many of `need` pods each place takes if those of the least key are filled first; None if too few fit."""
    order = np.flatnonzero(room > 0)
    order = order[np.argsort(key[order], kind="stable")]
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


def together(room: Ints, key: Ints, levels: Sequence[Ints], need: int) -> Ints | None:
    """How many of `need` pods each place takes so that they spread over few domains; None if too few fit.

    `levels` are domain codes from wide to narrow; at every level the tightest domain that holds
    what is left is taken, or the roomiest whole and so on. Places themselves are the last level.
    """
    if int(room.sum()) < need:
        return None
    if not levels:
        return _fill(room, key, need)
    codes = np.where(levels[0] < 0, levels[0].max(initial=-1) + 1, levels[0])
    by_domain = np.bincount(codes, weights=room).astype(np.int64)
    shares = _fill(by_domain, np.zeros(len(by_domain), dtype=np.int64), need)
    counts = np.where(shares[codes] == by_domain[codes], room, 0)
    for domain in np.flatnonzero((shares > 0) & (shares < by_domain)).tolist():
        inside = np.flatnonzero(codes == domain)
        part = together(
            room[inside], key[inside], [level[inside] for level in levels[1:]], int(shares[domain])
        )
        counts[inside] = part if part is not None else 0
    return counts


def _fill(room: Ints, key: Ints, need: int) -> Ints:
    """The roomiest whole until one holds the rest, and for that the tightest; ties by key, then by place."""
    order = np.lexsort((key, -room))
    filled = np.cumsum(room[order])
    last = int(np.searchsorted(filled, need))
    rest = need - int(filled[last - 1] if last else 0)
    counts = np.zeros(len(room), dtype=np.int64)
    counts[order[:last]] = room[order[:last]]
    tail = order[last:]
    tightest = room[tail][room[tail] >= rest].min()
    counts[tail[np.argmax(room[tail] == tightest)]] = rest
    return counts
