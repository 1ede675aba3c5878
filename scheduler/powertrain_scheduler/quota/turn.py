"""Whose turn it is between sibling queues: the one whose subtree holds least of what is its own."""

import math
from collections.abc import Sequence

import numpy as np

from powertrain_scheduler import kinds
from powertrain_scheduler.quota import Quotas
from powertrain_scheduler.session import Session

Share = tuple[bool, float]
"""How much of what is its own a queue holds: within nominal (False, held / nominal),
beyond it (True, surplus / (weight x all there is)). Less comes first."""
Amounts = tuple[tuple[int, int], ...]
"""(kind, amount) pairs."""


class Turns:
    """Queues' places among their siblings."""

    def __init__(self, quotas: Quotas, past_use_weight: float) -> None:
        fleet = quotas.fleet
        self._fleet = fleet
        self._nominal: list[list[int]] = quotas.nominal.tolist()
        self._capacity: list[int] = np.maximum(quotas.capacity, 1).tolist()
        self._counted = [number for number in range(len(fleet.kinds)) if number != quotas.groups]
        self._past = _past(quotas, past_use_weight) if past_use_weight else None

    def key(self, worlds: Sequence[Session], queue: str, options: Sequence[Amounts]) -> tuple[object, ...]:
        """The queue's place if its subtree is given what one of the options takes.

        Higher priority first. Then by the share it would hold in the fullest of the worlds: neither what
        leaves nor what is held for it is forgotten. Where shares are equal the queue goes first that holds
        less before, then the older one. Of several options, those count of which as much is free.
        """
        row = self._fleet.queue_row[queue]
        if len(options) > 1:
            free = worlds[0].free()
            options = [each for each in options if all(n <= free[kind] for kind, n in each)] or options
        held: list[float] = worlds[0].held[row].tolist()
        for world in worlds[1:]:
            held = list(map(max, held, world.held[row].tolist()))
        if self._past is not None:
            held = [now + past for now, past in zip(held, self._past[row], strict=True)]
        share = min(self._share(row, held, asked) for asked in options or ((),))
        facts = self._fleet.queue_list[row]
        return -facts.priority, share, self._share(row, held, ()), facts.created, queue

    def _share(self, row: int, held: Sequence[float], asked: Amounts) -> Share:
        """The queue's dominant share with this much more.

        It borrows if it would hold more than its own of a kind that it asks for, whatever it holds of
        others: what it is owed here is not less its own for that. Who asks for nothing that is counted
        is placed by all that the queue holds.
        """
        more = {kind: amount for kind, amount in asked if kind in self._counted}
        beyond, within = 0.0, 0.0
        weight = self._fleet.queue_list[row].weight
        for kind in self._counted:
            nominal, amount = self._nominal[row][kind], held[kind] + more.get(kind, 0)
            if amount > nominal and (kind in more or not more):
                surplus = (amount - nominal) / self._capacity[kind]
                beyond = max(beyond, surplus / weight if weight else math.inf)
            elif nominal:
                within = max(within, amount / nominal)
        return (True, beyond) if beyond else (False, within)


def _past(quotas: Quotas, weight: float) -> list[list[float]]:
    """By queue row and kind, what past use counts beside what is held now."""
    fleet = quotas.fleet
    unit = [kinds.DEVICE if number < len(fleet.accelerators) else 1 for number in range(len(fleet.kinds))]
    return [
        [weight * queue.past_use.get(kind, 0.0) * each for kind, each in zip(fleet.kinds, unit, strict=True)]
        for queue in fleet.queue_list
    ]
