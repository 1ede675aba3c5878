"""The snapshot's working copy: tentative placements go in, can be asked about, and can be taken back.

A session answers "what is used now"; vectors over the nodes that follow from it (how many
more pods of a class fit, how good each node is) are kept here by their makers and brought up
to date row by row, so that one placement costs one row and not the fleet.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import kinds
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
    """Used amounts by node, and what queues hold, that change and change back."""

    def __init__(
        self, fleet: Fleet, used: Ints, held: Ints, fixed: Ints, ports: dict[int, list[HostPort]]
    ) -> None:
        self.fleet = fleet
        self.used = used
        """Shape (nodes, resources)."""
        self.held = held
        """Shape (queues, kinds): what the queue's whole subtree holds, in the units of `kinds`."""
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
            self._free += self._free_on(rows) - before
        for port in traits.pod_class.host_ports:
            for row in rows.tolist():
                claimed = self.ports.setdefault(row, [])
                claimed.append(port) if sign > 0 else claimed.remove(port)

    def _charge(self, change: Change, counts: Ints) -> None:
        if not change.traits.charged:
            return
        pools = self.fleet.facts.pool[change.rows]
        amounts = counts @ change.traits.charges[pools]
        for row in self.fleet.ancestry[change.queue]:
            self.held[row] += amounts
            if change.fixed:
                self.fixed[row] += amounts

    def free(self) -> list[int]:
        """What nobody uses of each kind, on nodes that take pods; of devices, those of which nobody has even a share."""
        if self._free is None:
            self._free = self._free_on(np.arange(self.fleet.size))
        free: list[int] = self._free.tolist()
        return free

    def _free_on(self, rows: Ints) -> Ints:
        fleet = self.fleet
        rows = rows[fleet.facts.schedulable[rows]]
        devices = np.maximum(fleet.present[rows] - fleet.devices(self.used, rows), 0)
        sums = np.zeros(len(fleet.kinds) + 1, dtype=np.int64)
        np.add.at(sums, fleet.accelerator[rows], kinds.DEVICE * devices)
        for number in range(len(fleet.accelerators), len(fleet.kinds)):
            column = fleet.column_of[fleet.kinds[number]]
            have = fleet.facts.allocatable[rows, column]
            sums[number] = np.maximum(have - self.used[rows, column], 0).sum()
        return sums[:-1]  # the last stands for nodes of no pool

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
