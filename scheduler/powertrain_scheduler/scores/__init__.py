"""How good: each node's place in the order in which a class of pods would take nodes, least first.

One whole number a node holds, from the most to the least significant: what the pods' owner
prefers, the watts it adds per unit of work, how full the node is. Equal nodes are taken in
row order, which is name order.
"""

import numpy as np

from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.scores import binpack, energy, preference
from powertrain_scheduler.session import Rows, Session

LAST = int(np.iinfo(np.int64).max)
"""Worse than every key."""

WISH_SHIFT = energy.BITS + binpack.BITS
"""Where wishes stand in a key: above all else."""


def keys(session: Session, traits: Traits) -> Ints:
    """Each node's key, whether or not the pods fit there."""
    return session.vector("keys", traits, keys_of, key_at)


def keys_of(session: Session, traits: Traits, rows: Rows) -> Ints:
    """The same for some nodes."""
    disliked = preference.disliked(session, traits)
    key = binpack.emptiness(session, traits, rows) + (energy.added(session, traits, rows) << binpack.BITS)
    return key if disliked is None else key + (disliked[rows] << WISH_SHIFT)


def key_at(session: Session, traits: Traits, row: int) -> int:
    """The same for one node."""
    disliked = preference.disliked(session, traits)
    key = binpack.emptiness_at(session, traits, row) + (energy.added_at(session, traits, row) << binpack.BITS)
    return key if disliked is None else key + (disliked.item(row) << WISH_SHIFT)
