"""Who holds what: every placed pod of every group as one row of a table.

Built once a cycle; quota, timeline and evictions read it.
"""

from collections.abc import Iterator

import numpy as np

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.session import Change, Session
from powertrain_scheduler.snapshot import HostPort


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
        row_of, traits = fleet.row_of, fleet.traits
        table = [
            (number, row_of[pod.node], traits(pod.pod_class).number, place, pod.leaving)
            for number, group in enumerate(self.groups)
            for place, pod in enumerate(group.placed)
            if pod.node in row_of
        ]
        columns = np.array(table, dtype=np.int64).reshape(len(table), 5)
        self.group: Ints = columns[:, 0].copy()
        self.row: Ints = columns[:, 1].copy()
        self.traits: Ints = columns[:, 2].copy()
        """Number of the pod's class."""
        self.place: Ints = columns[:, 3].copy()
        """Position in its group's `placed`."""
        self.leaving: Mask = columns[:, 4] > 0
        every = fleet.every_traits()
        width = len(fleet.snapshot.pools) + 1
        self.vectors: Ints = np.array([each.vector for each in every], dtype=np.int64).reshape(
            len(every), len(fleet.facts.resources)
        )
        """Amounts by class number."""
        by_pool = np.array([each.charges for each in every], dtype=np.int64)
        self.charges: Ints = by_pool.reshape(len(every), width, len(fleet.kinds))[
            self.traits, fleet.facts.pool[self.row]
        ]
        """Shape (pods, kinds): what each takes of its queue's quota."""
        self.queue: Ints = np.array([fleet.queue_row[group.queue] for group in self.groups], dtype=np.int64)
        """By group."""
        self.fixed: Mask = np.array([not group.preemptible for group in self.groups], dtype=np.bool_)
        """By group: may not be evicted."""

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
        fixed = session.fixed - self.held(pods & self.fixed[self.group])
        ports = {row: list(claimed) for row, claimed in session.ports.items()}
        for row, port in self._ports(pods):
            if port in ports.get(row, ()):
                ports[row].remove(port)
        return Session(self.fleet, used, held, fixed, ports)

    def changes(self, pods: Mask) -> Iterator[Change]:
        """These pods as changes to a session, those of one queue and class together."""
        chosen = np.flatnonzero(pods)
        owner = self.group[chosen]
        kinds = np.stack([self.queue[owner], self.fixed[owner], self.traits[chosen]])
        for queue, fixed, number in np.unique(kinds, axis=1).T.tolist():
            alike = chosen[(kinds == [[queue], [fixed], [number]]).all(axis=0)]
            rows, counts = np.unique(self.row[alike], return_counts=True)
            name = self.fleet.queue_list[queue].name
            yield Change(name, bool(fixed), self.fleet.every_traits()[number], rows, counts)

    def _ports(self, pods: Mask) -> list[tuple[int, HostPort]]:
        every = self.fleet.every_traits()
        claiming = [traits.number for traits in every if traits.pod_class.host_ports]
        if not claiming:
            return []
        found = np.flatnonzero(pods & np.isin(self.traits, claiming)).tolist()
        return [
            (int(self.row[i]), port) for i in found for port in every[self.traits[i]].pod_class.host_ports
        ]
