"""How much a queue may hold: a tree of nominal quotas, what may be borrowed and what may be lent.

Rows are queues and columns are the kinds that quotas count, in the units of `kinds`. A queue's quota
covers its whole subtree. Where it has no entry for a kind it is not limited, owns nothing to claim
back, and all it holds of it counts as borrowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from powertrain_scheduler import kinds
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.quota.problems import problem as problem
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import CPU, MEMORY, PodGroup, Queue

UNLIMITED = 1 << 60
NO_POOL = -1
"""Stands for devices on nodes of no pool: nobody has quota of these."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The limit that keeps a queue from holding more."""

    queue: str
    kind: str
    """What is counted, such as an accelerator; amounts are in the units of `kinds`."""
    used: int
    limit: int
    room: int
    rule: str
    """`limit`, `nominal` (for groups that may not be evicted) or `lent` (kept for other queues)."""


class Quotas:
    """The queues' figures as arrays, and the questions a cycle has about them."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        shape = (len(fleet.queues), len(fleet.kinds))
        self.entry = np.zeros(shape, dtype=np.bool_)
        """Whether the queue has a quota of the kind."""
        self.nominal = np.zeros(shape, dtype=np.int64)
        self.limit = np.full(shape, UNLIMITED, dtype=np.int64)
        self.kept = np.zeros(shape, dtype=np.int64)
        """The part of nominal that it does not lend."""
        for row, queue in enumerate(fleet.queues.values()):
            self._fill(row, queue)
        self.groups = fleet.kinds.index(kinds.GROUPS) if kinds.GROUPS in fleet.kinds else None
        """The kind that counts running groups, where any queue limits them: nobody owns or borrows of it."""
        self.capacity = _capacity(fleet)
        self.children = self._tree()
        """Rows of each row's children; of None, those of the topmost queues."""
        self._keeps: list[bool] = [bool(column.any()) for column in self.kept.T]

    def _fill(self, row: int, queue: Queue) -> None:
        for number, kind in enumerate(self.fleet.kinds):
            quota = queue.quotas.get(kind)
            if quota is None:
                continue
            unit = kinds.DEVICE if number < len(self.fleet.accelerators) else 1
            self.entry[row, number] = True
            self.nominal[row, number] = round(quota.nominal * unit)
            if quota.borrowing_limit is not None:
                self.limit[row, number] = round((quota.nominal + quota.borrowing_limit) * unit)
            if quota.lending_limit is not None:
                self.kept[row, number] = round(max(0, quota.nominal - quota.lending_limit) * unit)
        if queue.max_running is not None:
            self.limit[row, self.fleet.kinds.index(kinds.GROUPS)] = queue.max_running

    def _tree(self) -> dict[int | None, list[int]]:
        children: dict[int | None, list[int]] = {}
        for row, parent in enumerate(self.fleet.parent_row):
            if parent is not None and row in self.fleet.ancestry[self.fleet.queue_list[parent].name]:
                parent = None  # it lies below itself: nobody is served there, but what runs is counted
            children.setdefault(parent, []).append(row)
        return children

    # -- may it ------------------------------------------------------------------------------------

    def room(self, session: Session, group: PodGroup, kind: int) -> int:
        """How much of the kind the group's queue may still take for it."""
        if kind == NO_POOL:
            return UNLIMITED
        return self._tightest(session, group, kind)[0]

    def bound(self, session: Session, group: PodGroup, kind: int) -> Bound:
        """The tightest limit on the way from the root to the group's queue, for people."""
        room, row, rule = self._tightest(session, group, kind)
        held = session.fixed if rule == "nominal" else session.held
        limit = self.limit if rule == "limit" else self.nominal
        return Bound(
            queue=self.fleet.queue_list[row].name,
            kind=self.fleet.kinds[kind],
            used=int(held[row, kind]),
            limit=int(limit[row, kind]),
            room=room,
            rule=rule,
        )

    def borrows(self, session: Session, queue: str, kind: int, amount: int) -> bool:
        """Whether with so many more the queue holds what is not its own, at any level or for want of a quota."""
        if kind == self.groups:
            return False
        limited = [row for row in self.fleet.ancestry[queue] if self.entry[row, kind]]
        own = self.nominal[limited, kind] - session.held[limited, kind]
        return not limited or bool((own < amount).any())

    def keeps_any(self, kinds: Iterable[int]) -> bool:
        """Whether any queue does not lend all it owns of one of the kinds."""
        return any(kind != NO_POOL and self._keeps[kind] for kind in kinds)

    def _tightest(self, session: Session, group: PodGroup, kind: int) -> tuple[int, int, str]:
        path, fixed = self.fleet.ancestry[group.queue], not group.preemptible
        room, at, rule = UNLIMITED, path[0], "limit"
        for row in reversed(path):
            allowed = int(self.limit[row, kind] - session.held[row, kind])
            if allowed < room:
                room, at, rule = allowed, row, "limit"
            if fixed and self.entry[row, kind]:
                allowed = int(self.nominal[row, kind] - session.fixed[row, kind])
                if allowed < room:
                    room, at, rule = allowed, row, "nominal"
        granted = bool(group.nominated) and self._vacated(group)  # what it was granted then it gets now
        if not granted and self._keeps[kind] and (lent := self._borrowable(session, path, kind)) < room:
            room, at, rule = lent, path[0], "lent"
        return max(0, room), at, rule

    def _vacated(self, group: PodGroup) -> bool:
        """Whether all that had to leave its nominated nodes is gone."""
        rows = [self.fleet.row_of[name] for name in group.nominated if name in self.fleet.row_of]
        return not self.fleet.snapshot.leaving[rows].any()

    def _borrowable(self, session: Session, path: tuple[int, ...], kind: int) -> int:
        """What the queue may take without touching what others do not lend; its own nominal it may always take."""
        room = session.free()[kind]
        for row in reversed(path):
            siblings = self.children.get(self.fleet.parent_row[row], ())
            room -= sum(self._kept_for(session, each, kind) for each in siblings if each != row)
            held = session.held[row, kind]
            room = max(room, int(self.nominal[row, kind] - held))
            room = min(room, int(self.limit[row, kind] - held))
        return room

    def _kept_for(self, session: Session, row: int, kind: int) -> int:
        """What nobody outside the queue's subtree may take: what it does not lend and does not use."""
        own = max(0, int(self.kept[row, kind] - session.held[row, kind]))
        return max(own, sum(self._kept_for(session, each, kind) for each in self.children.get(row, ())))


def _capacity(fleet: Fleet) -> Ints:
    """All there is of each kind on nodes that take pods."""
    use = fleet.facts.schedulable
    pooled = use & (fleet.accelerator >= 0)
    devices = np.bincount(
        fleet.accelerator[pooled], weights=fleet.present[pooled], minlength=len(fleet.accelerators)
    )
    columns = [fleet.column_of[kind] for kind in fleet.kinds if kind in (CPU, MEMORY)]
    rest = fleet.facts.allocatable[:, columns][use].sum(axis=0)
    found = np.zeros(len(fleet.kinds), dtype=np.int64)
    found[: len(devices) + len(rest)] = np.concatenate([kinds.DEVICE * devices.astype(np.int64), rest])
    return found
