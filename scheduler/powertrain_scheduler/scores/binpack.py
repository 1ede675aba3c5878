"""How empty each node is: the fullest node that fits is taken first, so that whole nodes and racks stay free.

What counts first is free devices; pods that want none go where none lie idle beside them. Between
nodes with as many free devices, the one in the fullest rack, and then the one with the smaller free
share of CPU and memory.
"""

import numpy as np

from powertrain_scheduler import columns
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.session import Rows, Session
from powertrain_scheduler.snapshot import CPU, MEMORY

_SHARE_BITS, _RACK_BITS, _DEVICE_BITS = 8, 4, 8
BITS = _SHARE_BITS + _RACK_BITS + _DEVICE_BITS
_MOST_DEVICES = (1 << _DEVICE_BITS) - 1
_MOST_RACK = (1 << _RACK_BITS) - 1
_WHOLE = (1 << (_SHARE_BITS - 1)) - 1


def emptiness(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Free devices, the rack's, then the free shares of CPU and memory: 0 to 2**BITS - 1."""
    fleet = session.fleet
    if traits.device_column >= 0:
        free = fleet.facts.allocatable[rows, traits.device_column] - session.used[rows, traits.device_column]
    else:
        idle = fleet.present[rows] - fleet.devices(session.used, rows)
        free = np.where(fleet.present[rows] > 0, 1 + idle, 0)
    devices = np.minimum(np.maximum(free, 0), _MOST_DEVICES)
    whole: Ints = (devices << (_RACK_BITS + _SHARE_BITS)) + _share(session, CPU, rows)
    whole += _share(session, MEMORY, rows)
    racks = racks_free(fleet)
    return whole if racks is None else whole + (racks[rows] << _SHARE_BITS)


def _share(session: Session, resource: str, rows: Rows) -> Ints:
    """Free part of the resource, 0 to `_WHOLE`."""
    column = session.fleet.column_of[resource]
    whole = np.maximum(session.fleet.facts.allocatable[rows, column], 1)
    free = np.minimum(np.maximum(whole - session.used[rows, column], 0), whole)
    share: Ints = free * _WHOLE // whole
    return share


def racks_free(fleet: Fleet) -> Ints | None:
    """Per node, the free part of its rack's devices as the cycle found it, 0 to `_MOST_RACK`; None without racks."""
    return fleet.keep("racks free", 0, lambda: _racks_free(fleet))


def _racks_free(fleet: Fleet) -> Ints | None:
    levels = [pool.levels for pool in fleet.snapshot.pools]
    if not any(levels):
        return None
    found = np.zeros(fleet.size, dtype=np.int64)
    idle = np.maximum(fleet.present - fleet.devices(fleet.snapshot.used), 0)
    for path in sorted({path for path in levels if path}):
        numbers = [number for number, pool in enumerate(fleet.snapshot.pools) if pool.levels == path]
        codes = columns.domains(fleet.facts, path).codes
        mine = np.isin(fleet.facts.pool, numbers) & (codes >= 0)
        there = np.bincount(codes[mine], weights=fleet.present[mine])
        free = np.bincount(codes[mine], weights=idle[mine])
        part = np.ceil(free / np.maximum(there, 1) * _MOST_RACK).astype(np.int64)
        found[mine] = part[codes[mine]]
    return found if found.any() and found.min() < found.max() else None


def emptiness_at(session: Session, traits: Traits, row: int) -> int:
    """The same as `emptiness` for one node."""
    fleet, column = session.fleet, traits.device_column
    if column >= 0:
        free = fleet.facts.allocatable.item(row, column) - session.used.item(row, column)
    else:
        present = fleet.present.item(row)
        free = 1 + present - fleet.devices_at(session.used, row) if present > 0 else 0
    devices = min(max(free, 0), _MOST_DEVICES)
    whole = (devices << (_RACK_BITS + _SHARE_BITS)) + _share_at(session, CPU, row)
    racks = racks_free(fleet)
    rack = racks.item(row) << _SHARE_BITS if racks is not None else 0
    return whole + _share_at(session, MEMORY, row) + rack


def _share_at(session: Session, resource: str, row: int) -> int:
    column = session.fleet.column_of[resource]
    whole = max(session.fleet.facts.allocatable.item(row, column), 1)
    return min(max(whole - session.used.item(row, column), 0), whole) * _WHOLE // whole
