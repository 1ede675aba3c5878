"""The levels inside a domain, and how much of it whole slices can use.

A slice's pods share one domain of its level, so room that is less than a slice's size counts for
nothing there. Sizes divide each other, so what is left of a wide slice's domain is seen in the same way.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from powertrain_scheduler.fleet import Ints


class Tier(NamedTuple):
    """One level: the domain of each place, and the pods it takes at a time."""

    codes: Ints
    """From 0 without gaps."""
    number: int
    outside: int
    """The domain of the places that have none, which holds no slice; -1 where all have one."""
    grain: int
    """Size of the slices that each lie in one domain of this level; 1 where slices are not bound by it."""


def tier(codes: Ints, grain: int) -> Tier:
    """From codes as columns have them, -1 for none."""
    found, compact = np.unique(codes, return_inverse=True)
    outside = 0 if len(found) and found[0] < 0 else -1
    return Tier(compact.astype(np.int64), len(found), outside, grain)


def sliced(tiers: Sequence[Tier]) -> bool:
    """Whether any of them is bound by slices."""
    return any(each.grain > 1 for each in tiers)


def capacities(room: Ints, tiers: Sequence[Tier]) -> list[Ints]:
    """Per tier, from wide to narrow, pods that each of its domains takes in whole slices."""
    found: list[Ints] = []
    codes, inner = np.arange(len(room)), room
    for each in reversed(tiers):
        above = np.zeros(len(inner), dtype=np.int64)
        above[codes] = each.codes  # the domain in which each of the narrower ones lies
        whole = np.bincount(above, weights=inner, minlength=each.number).astype(np.int64)
        if each.grain > 1:
            whole -= whole % each.grain
            if each.outside >= 0:
                whole[each.outside] = 0
        found.append(whole)
        codes, inner = each.codes, whole
    return found[::-1]


def usable(room: Ints, tiers: Sequence[Tier]) -> Ints:
    """Room in whole slices, for sums over domains as wide as the widest tier's or wider.

    Where in a domain it is, is left open: it stands at the first of its places.
    """
    if not sliced(tiers):
        return room
    counted = np.zeros(len(room), dtype=np.int64)
    counted[np.unique(tiers[0].codes, return_index=True)[1]] = capacities(room, tiers)[0]
    return counted
