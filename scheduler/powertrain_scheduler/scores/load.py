"""How full the fleet is: while there is plenty of room energy decides, later waste does."""

import numpy as np

from powertrain_scheduler.fleet import Fleet, Traits
from powertrain_scheduler.session import Session

PLENTY = 0.3
"""Part of the devices that must be free for energy to go before waste. Above it, some packing that saves
energy costs no room in the end; measured on `replay openb` (docs/benchmarks.md)."""


def plenty(session: Session, traits: Traits) -> bool:
    """Whether so many devices of the class's kind are free that what is wasted will hardly be missed."""
    fleet = session.fleet
    number = fleet.number(("devices of", traits.device))
    kinds, there = fleet.keep("devices there", number, lambda: _there(fleet, traits.device))
    free = session.free()
    return sum(free[kind] for kind in kinds) >= PLENTY * there


def _there(fleet: Fleet, device: str | None) -> tuple[list[int], int]:
    """Accelerators advertised as this resource, of any for None, and how many thousandths of them there are."""
    named = {pool.accelerator for pool in fleet.snapshot.pools if device in (None, pool.resource)}
    kinds = [kind for kind, name in enumerate(fleet.accelerators) if name in named]
    mine = np.isin(fleet.accelerator, kinds) & fleet.facts.schedulable
    return kinds, 1000 * int(fleet.present[mine].sum())
