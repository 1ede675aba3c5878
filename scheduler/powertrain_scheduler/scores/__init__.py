"""How good: each node's place in the order in which a class of pods would take nodes, least first.

One whole number a node holds. For the packing `powertrain`, from the most to the least significant:
what the pods' owner prefers; how scarce the node's devices are for others; the watts it adds per
unit of work; the devices it puts to waste; how full the node is. Once the fleet is filling up,
waste goes before watts. Equal nodes are taken in row order, which is name order. Other packings
(`packings`) have a whole-number score of their own.
"""

import numpy as np

from powertrain_scheduler import fit, shares
from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.scores import binpack, energy, load, packings, preference, waste
from powertrain_scheduler.session import Rows, Session

LAST = int(np.iinfo(np.int64).max)
"""Worse than every key."""

WISH_SHIFT = waste.SCARCE_BITS + energy.BITS + waste.BITS + binpack.BITS
"""Where wishes stand in a key: above all else."""
_LOWER = waste.BITS + binpack.BITS
_UPPER = energy.BITS + binpack.BITS


def keys(session: Session, traits: Traits) -> Ints:
    """Each node's key, whether or not the pods fit there."""
    name = session.fleet.policy.packing
    if name != packings.OWN:
        return packings.keys(name, session, traits, preference.disliked(session, traits))
    if load.plenty(session):
        return session.vector("keys, plenty", traits, _frugal_keys, _frugal_key)
    return session.vector("keys", traits, _tight_keys, _tight_key)


def order(session: Session, traits: Traits) -> Ints:
    """Keys of nodes with room, `LAST` for the others."""
    if session.fleet.policy.packing != packings.OWN:
        return np.where(fit.room(session, traits) > 0, keys(session, traits), LAST)
    if load.plenty(session):
        return session.vector("order, plenty", traits, _frugal_order, _frugal_order_at)
    return session.vector("order", traits, _tight_order, _tight_order_at)


def prefer(session: Session, traits: Traits) -> shares.Prefer:
    """Which device a share goes to."""
    name = session.fleet.policy.packing
    if name == packings.OWN:
        return waste.prefer(session.fleet, traits)
    return packings.prefer(name, session, traits)


def _frugal_keys(session: Session, traits: Traits, rows: Rows) -> Ints:
    rest = waste.remainders(session, traits, rows)
    key = binpack.emptiness(session, traits, rows)
    key += waste.added(session, traits, rows, rest) << binpack.BITS
    key += energy.added(session, traits, rows, waste.begun(rest)) << _LOWER
    if (scarce := waste.scarcity(session, traits, rows)) is not None:
        key += scarce << (_LOWER + energy.BITS)
    return _wished(session, traits, rows, key)


def _tight_keys(session: Session, traits: Traits, rows: Rows) -> Ints:
    rest = waste.remainders(session, traits, rows)
    key = binpack.emptiness(session, traits, rows)
    key += energy.added(session, traits, rows, waste.begun(rest)) << binpack.BITS
    key += waste.added(session, traits, rows, rest) << _UPPER
    return _wished(session, traits, rows, key)


def _wished(session: Session, traits: Traits, rows: Rows, key: Ints) -> Ints:
    disliked = preference.disliked(session, traits)
    return key if disliked is None else key + (disliked[rows] << WISH_SHIFT)


def _frugal_order(session: Session, traits: Traits, rows: Rows) -> Ints:
    return np.where(fit.room_of(session, traits, rows) > 0, _frugal_keys(session, traits, rows), LAST)


def _tight_order(session: Session, traits: Traits, rows: Rows) -> Ints:
    return np.where(fit.room_of(session, traits, rows) > 0, _tight_keys(session, traits, rows), LAST)


# -- the same for one node ------------------------------------------------------------------------------


def _frugal_key(session: Session, traits: Traits, row: int) -> int:
    if traits.share:
        return _frugal_keys(session, traits, np.array([row])).item(0)
    key = binpack.emptiness_at(session, traits, row) + (waste.added_at(session, traits, row) << binpack.BITS)
    key += energy.added_at(session, traits, row) << _LOWER
    key += waste.scarcity_at(session, traits, row) << (_LOWER + energy.BITS)
    return _wished_at(session, traits, row, key)


def _tight_key(session: Session, traits: Traits, row: int) -> int:
    if traits.share:
        return _tight_keys(session, traits, np.array([row])).item(0)
    key = binpack.emptiness_at(session, traits, row) + (energy.added_at(session, traits, row) << binpack.BITS)
    return _wished_at(session, traits, row, key + (waste.added_at(session, traits, row) << _UPPER))


def _wished_at(session: Session, traits: Traits, row: int, key: int) -> int:
    disliked = preference.disliked(session, traits)
    return key if disliked is None else key + (disliked.item(row) << WISH_SHIFT)


def _frugal_order_at(session: Session, traits: Traits, row: int) -> int:
    return _frugal_key(session, traits, row) if fit.room_at(session, traits, row) > 0 else LAST


def _tight_order_at(session: Session, traits: Traits, row: int) -> int:
    return _tight_key(session, traits, row) if fit.room_at(session, traits, row) > 0 else LAST
