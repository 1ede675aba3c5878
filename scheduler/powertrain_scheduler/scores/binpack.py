"""How empty each node is: the fullest node that fits is taken first, so that whole nodes stay free.

What counts first is free devices; pods that want none go where none lie idle beside them.
Between nodes with as many free devices, the smaller free share of CPU and memory decides.
"""

import numpy as np

from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.session import Rows, Session
from powertrain_scheduler.snapshot import CPU, MEMORY

_SHARE_BITS, _DEVICE_BITS = 11, 12
BITS = _SHARE_BITS + _DEVICE_BITS
_MOST_DEVICES = (1 << _DEVICE_BITS) - 1
_WHOLE = (1 << (_SHARE_BITS - 1)) - 1


def emptiness(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Free devices, then the free shares of CPU and memory: 0 to 2**BITS - 1."""
    fleet = session.fleet
    if traits.device_column >= 0:
        free = fleet.facts.allocatable[rows, traits.device_column] - session.used[rows, traits.device_column]
    else:
        idle = fleet.present[rows] - fleet.devices(session.used, rows)
        free = np.where(fleet.present[rows] > 0, 1 + idle, 0)
    devices = np.minimum(np.maximum(free, 0), _MOST_DEVICES)
    whole: Ints = (devices << _SHARE_BITS) + _share(session, CPU, rows) + _share(session, MEMORY, rows)
    return whole


def _share(session: Session, resource: str, rows: Rows) -> Ints:
    """Free part of the resource, 0 to `_WHOLE`."""
    column = session.fleet.column_of[resource]
    whole = np.maximum(session.fleet.facts.allocatable[rows, column], 1)
    free = np.minimum(np.maximum(whole - session.used[rows, column], 0), whole)
    share: Ints = free * _WHOLE // whole
    return share


def emptiness_at(session: Session, traits: Traits, row: int) -> int:
    """The same for one node."""
    fleet, column = session.fleet, traits.device_column
    if column >= 0:
        free = fleet.facts.allocatable.item(row, column) - session.used.item(row, column)
    else:
        present = fleet.present.item(row)
        free = 1 + present - fleet.devices_at(session.used, row) if present > 0 else 0
    devices = min(max(free, 0), _MOST_DEVICES)
    return (devices << _SHARE_BITS) + _share_at(session, CPU, row) + _share_at(session, MEMORY, row)


def _share_at(session: Session, resource: str, row: int) -> int:
    column = session.fleet.column_of[resource]
    whole = max(session.fleet.facts.allocatable.item(row, column), 1)
    return min(max(whole - session.used.item(row, column), 0), whole) * _WHOLE // whole
