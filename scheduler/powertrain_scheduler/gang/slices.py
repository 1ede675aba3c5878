"""Pods in slices: blocks of so many in rank order, each block in one domain of its level.

Slices that have begun are completed first: where members run already, new ones fill up their domains.
Then come whole slices, and a rest that is less than a slice lies in one domain, too.
"""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.scores import arrange, tiers
from powertrain_scheduler.scores.arrange import Places


def pieces(places: Places, members: Sequence[Ints], pods: int, balanced: bool) -> list[Ints] | None:
    """How many of the pods each place takes: of the first of them, of those that follow, and so on; None if too few fit.

    `members` says for each tier how many pods of the class its domains have already.
    """
    found: list[Ints] = []
    left = pods
    held = [each.copy() for each in members]
    for number in reversed(range(len(places.tiers))):
        tier = places.tiers[number]
        if tier.grain < 2:
            continue
        for domain in np.flatnonzero(held[number] % tier.grain).tolist():
            lack = int(tier.grain - held[number][domain] % tier.grain)
            begun = _inside(places, number, domain, min(lack, left))
            if begun is None:
                return None
            if begun.any():
                places, left = _less(places, begun), left - int(begun.sum())
                found.append(begun)
                for each, above in zip(held, places.tiers, strict=True):
                    each += np.bincount(above.codes, weights=begun, minlength=above.number).astype(np.int64)
    more = _fresh(places, left, balanced)
    return None if more is None else found + more


def _fresh(places: Places, pods: int, balanced: bool) -> list[Ints] | None:
    """The same where no slice has begun."""
    widest = next((i for i, tier in enumerate(places.tiers) if tier.grain > 1), None)
    if widest is None:
        counts = arrange.together(places, pods, balanced)
        return None if counts is None else [counts]
    rest = pods % places.tiers[widest].grain
    found: list[Ints] = []
    if pods > rest:
        counts = arrange.together(places, pods - rest, balanced)
        if counts is None:
            return None
        found.append(counts)
        places = _less(places, counts)
    return found if not rest else _with_rest(places, widest, rest, found)


def _with_rest(places: Places, number: int, rest: int, found: list[Ints]) -> list[Ints] | None:
    """A last slice that is not whole, in the tightest domain that holds it."""
    tier = places.tiers[number]
    inner = tiers.usable(places.room, places.tiers[number + 1 :])
    capacity = np.bincount(tier.codes, weights=inner, minlength=tier.number)
    if tier.outside >= 0:
        capacity[tier.outside] = 0
    for domain in np.argsort(capacity, kind="stable").tolist():
        last = _inside(places, number, domain, rest) if capacity[domain] >= rest else None
        if last is not None and domain != tier.outside:
            return [*found, last]
    return None


def _inside(places: Places, number: int, domain: int, pods: int) -> Ints | None:
    """So many pods in one domain of a tier, in slices of the levels below it."""
    chosen = np.flatnonzero(places.tiers[number].codes == domain)
    below = places._replace(tiers=places.tiers[number:]).inside(chosen)
    parts = _fresh(below, pods, False)
    if parts is None:
        return None
    counts = np.zeros(len(places.room), dtype=np.int64)
    for part in parts:
        counts[chosen] += part
    return counts


def _less(places: Places, counts: Ints) -> Places:
    """What is left when these are placed."""
    return places._replace(room=places.room - counts, used=places.used + counts, first=places.first + counts)
