"""Reservations with the moments they speak of: who might still run then must leave room for the promised start."""

from collections.abc import Sequence
from typing import NamedTuple

from powertrain_scheduler.asks import Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.plan import Reserve
from powertrain_scheduler.session import Session


class Promise(NamedTuple):
    """A group is to start on these nodes at `reserve.start`."""

    reserve: Reserve
    placement: Placement
    among: Mask
    """Nodes that the group might use at all."""
    then: Session
    """What is used at that moment, the promised placement included."""
    there: Mask
    """Pods of the holdings that are still there at that moment."""
    known: bool = True
    """False where nobody can tell when the group starts: the start is only the latest at which work that
    goes first must have ended."""


class Promises:
    """The reservations of one cycle, in the order in which they were made."""

    def __init__(self) -> None:
        self.made: list[Promise] = []
        self.refused: set[int] = set()
        """Likenesses of groups that can't be promised anything."""
        self._changes = 0

    @property
    def moment(self) -> int:
        """Names the list: it was the same at equal moments."""
        return self._changes

    def add(self, promise: Promise) -> None:
        """One more group is promised a start."""
        self.made.append(promise)
        self._changes += 1

    def clear(self) -> None:
        """Nobody is promised anything."""
        self.refused.clear()
        if self.made:
            self.made.clear()
            self._changes += 1

    def concerning(self, end: float | None) -> Sequence[Promise]:
        """Those that work which ends then (None: nobody knows) might still be in the way of."""
        if not self.made:
            return ()
        return [promise for promise in self.made if end is None or end > promise.reserve.start]

    def of(self, group: str) -> Promise | None:
        """What the group is promised."""
        return next((promise for promise in self.made if promise.reserve.group == group), None)
