"""Fragments of devices: what of the idle devices the pods likely to come could not use.

As in FGD (Weng et al., Beware of Fragmentation, USENIX ATC 2023): for each expected class, all of a
node's idle devices are fragments if the class wants none, may not go there or does not fit, else the
remainders smaller than its share. The fragments of a node are the average over the classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import fit
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.scores import workload
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import CPU

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Targets:
    """The classes likely to come, as columns."""

    part: Floats
    """Of all that is expected; sums to 1."""
    cpu: Ints
    size: Ints
    """Thousandths it takes of each device; 0 for none."""
    devices: Ints
    may: Mask
    """Shape (nodes, classes): where each may go at all."""


def targets(fleet: Fleet) -> Targets:
    """Worked out once a cycle."""
    return fleet.keep("targets", 0, lambda: _targets(fleet))


def _targets(fleet: Fleet) -> Targets:
    found = [each for each in workload.expected(fleet) if each[0].missing is None]
    parts = np.array([number for _, number in found], dtype=np.float64)
    wants = [_wants(traits) for traits, _ in found]
    may = [fit.may(fleet, traits) for traits, _ in found]
    return Targets(
        part=parts / max(parts.sum(), 1e-12),
        cpu=np.array([traits.vector[fleet.column_of[CPU]] for traits, _ in found], dtype=np.int64),
        size=np.array([size for size, _ in wants], dtype=np.int64),
        devices=np.array([count for _, count in wants], dtype=np.int64),
        may=np.array(may, dtype=np.bool_).reshape(len(found), fleet.size).T,
    )


def _wants(traits: Traits) -> tuple[int, int]:
    if traits.share:
        return traits.share, 1
    whole = sum(n for column, n in traits.requests if column == traits.device_column)
    return (DEVICE, whole) if whole else (0, 0)


@dataclass(frozen=True, eq=False, slots=True)
class Nodes:
    """Nodes as they are or would be: rows may come several times, in different states."""

    rows: Ints
    cpu: Ints
    whole: Ints
    """Devices that nobody uses."""
    left: Ints
    """Shape (nodes, slots): thousandths left of split devices, 0 where there is none."""


def nodes(session: Session, rows: Ints) -> Nodes:
    """These nodes as they are."""
    fleet = session.fleet
    cpu = fleet.column_of[CPU]
    left = np.zeros((len(rows), 0), dtype=np.int64)
    for column, split in session.shares.items():
        mine = fleet.device_column[rows] == column
        own = np.where((split[rows] > 0) & mine[:, None], DEVICE - split[rows], 0)
        left = np.concatenate([left, own], axis=1)
    whole = np.maximum(fleet.present[rows] - fleet.devices(session.used, rows), 0)
    return Nodes(rows, fleet.facts.allocatable[rows, cpu] - session.used[rows, cpu], whole, left)


_AT_A_TIME = 1 << 21


def amount(fleet: Fleet, these: Nodes) -> Floats:
    """Thousandths of each node's idle devices that are fragments."""
    expected = targets(fleet)
    each = max(1, _AT_A_TIME // max(1, len(expected.part) * max(1, these.left.shape[1])))
    pieces = [
        _amount(expected, these, slice(start, start + each)) for start in range(0, len(these.rows), each)
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0)


def _amount(expected: Targets, these: Nodes, some: slice) -> Floats:
    left, whole = np.sort(these.left[some], axis=1), these.whole[some, None]
    used = left.any(axis=0)
    left = left[:, used]
    idle = whole * DEVICE + left.sum(axis=1, keepdims=True)
    usable = np.broadcast_to(whole * DEVICE, (len(whole), len(expected.size))).copy()
    fitting = np.broadcast_to(whole, usable.shape).copy()
    for slot in range(left.shape[1]):
        fits = (left[:, slot, None] >= expected.size) & (left[:, slot, None] > 0)
        usable += np.where(fits, left[:, slot, None], 0)
        fitting += fits
    may = expected.may[these.rows[some]] & (expected.size > 0) & (these.cpu[some, None] >= expected.cpu)
    usable = np.where(may & (fitting >= expected.devices), usable, 0)
    found: Floats = (idle - usable) @ expected.part
    return found


def gradients(session: Session, traits: Traits, rows: Ints) -> Floats:
    """Fragments that a pod of the class undoes, shape (rows, slots + 1): by taking its share of each split device
    and, last, by beginning one. For other classes, shape (rows, 1). Minus infinity where it does not fit."""
    fleet, these = session.fleet, nodes(session, rows)
    now = amount(fleet, these)
    cpu = these.cpu - traits.vector[fleet.column_of[CPU]]
    if not traits.share:
        taken = traits.devices[fleet.facts.pool[rows]]
        after = amount(fleet, Nodes(rows, cpu, np.maximum(these.whole - taken, 0), these.left))
        return (now - after)[:, None]
    found = np.full((len(rows), these.left.shape[1] + 1), -np.inf)
    for slot in range(these.left.shape[1]):
        at = np.flatnonzero(these.left[:, slot] >= traits.share)
        left = these.left[at].copy()
        left[:, slot] -= traits.share
        found[at, slot] = now[at] - amount(fleet, Nodes(rows[at], cpu[at], these.whole[at], left))
    at = np.flatnonzero(these.whole > 0)
    begun = np.full((len(at), 1), DEVICE - traits.share)
    left = np.concatenate([these.left[at], begun], axis=1)
    found[at, -1] = now[at] - amount(fleet, Nodes(rows[at], cpu[at], these.whole[at] - 1, left))
    return found
