"""The snapshot's working copy: tentative placements go in, can be asked about, and can be taken back.

A session answers "what is used now"; vectors over the nodes that follow from it (how many
more pods of a class fit, how good each node is) are kept here by their makers and brought up
to date row by row, so that one placement costs one row and not the fleet.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

from powertrain_scheduler.fleet import EVERY_ROW, Fleet, Ints, Traits
from powertrain_scheduler.snapshot import HostPort

Rows = Ints | slice
Compute = Callable[["Session", Traits, Rows], Ints]
ComputeOne = Callable[["Session", Traits, int], int]

VECTORS = 256
"""Most vectors kept at a time; the oldest go first."""
ROWS_ONE_BY_ONE = 6
"""Up to so many touched rows plain numbers are quicker than arrays."""


class Change(NamedTuple):
    """Pods of one class that come to or go from nodes, `counts[i]` of them on `rows[i]`; rows are distinct."""

    queue: str
    fixed: bool
    """They may not be evicted."""
    traits: Traits
    rows: Ints
    counts: Ints


class _Vector:
    __slots__ = ("seen", "values")

    def __init__(self, values: Ints, seen: int) -> None:
        self.values = values
        self.seen = seen


class Session:
    """Used amounts by node, and devices held by queue, that change and change back."""

    def __init__(
        self, fleet: Fleet, used: Ints, held: Ints, fixed: Ints, ports: dict[int, list[HostPort]]
    ) -> None:
        self.fleet = fleet
        self.used = used
        """Shape (nodes, resources)."""
        self.held = held
        """Shape (queues, accelerators): devices of the queue's whole subtree."""
        self.fixed = fixed
        """The part of `held` that may not be evicted."""
        self.ports = ports
        self._touched: list[int] = []
        self._done: list[tuple[Change, int, int]] = []
        self._moments = 0
        self.moment = 0
        """Names the state: equal moments of one session have equal state, undone changes included."""
        self._vectors: dict[Hashable, _Vector] = {}
        self._free: Ints | None = None

    def copy(self) -> "Session":
        """Another session in the same state, with a past of its own."""
        ports = {row: list(claimed) for row, claimed in self.ports.items()}
        return Session(self.fleet, self.used.copy(), self.held.copy(), self.fixed.copy(), ports)

    # -- changes -----------------------------------------------------------------------------------

    def place(self, change: Change) -> None:
        """Count the pods as using their nodes and their queue's quota."""
        self._do(change, 1)

    def release(self, change: Change) -> None:
        """Count the pods as gone."""
        self._do(change, -1)

    def checkpoint(self) -> int:
        """A mark to `rollback` to."""
        return len(self._done)

    def rollback(self, mark: int) -> None:
        """Take back everything since the mark."""
        while len(self._done) > mark:
            change, sign, self.moment = self._done.pop()
            self._apply(change, -sign)

    def _do(self, change: Change, sign: int) -> None:
        self._done.append((change, sign, self.moment))
        self._moments += 1
        self.moment = self._moments
        self._apply(change, sign)

    def _apply(self, change: Change, sign: int) -> None:
        traits, rows = change.traits, change.rows
        counts = change.counts if sign > 0 else -change.counts
        before = self._free_on(rows) if self._free is not None and traits.charged else None
        if len(rows) == 1:
            self.used[rows[0]] += counts[0] * traits.vector
        else:
            self.used[rows] += counts[:, None] * traits.vector
        self._touched.extend(rows.tolist())
        self._charge(change, counts)
        if before is not None and self._free is not None:
            np.add.at(self._free, self.fleet.accelerator[rows], self._free_on(rows) - before)
        for port in traits.pod_class.host_ports:
            for row in rows.tolist():
                claimed = self.ports.setdefault(row, [])
                claimed.append(port) if sign > 0 else claimed.remove(port)

    def _charge(self, change: Change, counts: Ints) -> None:
        if not change.traits.charged:
            return
        fleet, rows = self.fleet, change.rows
        devices = change.traits.devices[fleet.facts.pool[rows]] * counts
        accelerators = fleet.accelerator[rows]  # -1 on nodes of no pool, where devices are 0
        for row in fleet.ancestry[change.queue]:
            np.add.at(self.held[row], accelerators, devices)
            if change.fixed:
                np.add.at(self.fixed[row], accelerators, devices)

    def free(self) -> list[int]:
        """Devices of each accelerator that nobody uses, on nodes that take pods."""
        if self._free is None:
            everywhere = self._free_on(np.arange(self.fleet.size))
            self._free = np.zeros(len(self.fleet.accelerators) + 1, dtype=np.int64)
            np.add.at(self._free, self.fleet.accelerator, everywhere)
        free: list[int] = self._free[:-1].tolist()  # the last stands for nodes of no pool, and is 0
        return free

    def _free_on(self, rows: Ints) -> Ints:
        free = np.maximum(self.fleet.present[rows] - self.fleet.devices(self.used, rows), 0)
        return np.where(self.fleet.facts.schedulable[rows], free, 0)

    # -- vectors -----------------------------------------------------------------------------------

    def vector(self, kind: str, traits: Traits, compute: Compute, one: ComputeOne) -> Ints:
        """`compute` over every node, kept up to date by asking again for touched rows only.

        `one` says the same for a single row. The array is the session's own: read it, or copy it, and
        do not keep it over a change.
        """
        key = (kind, traits.number)
        known = self._vectors.get(key)
        if known is None:
            while len(self._vectors) >= VECTORS:
                del self._vectors[next(iter(self._vectors))]
            known = self._vectors[key] = _Vector(compute(self, traits, EVERY_ROW), len(self._touched))
        elif known.seen < len(self._touched):
            self._refresh(known, traits, compute, one)
        return known.values

    def _refresh(self, known: _Vector, traits: Traits, compute: Compute, one: ComputeOne) -> None:
        touched = self._touched[known.seen :]
        known.seen = len(self._touched)
        if len(touched) <= ROWS_ONE_BY_ONE:
            for row in touched:
                known.values[row] = one(self, traits, row)
        elif len(touched) * 2 > self.fleet.size:
            known.values = compute(self, traits, EVERY_ROW)
        else:
            rows = np.array(touched, dtype=np.int64)
            known.values[rows] = compute(self, traits, rows)
