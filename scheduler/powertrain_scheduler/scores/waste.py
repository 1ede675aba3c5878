"""How much of a node's devices a pod puts to waste: thousandths that nobody likely to come could use any more.

Three ways to waste: remainders of split devices in which no set of shares fits well (`prices`);
devices left idle on a node whose CPU or memory will be gone before they are; and devices of a model
that others need who can use no other, taken by those who could.
"""

import math

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import shares
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.scores import prices, workload
from powertrain_scheduler.scores.workload import Workload
from powertrain_scheduler.session import Rows, Session
from powertrain_scheduler.shares import Prefer, Slots
from powertrain_scheduler.snapshot import CPU, MEMORY

Floats = NDArray[np.float64]

BITS = 10
STEP = 50
"""Thousandths; less is no difference."""
_ZERO = 1 << (BITS - 1)
_LEVELS = 63
SCARCE_BITS = 6
_NO_ROOM = 1e9


def added(session: Session, traits: Traits, rows: Rows, rest: Floats | None) -> Ints:
    """In steps, 0 to 2**BITS - 1; half of that is no waste and less is waste undone. `rest` are the class's
    `remainders`."""
    expected = workload.of(session.fleet)
    if expected.indifferent:
        return np.full(len(session.fleet.facts.pool[rows]), _ZERO, dtype=np.int64)
    idle, cpu, memory, taken = _free(session, traits, rows)
    own = traits.vector
    columns = session.fleet.column_of
    before = _stranded(expected, idle, cpu, memory)
    after = _stranded(expected, idle - taken, cpu - own[columns[CPU]], memory - own[columns[MEMORY]])
    wasted = after - before + expected.scarce[session.fleet.facts.pool[rows]] * taken
    if rest is not None:
        wasted = wasted + rest.min(axis=1, initial=_NO_ROOM)
    steps = np.floor(np.clip(wasted / STEP, -_ZERO, _ZERO - 1) + 0.5).astype(np.int64)
    return np.minimum(steps + _ZERO, 2 * _ZERO - 1)


def added_at(session: Session, traits: Traits, row: int) -> int:
    """The same for one node, of classes without shares."""
    fleet = session.fleet
    expected = workload.of(fleet)
    if expected.indifferent:
        return _ZERO
    column = fleet.device_column.item(row)
    idle = DEVICE * max(fleet.present.item(row) - fleet.devices_at(session.used, row), 0)
    if column in session.shares:
        idle += sum(DEVICE - used for used in session.shares[column][row].tolist() if used > 0)
    have, used, own, columns = fleet.facts.allocatable, session.used, traits.vector, fleet.column_of
    cpu, memory = (have.item(row, columns[name]) - used.item(row, columns[name]) for name in (CPU, MEMORY))
    pool = fleet.facts.pool.item(row)
    taken = DEVICE * traits.devices.item(pool)
    after = _stranded_at(
        expected, idle - taken, cpu - own.item(columns[CPU]), memory - own.item(columns[MEMORY])
    )
    wasted = after - _stranded_at(expected, idle, cpu, memory) + expected.scarce.item(pool) * taken
    steps = math.floor(min(max(wasted / STEP, -_ZERO), _ZERO - 1) + 0.5)
    return min(steps + _ZERO, 2 * _ZERO - 1)


def _stranded_at(expected: Workload, idle: int, cpu: int, memory: int) -> float:
    lasts = cpu / expected.cpu if expected.cpu else math.inf
    if expected.memory:
        lasts = min(lasts, memory / expected.memory)
    return max(idle - max(lasts, 0.0), 0.0)


def begun(rest: Floats | None) -> Ints | None:
    """For each node, whether a share begins a device there (1) or joins one (0), by its `remainders`."""
    if rest is None:
        return None
    joined = rest[:, :-1].min(axis=1, initial=_NO_ROOM)
    begins: Ints = (rest[:, -1] < joined).astype(np.int64)
    return begins


def scarcity(session: Session, traits: Traits, rows: Rows) -> Ints | None:
    """How scarce the node's pool is for those who can use no other, 0 to 2**SCARCE_BITS - 1."""
    levels = session.fleet.keep("scarce levels", 0, lambda: _levels(session.fleet))
    if traits.device is None or levels is None:
        return None
    found: Ints = levels[session.fleet.facts.pool[rows]]
    return found


def scarcity_at(session: Session, traits: Traits, row: int) -> int:
    """The same for one node."""
    fleet = session.fleet
    levels = fleet.keep("scarce levels", 0, lambda: _levels(fleet))
    return 0 if traits.device is None or levels is None else levels.item(fleet.facts.pool.item(row))


def _levels(fleet: Fleet) -> Ints | None:
    scarce = workload.of(fleet).scarce
    levels: Ints = np.rint(scarce * _LEVELS).astype(np.int64)
    return levels if levels.any() else None


def _free(session: Session, traits: Traits, rows: Rows) -> tuple[Ints, Ints, Ints, Ints]:
    """Idle thousandths of the pool's devices, free CPU and memory, and thousandths that the pod takes."""
    fleet = session.fleet
    device = fleet.device_column[rows]
    idle = DEVICE * np.maximum(fleet.present[rows] - fleet.devices(session.used, rows), 0)
    for column, split in session.shares.items():
        left = np.where(split[rows] > 0, DEVICE - split[rows], 0).sum(axis=1)
        idle = idle + np.where(device == column, left, 0)
    columns = fleet.column_of
    cpu, memory = (
        fleet.facts.allocatable[rows, columns[name]] - session.used[rows, columns[name]]
        for name in (CPU, MEMORY)
    )
    taken = DEVICE * traits.devices[fleet.facts.pool[rows]]
    if traits.share:
        taken = taken + np.where(device == traits.share_column, traits.share, 0)
    return idle, cpu, memory, taken


def _stranded(expected: Workload, idle: Ints, cpu: Ints, memory: Ints) -> Floats:
    """Idle thousandths beyond what the free CPU and memory will do for."""
    lasts = np.full(len(idle), np.inf)
    if expected.cpu:
        lasts = np.minimum(lasts, cpu / expected.cpu)
    if expected.memory:
        lasts = np.minimum(lasts, memory / expected.memory)
    stranded: Floats = np.maximum(idle - np.maximum(lasts, 0.0), 0.0)
    return stranded


def remainders(session: Session, traits: Traits, rows: Rows) -> Floats | None:
    """Shape (rows, slots + 1): waste added by taking the share from each split device, and from a new one. None
    for classes without shares."""
    if not traits.share:
        return None
    fleet, column, share = session.fleet, traits.share_column, traits.share
    table = workload.of(fleet).waste.get(column)
    split = session.split(column)[rows]
    left = DEVICE - split
    whole = fleet.facts.allocatable[rows, column] - session.used[rows, column]
    if table is None:
        table = prices.waste({})
    joins = np.where((split > 0) & (left >= share), _difference(table, left, share), _NO_ROOM)
    new = np.where(whole > 0, _difference(table, np.full(len(whole), DEVICE), share), _NO_ROOM)
    return np.concatenate([joins, new[:, None]], axis=1)


def _difference(table: Floats, left: Ints, share: int) -> Floats:
    after = np.maximum(left - share, 0)
    found: Floats = table[after // prices.STEP] - table[np.clip(left, 0, DEVICE) // prices.STEP]
    return found


def prefer(fleet: Fleet, traits: Traits) -> Prefer:
    """The device whose remainder is worth most; of equals the fullest."""
    table = workload.of(fleet).waste.get(traits.share_column)
    if table is None:
        return shares.fullest
    wasted, share = table.tolist(), traits.share

    def added_by(used: int) -> float:
        left = DEVICE - used
        return float(wasted[(left - share) // prices.STEP] - wasted[left // prices.STEP])

    def least(row: int, slots: Slots, used: Slots) -> int:
        in_use = [used[slot] if slot != shares.NEW else 0 for slot in slots]
        best = min(range(len(slots)), key=lambda i: (added_by(in_use[i]), -in_use[i], i))
        return slots[best]

    return least
