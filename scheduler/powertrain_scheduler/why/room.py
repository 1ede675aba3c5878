"""The least room that would have to get free for a group, and where."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import fit, gang
from powertrain_scheduler.asks import Ask, Need, Option
from powertrain_scheduler.changes import MoreRoom, Piece
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.gang import domains
from powertrain_scheduler.scores import topology
from powertrain_scheduler.session import Session

DOMAINS_TRIED = 8
"""Domains that lack the fewest pods, which are looked at in full."""

Worlds = tuple[Session, ...]


@dataclass(frozen=True, eq=False)
class _Nodes:
    """What nodes have for pods of one class: arrays over the nodes that may take them."""

    rows: Ints
    fits: Ints
    """Pods that find room now."""
    most: Ints
    """Pods that would on the empty node."""
    free: Ints
    """Shape (nodes, resources of the class)."""
    amounts: Ints
    device: int
    """Place of the devices among these resources, -1 for none."""
    whole: NDArray[np.float64]
    """What the largest node has of each resource."""

    def lack(self, extra: Ints, at: Ints) -> Ints:
        """What must get free on nodes `at` so that so many more pods fit on each."""
        asked = (self.fits[at] + extra)[:, None] * self.amounts - self.free[at]
        lack: Ints = np.where(extra[:, None] > 0, np.maximum(asked, 0), 0)
        return lack

    def price(self, lack: Ints) -> NDArray[np.float64]:
        """Devices short by node; other resources count less than one device, by their largest share."""
        shares = lack / self.whole
        if self.device < 0:
            return np.asarray(shares.max(axis=1))
        devices = lack[:, self.device]
        shares[:, self.device] = 0.0
        return np.asarray(devices + shares.max(axis=1) / 2)


def more_room(fleet: Fleet, wanted: Ask, worlds: Worlds, option: Option) -> MoreRoom | None:
    """Room for the pods of the class that finds too little, in the domain where that takes least."""
    need, room = _short(fleet, wanted, worlds, option)
    if need.traits.pod_class.share is not None:
        return None  # what must get free is a part of one device or another
    codes, column = np.zeros(fleet.size, dtype=np.int64), None
    if wanted.group.topology.required:
        column = domains.required(fleet, wanted, option)
        codes = column.codes
    number = len(column.values) if column is not None else 1
    nodes = _nodes(fleet, wanted, need, worlds, option, room)
    missing = np.maximum(1, len(need.pods) - topology.totals(room, codes, number))
    joined = domains.joined(column, wanted.anchor) if column is not None else None
    nearest = [joined] if joined is not None else np.argsort(missing, kind="stable")[:DOMAINS_TRIED].tolist()
    best: tuple[float, int, Ints, Ints] | None = None
    for domain in nearest:
        at = np.flatnonzero(codes[nodes.rows] == domain)
        extra = _spread(nodes, at, int(missing[domain]))
        if extra is None:
            continue
        lack = nodes.lack(extra, at)
        price = float(nodes.price(lack).sum()) if len(at) else 0.0
        if best is None or (price, domain) < best[:2]:
            best = price, domain, at, lack
    if best is None:
        return None
    _, domain, at, lack = best
    named = None
    if column is not None:
        named = (wanted.group.topology.required or "", column.values[domain].rsplit("/", 1)[-1])
    return MoreRoom(_pieces(fleet, need, nodes.rows[at], lack), named)


def freed(worlds: Worlds, room: MoreRoom) -> Worlds:
    """The worlds once that room has got free."""
    copies = tuple(world.copy() for world in worlds)
    fleet = worlds[0].fleet
    for world in copies:
        for piece in room.pieces:
            for resource, amount in piece.amounts:
                world.used[fleet.row_of[piece.node], fleet.column_of[resource]] -= amount
    return copies


def _short(fleet: Fleet, wanted: Ask, worlds: Worlds, option: Option) -> tuple[Need, Ints]:
    """The class that finds too little room in all, else the first, and its room by node."""
    first = None
    for need in wanted.needs:
        room = gang.room(worlds, need.traits, gang.allowed(fleet, wanted, need.traits, option))
        if int(room.sum()) < len(need.pods):
            return need, room
        first = first or (need, room)
    assert first is not None  # nobody asks for nothing
    return first


def _nodes(fleet: Fleet, wanted: Ask, need: Need, worlds: Worlds, option: Option, room: Ints) -> _Nodes:
    """Nodes that may take the class and lack nothing but amounts."""
    traits = need.traits
    usable: Mask = fit.may(fleet, traits).copy()
    if (mask := gang.allowed(fleet, wanted, traits, option)) is not None:
        usable &= mask
    columns = traits.columns
    have = fleet.facts.allocatable[:, columns]
    free = have - np.maximum.reduce([world.used for world in worlds])[:, columns]
    most = (have // traits.amounts).min(axis=1)
    if traits.pod_class.host_ports:
        most = np.minimum(most, 1)
    counted = np.maximum((free // traits.amounts).min(axis=1), 0)
    usable &= (room == counted) & (
        room < most
    )  # less room than the amounts give: something else is in the way
    rows = np.flatnonzero(usable)
    device = np.flatnonzero(columns == traits.device_column)
    return _Nodes(
        rows=rows,
        fits=room[rows],
        most=most[rows],
        free=free[rows],
        amounts=traits.amounts,
        device=int(device[0]) if traits.device_column >= 0 and len(device) else -1,
        whole=np.maximum(have.max(axis=0, initial=1), 1).astype(np.float64),
    )


def _spread(nodes: _Nodes, at: Ints, missing: int) -> Ints | None:
    """How many pods more each node `at` is to take so that all find room at the least price; None: they can't.

    A node's first further pod costs least, as part of its room may be free already; so every
    node is given one before any is given two.
    """
    extra = np.zeros(len(at), dtype=np.int64)
    while missing > 0:
        able = np.flatnonzero(nodes.fits[at] + extra < nodes.most[at])
        if not len(able):
            return None
        more = nodes.price(nodes.lack(extra[able] + 1, at[able])) - nodes.price(
            nodes.lack(extra[able], at[able])
        )
        chosen = able[np.argsort(more, kind="stable")[:missing]]
        extra[chosen] += 1
        missing -= len(chosen)
    return extra


def _pieces(fleet: Fleet, need: Need, rows: Ints, lack: Ints) -> tuple[Piece, ...]:
    names = [fleet.facts.resources[column] for column in need.traits.columns.tolist()]
    order = sorted(range(len(names)), key=lambda i: ("/" not in names[i], names[i]))
    pieces = [
        Piece(fleet.facts.names[row], tuple((names[i], amounts[i]) for i in order if amounts[i]))
        for row, amounts in zip(rows.tolist(), lack.tolist(), strict=True)
        if any(amounts)
    ]
    return tuple(sorted(pieces, key=lambda piece: piece.node))
