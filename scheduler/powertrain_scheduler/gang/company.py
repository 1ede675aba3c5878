"""Gangs whose pods mind where others are: near some, apart from others, evenly spread.

Each pod placed may change where the next may go, so these are placed one by one, the best node
first; where it changes nothing they go together as all others do. A gang that is to be near pods of
its own, of which there are none yet, is tried in one domain after another.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from powertrain_scheduler import columns, fit, scores, session
from powertrain_scheduler.asks import Ask, Need
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fit import others
from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.scores import topology
from powertrain_scheduler.session import Change, Session
from powertrain_scheduler.snapshot import PodTerm

ONE: Ints = np.ones(1, dtype=np.int64)
DOMAINS_TRIED = 64
"""Most domains in which a gang is tried that has to found its own neighbourhood, the tightest first."""


def heeds(worlds: Sequence[Session], traits: Traits) -> bool:
    """Whether the class minds where others are, in any of the worlds."""
    return traits.heeding and any(others.heeds(world, traits) for world in worlds)


def at_most(worlds: Sequence[Session], traits: Traits, fits: Ints) -> Ints:
    """`fits` without what no order of placing could bring about: a bound, before anything is placed."""
    for world in worlds:
        fits = np.where(others.undisputed(world, traits), fits, 0)
    return others.one_each(worlds[0], traits, fits)


def settled(worlds: Sequence[Session], traits: Traits, together: bool) -> bool:
    """Whether pods of the class may be placed together: none changes where the next may go.

    `together`: they have one domain to choose from, so that the first binds the rest to no other.
    """
    return all(others.settled(world, traits, together) for world in worlds)


def admitted(worlds: Sequence[Session], traits: Traits, fits: Ints) -> Ints:
    """How many more pods of a settled class each node takes."""
    for world in worlds:
        fits = np.where(others.admits(world, traits), fits, 0)
    return others.one_each(worlds[0], traits, fits)


def checks(worlds: Sequence[Session], traits: Traits) -> Iterator[tuple[str, Mask]]:
    """Each rule about other pods, as for people: (what failing nodes do, nodes that pass in every world)."""
    for found in zip(*(list(others.checks(world, traits)) for world in worlds), strict=False):
        yield found[0][0], np.logical_and.reduce([passed for _, passed in found])


def keys(world: Session, traits: Traits) -> Ints:
    """Each node's key, what the class wishes of other pods included."""
    key = scores.keys(world, traits)
    unwished = others.unwished(world, traits)
    return key if unwished is None else key + (unwished << scores.WISH_SHIFT)


def one_by_one(
    wanted: Ask, need: Need, worlds: Sequence[Session], mask: Mask | None, rows: Ints
) -> Ints | None:
    """How many of the need's pods each of `rows` takes, each pod on the best node of the moment; None if one
    finds none. The sessions are left as they were."""
    traits, first = need.traits, worlds[0]
    inside = np.zeros(first.fleet.size, dtype=np.bool_)
    inside[rows] = True
    if mask is not None:
        inside &= mask
    if others.most(first, traits, np.where(inside, fit.room_in_all(worlds, traits), 0)) < len(need.pods):
        return None
    counts = np.zeros(first.fleet.size, dtype=np.int64)
    marks = [world.checkpoint() for world in worlds]
    for _ in need.pods:
        open_ = inside.copy()
        open_ &= fit.room_in_all(worlds, traits) > 0
        for world in worlds:
            open_ &= others.admits(world, traits)
        key = np.where(open_, keys(first, traits), scores.LAST)
        if wanted.inside is not None and (fresh := open_ & (counts == 0)).any():
            key = np.where(fresh, key, scores.LAST)
        row = int(key.argmin()) if len(key) else -1
        if row < 0 or not open_[row]:
            break
        counts[row] += 1
        at = np.array([row])
        devices = (
            session.devices(worlds, traits, at, ONE, scores.prefer(first, traits)) if traits.share else ()
        )
        if devices is None:
            break
        change = Change(wanted.group.queue, False, traits, at, ONE, devices)
        for world in worlds:
            world.place(change)
    for world, mark in zip(worlds, marks, strict=True):
        world.rollback(mark)
    return counts[rows] if int(counts.sum()) == len(need.pods) else None


# -- gangs that are to be near their own ------------------------------------------------------------


def in_order(needs: Sequence[Need]) -> list[Need]:
    """The needs in the order to be served: who is to be near others of the gang comes after them."""
    left = list(needs)
    if len(left) < 2 or not any(need.traits.pod_class.near for need in needs):
        return left
    order: list[Need] = []
    while left:
        free = (need for need in left if not _awaits(need, left))
        order.append(next(free, left[0]))
        left.remove(order[-1])
    return order


def _awaits(need: Need, left: Sequence[Need]) -> bool:
    near = {term.selector for term in need.traits.pod_class.near}
    others_ = (each.traits.pod_class for each in left if each is not need)
    return bool(near) and any(not near.isdisjoint(each.matched) for each in others_)


def founded(needs: Sequence[Need], worlds: Sequence[Session]) -> tuple[PodTerm, ...]:
    """Terms whose pods are nowhere yet and will be the gang's own."""
    every = [need.traits.pod_class for need in needs]
    own = {selector for each in every for selector in each.matched}
    terms = dict.fromkeys(term for each in every for term in each.near if term.selector in own)
    facts = worlds[0].fleet.facts
    return tuple(
        term
        for term in terms
        if not all(
            others.in_domain(facts, w.neighbours.matching(term.selector), term.key).any() for w in worlds
        )
    )


def neighbourhoods(
    needs: Sequence[Need], worlds: Sequence[Session], terms: Sequence[PodTerm], rooms: Sequence[Ints]
) -> Iterator[Mask | None]:
    """Nodes to keep the pods of these terms to, the tightest domains that hold them first; at last, any."""
    concerned = [
        (room, len(need.pods))
        for need, room in zip(needs, rooms, strict=True)
        if concerns(need.traits, terms)
    ]
    facts = worlds[0].fleet.facts
    codes = np.zeros(worlds[0].fleet.size, dtype=np.int64)
    for key in dict.fromkeys(term.key for term in terms):
        own = columns.label(facts, key)
        joint = codes * len(own.values) + own.codes
        codes = np.where((codes >= 0) & (own.codes >= 0), joint, -1)
    found, codes = np.unique(codes, return_inverse=True)
    codes = codes - int(bool(found.size) and found[0] < 0)
    sizes = [size for _, size in concerned]
    number = int(codes.max(initial=-1)) + 1
    holding = topology.holding([room for room, _ in concerned], codes, number, sizes)
    for domain in holding[:DOMAINS_TRIED].tolist():
        yield codes == domain
    if len(concerned) > 1:
        yield None


def kept_near(
    needs: Sequence[Need], terms: Sequence[PodTerm], near: Mask | None, masks: Mapping[int, Mask | None]
) -> dict[int, Mask | None]:
    """The masks by class, those of the needs that the terms concern kept to the nodes `near`."""
    found = dict(masks)
    for need in needs:
        if near is not None and concerns(need.traits, terms):
            mask = masks[need.traits.number]
            found[need.traits.number] = near if mask is None else near & mask
    return found


def concerns(traits: Traits, terms: Sequence[PodTerm]) -> bool:
    """Whether pods of the class have one of the terms, or are picked by it."""
    own = traits.pod_class
    return any(term in own.near or term.selector in own.matched for term in terms)
