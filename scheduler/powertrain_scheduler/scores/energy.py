"""Watts a pod would add on each node, per unit of work done there: joules per unit of work.

Two things make nodes differ: devices of unlike efficiency, and empty nodes that sleep and
would have to be woken. Where neither is so, all nodes score the same.
"""

from collections.abc import Mapping

import numpy as np

from powertrain_scheduler.fleet import EVERY_ROW, Fleet, Ints, Traits
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.power import model
from powertrain_scheduler.session import Rows, Session

BITS = 13
_MOST = (1 << BITS) - 1


def added(session: Session, traits: Traits, rows: Rows, begins: Ints | None = None) -> Ints:
    """Added watts per unit of work, in steps of the worst possible in this fleet: 0 to 2**BITS - 1.

    `begins` says of a share where it begins a device: those that join one add nothing."""
    fleet = session.fleet
    worst = fleet.keep("worst watts", traits.number, lambda: _worst(fleet, traits))
    if worst is None:
        return np.zeros(len(fleet.facts.pool[rows]), dtype=np.int64)
    busy = fleet.devices(session.used, rows)
    watts = watts_per_work(fleet, traits, rows, busy)
    if begins is not None:
        watts = watts * begins
    steps = np.rint(watts / worst * _MOST)
    return np.minimum(steps, _MOST).astype(np.int64)


def added_at(session: Session, traits: Traits, row: int) -> int:
    """The same for one node."""
    if session.fleet.keep("worst watts", traits.number, lambda: _worst(session.fleet, traits)) is None:
        return 0
    return added(session, traits, np.array([row])).item(0)


def watts_per_work(fleet: Fleet, traits: Traits, rows: Rows, busy: Ints) -> model.Floats:
    """Added watts of one pod on each of `rows`, with `busy` devices in use there, over the work its devices do."""
    pool = fleet.facts.pool[rows].astype(np.int64)
    taken = traits.devices[pool]
    if traits.share:
        taken = taken + (fleet.device_column[rows] == traits.share_column)
    watts = model.added_watts(fleet.power, pool, fleet.present[rows], busy, taken)
    return watts / (np.maximum(taken, 1) * fleet.power.speed[pool])


def joules_per_work(session: Session, parts: list[tuple[Traits, Ints, Ints]]) -> float:
    """Watts that a whole placement adds, over the work its devices do: `counts[i]` pods of a class on `rows[i]`.

    Without devices, the watts alone.
    """
    fleet = session.fleet
    watts, work = 0.0, 0.0
    for traits, rows, counts in parts:
        pool = fleet.facts.pool[rows].astype(np.int64)
        taken = traits.devices[pool] * counts
        busy = fleet.devices(session.used, rows)
        watts += float(model.added_watts(fleet.power, pool, fleet.present[rows], busy, taken).sum())
        work += float((taken * fleet.power.speed[pool]).sum())
    return watts / work if work else watts


def option_watts(fleet: Fleet, charges: Mapping[int, int]) -> float:
    """What the devices among these amounts by kind draw more than idle ones; where empty nodes sleep, with
    their part of the node. Of pools with the same accelerator, the most frugal."""
    each = fleet.keep("device watts", 0, lambda: _by_accelerator(fleet, _device_watts(fleet)))
    return sum(each[accelerator] * devices for accelerator, devices in _devices(fleet, charges))


def option_price(fleet: Fleet, charges: Mapping[int, int]) -> float:
    """Of an hour of the devices among these amounts by kind, in the cheapest pools of their accelerators."""
    prices = [pool.price for pool in fleet.snapshot.pools]
    each = fleet.keep("device price", 0, lambda: _by_accelerator(fleet, prices))
    return sum(each[accelerator] * devices for accelerator, devices in _devices(fleet, charges))


def option_slowness(fleet: Fleet, charges: Mapping[int, int]) -> float:
    """Time for a unit of work on the devices among these amounts by kind, in their fastest pools."""
    slowness = [1.0 / pool.power.speed for pool in fleet.snapshot.pools]
    each = fleet.keep("device slowness", 0, lambda: _by_accelerator(fleet, slowness))
    work = sum(devices / each[accelerator] for accelerator, devices in _devices(fleet, charges))
    return 1.0 / work if work else 0.0


def _devices(fleet: Fleet, charges: Mapping[int, int]) -> list[tuple[int, float]]:
    """(accelerator, whole devices)."""
    return [(kind, amount / DEVICE) for kind, amount in charges.items() if kind < len(fleet.accelerators)]


def _device_watts(fleet: Fleet) -> list[float]:
    """By pool."""
    watts = []
    for number, pool in enumerate(fleet.snapshot.pools):
        power, most = pool.power, int(fleet.present[fleet.facts.pool == number].max(initial=0))
        woken = power.host / most + power.device_idle if power.sleeps and most else 0.0
        watts.append(power.device_active - power.device_idle + woken)
    return watts


def _by_accelerator(fleet: Fleet, figures: list[float]) -> list[float]:
    """The least of each accelerator's pools."""
    of_pool = list(zip(fleet.snapshot.pools, figures, strict=True))
    return [
        min(figure for pool, figure in of_pool if pool.accelerator == name) for name in fleet.accelerators
    ]


def _worst(fleet: Fleet, traits: Traits) -> float | None:
    """The most it could add on a node, all asleep; None where it adds the same on all of them."""
    if not fleet.size:
        return None
    everywhere = watts_per_work(fleet, traits, EVERY_ROW, np.zeros(fleet.size, dtype=np.int64))
    worst = float(everywhere.max())
    alike = worst == float(everywhere.min()) and not fleet.power.sleeps.any()
    return None if alike or worst <= 0.0 else worst
