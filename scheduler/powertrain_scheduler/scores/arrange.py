"""How many pods each place takes, level by level, so that they lie in few domains.

At every level those domains come first in which the group has pods already, then the roomiest are
filled until one holds what is left, and for that the tightest is taken; or, balanced, the fewest
that hold all take about equally many each. Places themselves are the last level.
"""

from typing import NamedTuple

import numpy as np

from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.scores.tiers import Tier, capacities


class Places(NamedTuple):
    """Where pods of one class may go."""

    room: Ints
    key: Ints
    """Which of equals comes first, least first."""
    used: Ints
    """Pods of the group that are there already, or will be."""
    tiers: tuple[Tier, ...]
    """Levels, from wide to narrow."""
    first: Ints
    """Places that come before others, where it is not 0."""

    def restricted(self, chosen: Ints) -> "Places":
        """Only these places."""
        tiers = tuple(_within(each, chosen) for each in self.tiers)
        return Places(self.room[chosen], self.key[chosen], self.used[chosen], tiers, self.first[chosen])

    def inside(self, chosen: Ints) -> "Places":
        """The places of one of the widest tier's domains, with the levels below it."""
        return self._replace(tiers=self.tiers[1:]).restricted(chosen)


def _within(tier: Tier, chosen: Ints) -> Tier:
    found, codes = np.unique(tier.codes[chosen], return_inverse=True)
    outside = np.flatnonzero(found == tier.outside)
    return Tier(codes.astype(np.int64), len(found), int(outside[0]) if len(outside) else -1, tier.grain)


def together(places: Places, need: int, balanced: bool = False) -> Ints | None:
    """How many of `need` pods each place takes; None if too few fit. Balanced is only the widest tier."""
    tiers, room = places.tiers, places.room
    if not tiers:
        if int(room.sum()) < need:
            return None
        if balanced:
            return _evenly(room, room, places.key, need, 1)
        return _fill(room, room, places.first, places.key, need)
    if tiers[0].number == 1 and tiers[0].grain == 1:
        return together(places._replace(tiers=tiers[1:]), need, balanced)
    capacity = capacities(room, tiers)[0]
    if int(capacity.sum()) < need:
        return None
    codes = tiers[0].codes
    raw = np.bincount(codes, weights=room, minlength=tiers[0].number).astype(np.int64)
    key = np.arange(len(capacity))
    if balanced:
        shares = _evenly(capacity, raw, key, need, grain_of(places))
    else:
        used = np.bincount(codes, weights=places.used, minlength=tiers[0].number).astype(np.int64)
        shares = _fill(capacity, raw, used, key, need)
    counts = np.where(shares[codes] == raw[codes], room, 0)
    for domain in np.flatnonzero((shares > 0) & (shares < raw)).tolist():
        chosen = np.flatnonzero(codes == domain)
        part = together(places.inside(chosen), int(shares[domain]))
        assert part is not None  # its share is no more than its capacity
        counts[chosen] = part
    return counts


def _fill(capacity: Ints, raw: Ints, used: Ints, key: Ints, need: int) -> Ints:
    """Those in use first, of each sort the roomiest whole until one holds the rest, for that the tightest."""
    fresh = used == 0
    order = np.lexsort((key, raw, -capacity, fresh))
    filled = np.cumsum(capacity[order])
    last = int(np.searchsorted(filled, need))
    rest = need - int(filled[last - 1] if last else 0)
    counts = np.zeros(len(capacity), dtype=np.int64)
    counts[order[:last]] = capacity[order[:last]]
    tail = order[last:]
    alike = tail[(capacity[tail] >= rest) & (fresh[tail] == fresh[order[last]])]
    counts[alike[np.lexsort((key[alike], raw[alike], capacity[alike]))[0]]] = rest
    return counts


def _evenly(capacity: Ints, raw: Ints, key: Ints, need: int, grain: int) -> Ints:
    """The fewest that hold all, the tightest such, with about equally many each, `grain` at a time."""
    chosen = _fewest(capacity, raw, key, need, grain)
    most = capacity[chosen] // grain
    steps, level = need // grain, 0
    low, high = 0, int(most.max(initial=0))
    while low < high:
        level = (low + high) // 2
        if int(np.minimum(most, level).sum()) >= steps:
            high = level
        else:
            low = level + 1
    taken = np.minimum(most, max(0, low - 1))
    more = np.flatnonzero(most >= low)[: steps - int(taken.sum())]
    taken[more] += 1
    counts = np.zeros(len(capacity), dtype=np.int64)
    counts[chosen] = taken * grain
    return counts


def _fewest(capacity: Ints, raw: Ints, key: Ints, need: int, grain: int) -> Ints:
    """Domains of a balanced split, the roomiest first; `need` is no more than they hold in all."""
    order = np.lexsort((key, raw, -capacity))
    sizes = capacity[order]
    number = int(np.searchsorted(np.cumsum(sizes), need)) + 1
    least = min(need // number // grain * grain, int(sizes[number - 1]))
    sums = np.convolve(sizes, np.ones(number, dtype=np.int64), mode="valid")
    good = (sums >= need) & (sizes[number - 1 :] >= least)
    start = int(np.flatnonzero(good & (sums == sums[good].min()))[0])
    return order[start : start + number]


def evenness(places: Places, codes: Ints, number: int, need: int) -> tuple[Ints, Ints]:
    """For each of `number` domains (`codes`, -1 for none), as if all the pods lay there balanced: the least that
    each part it is split over takes, and how many parts these are. Of no meaning where they don't fit.
    """
    inner, of = places.room, codes
    if places.tiers:
        inner = capacities(places.room, places.tiers)[0]
        of = np.empty(len(inner), dtype=np.int64)
        of[places.tiers[0].codes] = codes
    order = np.lexsort((-inner, of))
    sizes, of = inner[order], of[order]
    start = np.searchsorted(of, np.arange(number))
    filled = np.cumsum(sizes)
    before = np.append(0, filled)[start]
    last = np.minimum(np.searchsorted(filled, before + need), len(sizes) - 1)
    few = np.maximum(last - start + 1, 1)
    grain = grain_of(places)
    return np.minimum(need // few // grain * grain, sizes[last]), few


def grain_of(places: Places) -> int:
    """Pods that its widest domains take at a time."""
    return max([each.grain for each in places.tiers], default=1)
