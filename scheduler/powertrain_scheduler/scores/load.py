"""How full the fleet is: while there is plenty of room energy decides, later waste does."""

from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.session import Session

PLENTY = 0.3
"""Part of the devices that must be idle for energy to go before waste. Up to there, packing that saves energy
costs hardly any room in the end: measured with `replay openb` (docs/benchmarks.md)."""


def plenty(session: Session) -> bool:
    """Whether so many devices are idle that what is wasted will hardly be missed."""
    fleet = session.fleet
    return session.idle() >= fleet.keep("idle in plenty", 0, lambda: _least(fleet))


def _least(fleet: Fleet) -> float:
    return PLENTY * int(fleet.present[fleet.facts.schedulable].sum())
