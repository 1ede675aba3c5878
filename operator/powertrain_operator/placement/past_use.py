"""What queues held on average over the past, older times counting less: for turns that remember.

The average of a queue's status is where a leader begins. Time in which nobody looked is thought to have
been like the moment before.
"""

from collections.abc import Mapping
from typing import Any

Averages = dict[str, float]
"""By accelerator, in devices."""


class PastUse:
    """Decayed averages by queue."""

    def __init__(self, half_life: float) -> None:
        """`half_life` in seconds: what was held so long ago counts half as much as what is held now."""
        self._half_life = half_life
        self._averages: dict[str, Averages] = {}
        self._at: float | None = None

    def recall(self, queue: str, entries: Any) -> None:
        """What the queue's status has on record, unless the queue is known already."""
        if queue not in self._averages:
            self._averages[queue] = {entry["accelerator"]: float(entry["amount"]) for entry in entries}

    def read(self, held: Mapping[str, Mapping[str, int]], now: float) -> None:
        """Each queue holds this much from now on; queues that are no more are forgotten."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        kept = 0.5 ** (passed / self._half_life)
        self._at = now
        self._averages = {
            queue: {
                kind: kept * before.get(kind, 0.0) + (1.0 - kept) * amounts.get(kind, 0)
                for kind in sorted(before.keys() | amounts.keys())
            }
            for queue, amounts in held.items()
            for before in [self._averages.get(queue, {})]
        }

    def entries(self, queue: str) -> list[dict[str, Any]]:
        """For the queue's status, in three figures, so that it rests when the use does."""
        found = self._averages.get(queue, {})
        told = {kind: float(f"{amount:.3g}") for kind, amount in found.items()}
        return [{"accelerator": kind, "amount": amount} for kind, amount in told.items() if amount >= 0.001]
