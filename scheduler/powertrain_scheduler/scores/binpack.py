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
_WHOLE = (1 << (_SHARE_BITS - 1)) - 1


def emptiness(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Free devices, then the free shares of CPU and memory: 0 to 2**BITS - 1."""
    fleet = session.fleet
    if traits.device_column >= 0:
        free = fleet.facts.allocatable[rows, traits.device_column] - session.used[rows, traits.device_column]
    else:
        idle = fleet.present[rows] - fleet.devices(session.used, rows)
        free = np.where(fleet.present[rows] > 0, 1 + idle, 0)
    devices = np.clip(free, 0, (1 << _DEVICE_BITS) - 1)
    shares = _free_share(session, fleet.column_of[CPU], rows) + _free_share(
        session, fleet.column_of[MEMORY], rows
    )
    emptiness: Ints = (devices << _SHARE_BITS) + shares
    return emptiness


def _free_share(session: Session, column: int, rows: Rows) -> Ints:
    """Free part of the column, 0 to `_WHOLE`."""
    whole = np.maximum(session.fleet.facts.allocatable[rows, column], 1)
    free = np.clip(whole - session.used[rows, column], 0, whole)
    share: Ints = free * _WHOLE // whole
    return share
