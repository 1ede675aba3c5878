"""May it: which nodes a class of pods may go to, and how many more of it each can take.

What labels, taints and names decide is worked out once per set of facts (`may`); what is
used decides the rest (`room`). The words are Kubernetes' own; a rule it would refuse matches
nothing.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np

from powertrain_scheduler import shares
from powertrain_scheduler.fit.rules import checks as checks
from powertrain_scheduler.fit.rules import may as may
from powertrain_scheduler.fit.rules import static as static
from powertrain_scheduler.fit.rules import term_matches as term_matches
from powertrain_scheduler.fit.rules import tolerated as tolerated
from powertrain_scheduler.fleet import EVERY_ROW, Ints, Traits
from powertrain_scheduler.session import Rows, Session, share_room
from powertrain_scheduler.snapshot import HostPort, PodClass


def room(session: Session, traits: Traits) -> Ints:
    """How many more pods of the class each node can take."""
    return session.vector("room", traits, room_of, room_at)


def room_in_all(worlds: Sequence[Session], traits: Traits) -> Ints:
    """How many more each node can take in every one of the worlds, of shares: on devices that have room in all."""
    fits = room(worlds[0], traits)
    for world in worlds[1:]:
        fits = np.minimum(fits, room(world, traits))
    if not traits.share or traits.missing is not None or len(worlds) == 1:
        return fits
    return np.minimum(fits, share_room(worlds, traits))


def room_at(session: Session, traits: Traits, row: int) -> int:
    """The same for one node."""
    if traits.missing is not None or not may(session.fleet, traits).item(row):
        return 0
    have, used = session.fleet.facts.allocatable, session.used
    fits = min([(have.item(row, column) - used.item(row, column)) // n for column, n in traits.requests])
    if traits.share:
        column = traits.share_column
        whole = have.item(row, column) - used.item(row, column)
        fits = min(fits, shares.room_at(session.split(column)[row].tolist(), whole, traits.share))
    if traits.pod_class.host_ports:
        fits = 0 if _ports_clash(session, traits.pod_class, row) else min(fits, 1)
    return max(fits, 0)


def room_of(session: Session, traits: Traits, rows: Rows) -> Ints:
    """The same for some nodes."""
    mask = may(session.fleet, traits)[rows]
    if traits.missing is not None:
        return np.zeros(len(mask), dtype=np.int64)
    fits = None
    for column, amount in zip(traits.columns.tolist(), traits.amounts.tolist(), strict=True):
        free = session.fleet.facts.allocatable[rows, column] - session.used[rows, column]
        most = free if amount == 1 else free // amount
        fits = most if fits is None else np.minimum(fits, most)
    assert fits is not None  # every class requests a place for itself: one of `pods`
    if traits.share:
        column = traits.share_column
        whole = session.fleet.facts.allocatable[rows, column] - session.used[rows, column]
        fits = np.minimum(fits, shares.room(session.split(column)[rows], whole, traits.share))
    fits = np.where(mask, np.maximum(fits, 0), 0)
    if traits.pod_class.host_ports:
        asked = range(session.fleet.size) if rows is EVERY_ROW else cast(Ints, rows).tolist()
        clash = np.array([_ports_clash(session, traits.pod_class, row) for row in asked], dtype=np.bool_)
        fits = np.where(clash, 0, np.minimum(fits, 1))
    return fits


def _ports_clash(session: Session, pod_class: PodClass, row: int) -> bool:
    return any(_clash(a, b) for a in pod_class.host_ports for b in session.ports.get(row, ()))


def _clash(a: HostPort, b: HostPort) -> bool:
    everywhere = "0.0.0.0"
    same = a.protocol == b.protocol and a.port == b.port
    return same and (a.address == b.address or everywhere in (a.address, b.address))
