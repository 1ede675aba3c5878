"""Watts of nodes and pools from what their devices do.

A node draws its host's watts, its idle devices' idle watts and its allocated devices' active
watts. Empty nodes of a pool that sleeps draw nothing. A model, not a measurement: devices
count as active for as long as they are allocated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.snapshot import NodeFacts, Pool, Snapshot

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Figures:
    """Each pool's power figures as columns; one last row of zeros (speed 1) for nodes of no pool."""

    idle: Floats
    active: Floats
    host: Floats
    speed: Floats
    sleeps: NDArray[np.bool_]


def figures(pools: tuple[Pool, ...]) -> Figures:
    """The pools' figures, to be indexed by a node's pool number (-1 gives the last row)."""
    powers = [pool.power for pool in pools]
    return Figures(
        idle=np.array([*(power.device_idle for power in powers), 0.0]),
        active=np.array([*(power.device_active for power in powers), 0.0]),
        host=np.array([*(power.host for power in powers), 0.0]),
        speed=np.array([*(power.speed for power in powers), 1.0]),
        sleeps=np.array([*(power.sleeps for power in powers), False], dtype=np.bool_),
    )


def devices(facts: NodeFacts, pools: tuple[Pool, ...], amounts: Ints) -> Ints:
    """Per node, how many of its pool's devices `amounts` (shape (nodes, resources)) holds."""
    counts = np.zeros(len(facts.names), dtype=np.int64)
    for number, pool in enumerate(pools):
        if pool.resource in facts.resources:
            rows = facts.pool == number
            counts[rows] = amounts[rows, facts.resources.index(pool.resource)]
    return counts


def node_watts(snapshot: Snapshot) -> Floats:
    """Watts of each node, 0 for nodes of no pool: nobody told what these draw."""
    facts, pools = snapshot.nodes, snapshot.pools
    own = figures(pools)
    present = devices(facts, pools, facts.allocatable)
    busy = np.clip(devices(facts, pools, snapshot.used), 0, present)
    awake = ~(own.sleeps[facts.pool] & (busy == 0))
    watts: Floats = (
        own.host[facts.pool] + (present - busy) * own.idle[facts.pool] + busy * own.active[facts.pool]
    )
    return np.where(awake, watts, 0.0)


def pool_watts(snapshot: Snapshot) -> dict[str, float]:
    """Watts of each pool by its name."""
    watts = node_watts(snapshot)
    return {pool.name: float(watts[snapshot.nodes.pool == i].sum()) for i, pool in enumerate(snapshot.pools)}


def added_watts(own: Figures, pool: Ints, present: Ints, busy: Ints, taken: Ints) -> Floats:
    """What `taken` more active devices add on nodes of these pools, waking those that sleep.

    `present` and `busy` are the nodes' devices in all and in use.
    """
    asleep = own.sleeps[pool] & (busy == 0)
    waking = np.where(asleep, own.host[pool] + present * own.idle[pool], 0.0)
    watts: Floats = waking + taken * (own.active[pool] - own.idle[pool])
    return watts
