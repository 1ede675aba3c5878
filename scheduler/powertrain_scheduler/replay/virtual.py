"""A cluster in memory: plans are carried out on it at once, and time passes when it is told to."""

from collections.abc import Mapping

from powertrain_scheduler.plan import Plan
from powertrain_scheduler.replay.members import Members
from powertrain_scheduler.replay.tally import Tally
from powertrain_scheduler.snapshot import NodeFacts, PodClass, PodGroup, Pool, Queue, Snapshot


class VirtualCluster:
    """Nodes that are there from the start, and groups that come, run, are evicted and end.

    What a plan says is done in full: bound pods run, evicted ones are told to go and wait again once
    `vacate` says that they are gone.
    """

    def __init__(
        self, nodes: NodeFacts, pools: tuple[Pool, ...], queues: Mapping[str, Queue], time: float = 0.0
    ) -> None:
        self.nodes = nodes
        self.pools = pools
        self.queues = queues
        self.time = time
        """Seconds since the epoch."""
        self.expected: tuple[tuple[PodClass, float], ...] = ()
        self.runtime_ratio: dict[str, float] = {}
        self._tally = Tally(nodes)
        self._members: dict[str, Members] = {}
        self._groups: dict[str, PodGroup] = {}
        """As they were when last asked for; those in `_changed` have changed since."""
        self._changed: set[str] = set()
        self._leaving: set[str] = set()
        """Groups with pods that leave."""
        self._nominated: set[str] = set()
        """Groups for which nodes are held."""

    def submit(self, group: PodGroup) -> None:
        """The group is there from now on, with the nodes that it holds already."""
        if group.name in self._members:
            raise ValueError(f"group {group.name} is there already")
        self._members[group.name] = Members(group)
        self._groups[group.name] = group
        for pod in group.placed:
            self._tally.add(pod)
            if pod.leaving:
                self._leaving.add(group.name)
        if group.nominated:
            self._nominated.add(group.name)

    def apply(self, plan: Plan) -> None:
        """Binds and evicts as the plan says; groups keep the nodes that it holds for them from now on.

        Raises KeyError where the plan speaks of groups, pods or nodes that are not there.
        """
        for evict in plan.evicts:
            self._tally.leave(self._member(evict.group).evict(evict.pod))
            self._leaving.add(evict.group)
            if evict.to:
                self._member(evict.group).moved(self.time)
        for bind in plan.binds:
            self._tally.add(self._member(bind.group).bind(bind))
        for name in {bind.group for bind in plan.binds}:
            self._members[name].bound(self.time)
        self._nominate({each.group: each.nodes for each in plan.reserves if each.start <= self.time})

    def _nominate(self, held: dict[str, tuple[str, ...]]) -> None:
        for name in {*held, *self._nominated}:
            self._member(name).nominate(tuple(sorted(held.get(name, ()))))
        self._nominated = set(held)

    def vacate(self) -> None:
        """All that leaves is gone. Evicted pods wait again; pods that came as leaving ones do not."""
        for name in sorted(self._leaving):
            for pod in self._member(name).vacate():
                self._tally.remove(pod)
        self._leaving.clear()

    def finish(self, group: str) -> None:
        """The group has ended: its pods are gone for good. Raises KeyError if it is not there."""
        for pod in self._members.pop(group).placed.values():
            self._tally.remove(pod)
        del self._groups[group]
        self._changed.discard(group)
        self._leaving.discard(group)
        self._nominated.discard(group)

    def advance(self, time: float) -> None:
        """It is this late now; raises ValueError for a time that has passed."""
        if time < self.time:
            raise ValueError(f"it is {self.time} already, and cannot be {time} again")
        self.time = time

    def group(self, name: str) -> PodGroup:
        """The group as it is now; raises KeyError if it is not there."""
        if name in self._changed:
            self._groups[name] = self._members[name].group()
            self._changed.discard(name)
        return self._groups[name]

    def snapshot(self) -> Snapshot:
        """The moment, to decide on; later changes do not reach it."""
        for name in list(self._changed):
            self.group(name)
        tally = self._tally
        return Snapshot(
            nodes=self.nodes,
            used=tally.used.copy(),
            leaving=tally.leaving.copy(),
            host_ports=dict(tally.ports),
            pools=self.pools,
            queues=self.queues,
            groups=dict(self._groups),
            shared=dict(tally.shared),
            matching={key: counts.copy() for key, counts in tally.matching.items()},
            repelling={key: counts.copy() for key, counts in tally.repelling.items()},
            expected=self.expected,
            runtime_ratio=dict(self.runtime_ratio),
        )

    def _member(self, name: str) -> Members:
        """The group's pods, about to change."""
        self._changed.add(name)
        return self._members[name]
