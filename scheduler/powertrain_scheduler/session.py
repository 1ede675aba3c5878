"""The snapshot's working copy: tentative placements go in, can be asked about, and can be taken back.

A session answers "what is used now"; vectors over the nodes that follow from it (how many
more pods of a class fit, how good each node is) are kept here by their makers and brought up
to date row by row, so that one placement costs one row and not the fleet.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import count as count_from
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import kinds, shares
from powertrain_scheduler.fleet import EVERY_ROW, Fleet, Ints, Traits
from powertrain_scheduler.neighbours import Neighbours
from powertrain_scheduler.shares import Prefer
from powertrain_scheduler.snapshot import CPU, MEMORY, HostPort

Rows = Ints | slice
Compute = Callable[["Session", Traits, Rows], Ints]
ComputeOne = Callable[["Session", Traits, int], int]

VECTOR_BYTES, VECTORS = 1 << 25, 256
"""Most that vectors take up, or else so many of them; the oldest go first."""
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
    devices: tuple[str, ...] = ()
    """Of pods that take shares, the device of each, node by node; empty, and the session chooses.
    An empty name stands for a device that nobody knows."""
    groups: int = 0
    """How many groups of the queue begin or cease to hold nodes with these pods."""


class _Vector:
    __slots__ = ("seen", "values")

    def __init__(self, values: Ints, seen: int) -> None:
        self.values = values
        self.seen = seen


class Session:
    """Used amounts by node, and what queues hold, that change and change back."""

    def __init__(
        self,
        fleet: Fleet,
        used: Ints,
        held: Ints,
        fixed: Ints,
        ports: dict[int, list[HostPort]],
        shares: dict[int, Ints] | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.fleet = fleet
        self.used = used
        """Shape (nodes, resources)."""
        self.held = held
        """Shape (queues, kinds): what the queue's whole subtree holds, in the units of `kinds`."""
        self.fixed = fixed
        """The part of `held` that may not be evicted."""
        self.ports = ports
        self.shares = shares if shares is not None else {}
        """By a resource's column, thousandths used of each split device: shape (nodes, slots), 0 for none.
        A split device counts as one whole in `used`."""
        self.neighbours = neighbours or Neighbours(fleet.size)
        self._touched: list[int] = []
        self._done: list[tuple[Change, int, int]] = []
        self._moments = 0
        self.moment = 0
        """Names the state: equal moments of one session have equal state, undone changes included."""
        self._vectors: dict[Hashable, _Vector] = {}
        self._free: Ints | None = None
        self._idle: int | None = None
        self._tagged: dict[int, Ints] | None = None

    def copy(self) -> "Session":
        """Another session in the same state, with a past of its own."""
        ports = {row: list(claimed) for row, claimed in self.ports.items()}
        used, held, fixed = self.used.copy(), self.held.copy(), self.fixed.copy()
        shares = {column: split.copy() for column, split in self.shares.items()}
        copy = Session(self.fleet, used, held, fixed, ports, shares, self.neighbours.copy())
        if self._tagged is not None:
            copy._tagged = {tag: pods.copy() for tag, pods in self._tagged.items()}
        return copy

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
        if change.traits.share:
            change = change._replace(devices=self._devices(change, sign))
        self._done.append((change, sign, self.moment))
        self._moments += 1
        self.moment = self._moments
        self._apply(change, sign)

    def _apply(self, change: Change, sign: int) -> None:
        traits, rows = change.traits, change.rows
        counts = change.counts if sign > 0 else -change.counts
        counted = traits.charged or traits.share
        before = self._free_on(rows) if self._free is not None and counted else None
        idle = self._idle_on(rows) if self._idle is not None and counted else 0
        if len(rows) == 1:
            self.used[rows[0]] += counts[0] * traits.vector
        else:
            self.used[rows] += counts[:, None] * traits.vector
        self._touched.extend(rows.tolist())
        if traits.share:
            self._share(change, sign * traits.share)
        self._charge(change, counts, sign * change.groups)
        if before is not None and self._free is not None:
            self._free += self._free_on(rows) - before
        if self._idle is not None and counted:
            self._idle += self._idle_on(rows) - idle
        for port in traits.pod_class.host_ports:
            for row in rows.tolist():
                claimed = self.ports.setdefault(row, [])
                claimed.append(port) if sign > 0 else claimed.remove(port)
        if self._tagged is not None:
            self._tag(traits, rows, counts)
        if traits.noticed:
            self.neighbours.change(traits.pod_class, rows, counts)

    def _charge(self, change: Change, counts: Ints, groups: int) -> None:
        if groups and kinds.GROUPS in self.fleet.kinds:
            self.held[list(self.fleet.ancestry[change.queue]), -1] += groups
        if not change.traits.charged:
            return
        pools = self.fleet.facts.pool[change.rows]
        amounts = counts @ change.traits.charges[pools]
        for row in self.fleet.ancestry[change.queue]:
            self.held[row] += amounts
            if change.fixed:
                self.fixed[row] += amounts

    # -- shares of devices -------------------------------------------------------------------------

    def split(self, column: int, slots: int = 0) -> Ints:
        """Thousandths used of the resource's split devices, with at least so many slots a node."""
        known = self.shares.get(column)
        if known is None:
            known = self.shares[column] = np.zeros((self.fleet.size, slots), dtype=np.int64)
        elif known.shape[1] < slots:
            known = self.shares[column] = np.pad(known, ((0, 0), (0, slots - known.shape[1])))
        return known

    def _devices(self, change: Change, sign: int) -> tuple[str, ...]:
        """The devices that the change concerns, nameless where nobody knows of one."""
        if sign > 0 and change.devices:
            return change.devices
        if sign > 0:
            chosen = devices((self,), change.traits, change.rows, change.counts)
            assert chosen is not None, "only what has room is placed"
            return chosen
        held: Counter[tuple[int, str]] = Counter()
        names = []
        for row, name in zip(np.repeat(change.rows, change.counts).tolist(), change.devices, strict=True):
            held[row, name] += change.traits.share
            known = name and held[row, name] <= self._used_of(change.traits.share_column, row, name)
            names.append(name if known else "")
        return tuple(names)

    def _used_of(self, column: int, row: int, name: str) -> int:
        slot = self.fleet.slot(column, row, name)
        return self.split(column, slot + 1).item(row, slot)

    def _share(self, change: Change, thousandths: int) -> None:
        column = change.traits.share_column
        for row, name in zip(np.repeat(change.rows, change.counts).tolist(), change.devices, strict=True):
            if name:
                before = self._used_of(column, row, name)
                self.shares[column][row, self.fleet.slot(column, row, name)] = before + thousandths
                self.used[row, column] += (before + thousandths > 0) - (before > 0)

    def free(self) -> list[int]:
        """What nobody uses of each kind, on nodes that take pods; of devices, those of which nobody has even a share."""
        if self._free is None:
            self._free = self._free_on(np.arange(self.fleet.size))
        free: list[int] = self._free.tolist()
        return free

    def idle(self) -> int:
        """Devices that nobody uses, not even a share of, on nodes that take pods."""
        if self._idle is None:
            self._idle = self._idle_on(np.arange(self.fleet.size))
        return self._idle

    def _idle_on(self, rows: Ints) -> int:
        fleet = self.fleet
        if len(rows) == 1:
            row = rows.item(0)
            free = fleet.present.item(row) - fleet.devices_at(self.used, row)
            return max(free, 0) if fleet.facts.schedulable.item(row) else 0
        rows = rows[fleet.facts.schedulable[rows]]
        return int(np.maximum(fleet.present[rows] - fleet.devices(self.used, rows), 0).sum())

    def _free_on(self, rows: Ints) -> Ints:
        fleet = self.fleet
        rows = rows[fleet.facts.schedulable[rows]]
        devices = np.maximum(fleet.present[rows] - fleet.devices(self.used, rows), 0)
        sums = np.zeros(len(fleet.kinds) + 1, dtype=np.int64)
        np.add.at(sums, fleet.accelerator[rows], kinds.DEVICE * devices)
        for number, kind in enumerate(fleet.kinds):
            if kind not in (CPU, MEMORY):
                continue
            column = fleet.column_of[kind]
            have = fleet.facts.allocatable[rows, column]
            sums[number] = np.maximum(have - self.used[rows, column], 0).sum()
        return sums[:-1]  # the last stands for nodes of no pool

    # -- who is beside whom ------------------------------------------------------------------------

    def tagged(self) -> dict[int, Ints]:
        """Per node, how many pods there of each `tag`; counted from when somebody first asks."""
        if self._tagged is None:
            self._tagged = {}
            for group in self.fleet.snapshot.groups.values():
                for pod in group.placed:
                    if pod.node in self.fleet.row_of:
                        at = np.array([self.fleet.row_of[pod.node]])
                        self._tag(self.fleet.traits(pod.pod_class), at, np.ones(1, dtype=np.int64))
            for change, sign, _ in self._done:
                self._tag(change.traits, change.rows, sign * change.counts)
        return self._tagged

    def tag(self, traits: Traits) -> int | None:
        """What pods of devices are clustered by: how many they take, 0 for a share; None for those of none."""
        devices = int(traits.devices.max(initial=0))
        return 0 if traits.share else devices or None

    def _tag(self, traits: Traits, rows: Ints, counts: Ints) -> None:
        if self._tagged is not None and (tag := self.tag(traits)) is not None:
            self._tagged.setdefault(tag, np.zeros(self.fleet.size, dtype=np.int64))[rows] += counts

    # -- vectors -----------------------------------------------------------------------------------

    def vector(self, kind: str, traits: Traits, compute: Compute, one: ComputeOne | None) -> Ints:
        """`compute` over every node, kept up to date by asking again for touched rows only.

        `one` says the same for a single row, where that is quicker. The array is the session's own: read it, or copy it, and
        do not keep it over a change.
        """
        key = (kind, traits.number)
        known = self._vectors.get(key)
        if known is None:
            while len(self._vectors) >= max(VECTORS, VECTOR_BYTES // (8 * max(1, self.fleet.size))):
                del self._vectors[next(iter(self._vectors))]
            known = self._vectors[key] = _Vector(compute(self, traits, EVERY_ROW), len(self._touched))
        elif known.seen < len(self._touched):
            self._refresh(known, traits, compute, one)
        return known.values

    def _refresh(self, known: _Vector, traits: Traits, compute: Compute, one: ComputeOne | None) -> None:
        touched = self._touched[known.seen :]
        known.seen = len(self._touched)
        if one is not None and len(touched) <= ROWS_ONE_BY_ONE:
            for row in touched:
                known.values[row] = one(self, traits, row)
        elif len(touched) * 2 > self.fleet.size:
            known.values = compute(self, traits, EVERY_ROW)
        else:
            rows = np.array(sorted(set(touched)), dtype=np.int64)
            known.values[rows] = compute(self, traits, rows)


def devices(
    worlds: Sequence[Session], traits: Traits, rows: Ints, counts: Ints, prefer: Prefer = shares.fullest
) -> tuple[str, ...] | None:
    """Names of the devices that pods of a class of shares take, node by node, in every world; None if too few fit."""
    column, fleet = traits.share_column, worlds[0].fleet
    width = max(world.split(column).shape[1] for world in worlds)
    named: list[str] = []
    for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
        splits = [world.split(column, width)[row].tolist() for world in worlds]
        wholes = [
            fleet.facts.allocatable.item(row, column) - world.used.item(row, column) for world in worlds
        ]
        chosen = shares.choose(splits, wholes, traits.share, count, prefer, row)
        if chosen is None:
            return None
        known = {slot: name for name, slot in fleet.slots(column, row).items()}
        taken = {known[slot] for split in splits for slot, used in enumerate(split) if used}
        unused = (name for name in map(str, count_from(0)) if name not in taken)
        for slot in sorted({slot for slot in chosen if slot >= width}):
            known[slot] = next(unused)
        named += [known[slot] for slot in chosen]
    return tuple(named)


def share_room(worlds: Sequence[Session], traits: Traits) -> Ints:
    """How many pods of a class of shares each node's devices have room for, in every world at once."""
    column = traits.share_column
    slots = max(world.split(column).shape[1] for world in worlds)
    splits = [world.split(column, slots) for world in worlds]
    wholes = [world.fleet.facts.allocatable[:, column] - world.used[:, column] for world in worlds]
    return shares.room_in_all(splits, wholes, traits.share)
