"""Watts as the PWR paper counts them (Lettich et al., CCGrid 2025), to compare with what it reports.

A device draws its most as soon as anybody has a share of it, else its idle watts. CPUs come in
sockets of 16 cores of 2 threads, Xeon E5-2682 v4 everywhere: begun ones draw their most, 120 W, and
wholly free ones 15 W. Memory, fans, power supplies and hosts draw nothing.
"""

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.power import model
from powertrain_scheduler.session import Rows, Session
from powertrain_scheduler.snapshot import CPU

Floats = NDArray[np.float64]

SOCKET = 32_000
"""Thousandths of Kubernetes' cores (threads) in one."""
SOCKET_IDLE, SOCKET_ACTIVE = 15.0, 120.0


def cpu_watts(capacity: Ints, used: Ints) -> Floats:
    """Of each node's sockets."""
    watts: Floats = SOCKET_ACTIVE * -(-used // SOCKET) + SOCKET_IDLE * ((capacity - used) // SOCKET)
    return watts


def device_watts(own: model.Figures, pool: Ints, present: Ints, busy: Ints) -> Floats:
    """Of each node's devices; `busy` counts those of which anybody has a share."""
    watts: Floats = busy * own.active[pool] + (present - busy) * own.idle[pool]
    return watts


def saved(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Watts that a pod of the class adds on each node, negative and cut to whole ones."""
    fleet, column = session.fleet, session.fleet.column_of[CPU]
    capacity, used = fleet.facts.allocatable[rows, column], session.used[rows, column]
    added = cpu_watts(capacity, used + traits.vector[column]) - cpu_watts(capacity, used)
    pool = fleet.facts.pool[rows].astype(np.int64)
    begun = traits.devices[pool]
    if traits.share:
        begun = begun + _begun(fleet, session, traits, rows)
    added += begun * (fleet.power.active[pool] - fleet.power.idle[pool])
    watts: Ints = np.trunc(-added).astype(np.int64)
    return watts


def _begun(fleet: Fleet, session: Session, traits: Traits, rows: Rows) -> Ints:
    """1 where no split device has room for the share."""
    split = session.split(traits.share_column)[rows]
    joins = ((split > 0) & (split + traits.share <= DEVICE)).any(axis=1)
    begins: Ints = (~joins & (fleet.device_column[rows] == traits.share_column)).astype(np.int64)
    return begins
