"""Who holds what: every placed pod of every group as one row of a table.

Built once a cycle; quota, timeline and evictions read it.
"""

from collections.abc import Iterator

import numpy as np

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.kinds import GROUPS
from powertrain_scheduler.neighbours import Neighbours
from powertrain_scheduler.session import Change, Session
from powertrain_scheduler.snapshot import HostPort, PlacedPod, Snapshot


class Holdings:
    """Columns over the placed pods, in the order of their groups' names and then of rank.

    Pods on nodes that the snapshot does not have are left out: they hold nothing we could give.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        every_group = fleet.snapshot.groups
        self.groups = [every_group[name] for name in sorted(every_group) if every_group[name].placed]
        """By name; the table's `group` points here."""
        self.number_of = {group.name: number for number, group in enumerate(self.groups)}
        pods = [pod for group in self.groups for pod in group.placed]
        sizes = np.array([len(group.placed) for group in self.groups], dtype=np.int64)
        rows = np.array([fleet.row_of.get(pod.node, -1) for pod in pods], dtype=np.int64)
        here = rows >= 0
        pods = pods if here.all() else [pod for pod in pods if pod.node in fleet.row_of]
        self.group: Ints = np.repeat(np.arange(len(sizes)), sizes)[here]
        self.row: Ints = rows[here]
        classes = [pod.pod_class for pod in pods]
        number = {id(each): fleet.traits(each).number for each in {id(c): c for c in classes}.values()}
        self.traits: Ints = np.array([number[id(each)] for each in classes], dtype=np.int64)
        """Number of the pod's class."""
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.place: Ints = (np.arange(len(rows)) - first)[here]
        """Position in its group's `placed`."""
        self.leaving: Mask = np.array([pod.leaving for pod in pods], dtype=np.bool_)
        self.slot: Ints = np.array([self._slot(pod) if pod.device else -1 for pod in pods], dtype=np.int64)
        """Slot of the device that the pod has a share of; -1 for none, and where nobody knows of it."""
        self.pinned: Mask = np.array([pod.fixed for pod in pods], dtype=np.bool_)
        """May not be evicted, whatever its group says."""
        every = fleet.every_traits()
        width = len(fleet.snapshot.pools) + 1
        self.vectors: Ints = np.array([each.vector for each in every], dtype=np.int64).reshape(
            len(every), len(fleet.facts.resources)
        )
        """Amounts by class number."""
        self.at_most = self.vectors.copy()
        """What the node may have free once such a pod leaves: of a share, the whole device."""
        for each in every:
            if each.share:
                self.at_most[each.number, each.share_column] += 1
        by_pool = np.array([each.charges for each in every], dtype=np.int64)
        self.charges: Ints = by_pool.reshape(len(every), width, len(fleet.kinds))[
            self.traits, fleet.facts.pool[self.row]
        ]
        """Shape (pods, kinds): what each takes of its queue's quota; its first pod stands for a running group."""
        noticed = np.array([each.noticed for each in every], dtype=np.bool_)
        self._noticed: Mask | None = noticed[self.traits] if noticed.any() else None
        self.first: Mask = np.zeros(len(self.group), dtype=np.bool_)
        """Of each group, the first pod that is not leaving, or the first if all are: none where nobody asks."""
        if GROUPS in fleet.kinds:
            self.first = self._first()
            self.charges[self.first, -1] = 1
        self.queue: Ints = np.array([fleet.queue_row[group.queue] for group in self.groups], dtype=np.int64)
        """By group."""
        stays = np.array([not group.preemptible for group in self.groups], dtype=np.bool_)
        self.fixed: Mask = stays[self.group] | self.pinned
        """May not be evicted."""

    def _first(self) -> Mask:
        found = np.zeros(len(self.group), dtype=np.bool_)
        order = np.lexsort((self.place, self.leaving, self.group))
        found[order[np.append(True, np.diff(self.group[order]) != 0)[: len(order)]]] = True
        return found

    def _slot(self, pod: PlacedPod) -> int:
        traits = self.fleet.traits(pod.pod_class)
        if traits.share_column < 0:
            return -1
        return self.fleet.slot(traits.share_column, self.fleet.row_of[pod.node], pod.device)

    def held(self, pods: Mask) -> Ints:
        """What these pods hold, by queue (subtrees included) and kind, in the units of `kinds`."""
        own = np.zeros((len(self.fleet.queue_list), len(self.fleet.kinds)), dtype=np.int64)
        queue, charges = self.queue[self.group[pods]], self.charges[pods]
        for kind in range(len(self.fleet.kinds)):
            np.add.at(own[:, kind], queue, charges[:, kind])
        return self.fleet.subtrees(own)

    def amounts(self, pods: Mask) -> Ints:
        """What these pods use, by node and resource."""
        used = np.zeros_like(self.fleet.facts.allocatable)
        np.add.at(used, self.row[pods], self.vectors[self.traits[pods]])
        return used

    def without(self, session: Session, pods: Mask) -> Session:
        """The session as if these pods were gone."""
        used = session.used - self.amounts(pods)
        held = session.held - self.held(pods)
        fixed = session.fixed - self.held(pods & self.fixed)
        split = {column: used.copy() for column, used in session.shares.items()}
        for column, mine in self._shares(pods):
            self._take_back(mine, used[:, column], split, column)
        ports = {row: list(claimed) for row, claimed in session.ports.items()}
        for row, port in self._ports(pods):
            if port in ports.get(row, ()):
                ports[row].remove(port)
        return Session(self.fleet, used, held, fixed, ports, split, self._neighbours(session, pods))

    def _shares(self, pods: Mask) -> Iterator[tuple[int, Ints]]:
        """Those of the pods that have shares of known devices, by the column of these."""
        chosen = np.flatnonzero(pods & (self.slot >= 0))
        every = self.fleet.every_traits()
        of = np.array([every[number].share_column for number in self.traits[chosen].tolist()], dtype=np.int64)
        for column in np.unique(of).tolist():
            yield column, chosen[of == column]

    def _take_back(self, mine: Ints, whole: Ints, split: dict[int, Ints], column: int) -> None:
        """The pods' shares leave the split devices, and devices without shares are no longer used."""
        before = split.get(column)
        if before is None:
            return
        width = max(before.shape[1], int(self.slot[mine].max()) + 1)
        before = np.pad(before, ((0, 0), (0, width - before.shape[1])))
        share = np.array([each.share for each in self.fleet.every_traits()], dtype=np.int64)
        after = before.copy()
        np.subtract.at(after, (self.row[mine], self.slot[mine]), share[self.traits[mine]])
        split[column] = np.maximum(after, 0)
        whole -= ((before > 0) & (after <= 0)).sum(axis=1)

    def changes(self, pods: Mask) -> Iterator[Change]:
        """These pods as changes to a session, those of one queue and class together."""
        chosen = np.flatnonzero(pods)
        owner = self.group[chosen]
        classes = len(self.vectors)
        kinds = (2 * self.queue[owner] + self.fixed[chosen]) * classes + self.traits[chosen]
        for kind in np.unique(kinds).tolist():
            alike = chosen[kinds == kind]
            (queue, fixed), number = divmod(kind // classes, 2), kind % classes
            rows, counts = np.unique(self.row[alike], return_counts=True)
            name, traits = self.fleet.queue_list[queue].name, self.fleet.every_traits()[number]
            devices = self._device_names(alike) if traits.share else ()
            yield Change(name, bool(fixed), traits, rows, counts, devices, int(self.first[alike].sum()))

    def _device_names(self, pods: Ints) -> tuple[str, ...]:
        """Of pods of one class of shares, the device of each, node by node."""
        names = []
        for pod in pods[np.argsort(self.row[pods], kind="stable")].tolist():
            placed = self.groups[self.group[pod]].placed[self.place[pod]]
            names.append(placed.device)
        return tuple(names)

    def _neighbours(self, session: Session, pods: Mask) -> Neighbours:
        """Who is still there once the pods are gone."""
        left = session.neighbours.copy()
        if self._noticed is not None:
            for change in self.changes(pods & self._noticed):
                left.change(change.traits.pod_class, change.rows, -change.counts)
        return left

    def _ports(self, pods: Mask) -> list[tuple[int, HostPort]]:
        every = self.fleet.every_traits()
        claiming = [traits.number for traits in every if traits.pod_class.host_ports]
        if not claiming:
            return []
        found = np.flatnonzero(pods & np.isin(self.traits, claiming)).tolist()
        return [
            (int(self.row[i]), port) for i in found for port in every[self.traits[i]].pod_class.host_ports
        ]


def shared_devices(fleet: Fleet, snapshot: Snapshot, leaving: bool = True) -> dict[int, Ints]:
    """Thousandths used of the snapshot's split devices as sessions keep them, with or without what leaves."""
    found = [
        (fleet.column_of[device.resource], fleet.row_of[node], device)
        for node, devices in sorted(snapshot.shared.items())
        for device in sorted(devices, key=lambda each: (each.resource, each.name))
        if node in fleet.row_of and device.resource in fleet.column_of
    ]
    split: dict[int, Ints] = {}
    for column, row, device in found:
        slot = fleet.slot(column, row, device.name)
        known = split.setdefault(column, np.zeros((fleet.size, slot + 1), dtype=np.int64))
        if known.shape[1] <= slot:
            known = split[column] = np.pad(known, ((0, 0), (0, slot + 1 - known.shape[1])))
        known[row, slot] = device.used if leaving else device.used - device.leaving
    return split
