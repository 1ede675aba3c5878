"""The worlds a plan is made against.

Three sessions say what is used: `now`; `later`, once every leaving pod is gone, with what is held
for groups that wait for that; and, where a group has a reservation, `then`, the moment at which it
is to start. Whoever starts must have room in all of those that concern it.
"""

import numpy as np

from powertrain_scheduler import gang, timeline
from powertrain_scheduler.asks import Ask, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.holdings import Holdings
from powertrain_scheduler.plan import Reserve
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import PodGroup, Snapshot


class Worlds:
    """What is used, in the present and in the two futures that matter."""

    def __init__(self, fleet: Fleet, policy: Policy, now: float) -> None:
        self.policy = policy
        self.time = now
        self.fleet = fleet
        self.holdings = Holdings(fleet)
        self.now = self._present(fleet.snapshot)
        self.later = self._without_leaving(fleet.snapshot)
        self.then: Session | None = None
        self._there = np.zeros(len(self.holdings.row), dtype=np.bool_)
        """Pods of the holdings that are in `then`."""
        self.reservation: Reserve | None = None
        """The first waiting group's, the only one that others must not delay."""
        self.evicted = np.zeros(len(self.holdings.row), dtype=np.bool_)
        """Pods of the holdings that the plan evicts: they are in `now` only."""
        self._kept: dict[str, tuple[Placement, tuple[Session, ...]]] = {}
        self._empty: Session | None = None
        self._possible: dict[int, bool] = {}

    def _present(self, snapshot: Snapshot) -> Session:
        holdings, rows = self.holdings, self.fleet.row_of
        everything = np.ones(len(holdings.row), dtype=np.bool_)
        ports = {rows[name]: list(claimed) for name, claimed in snapshot.host_ports.items() if name in rows}
        held, fixed = holdings.held(everything), holdings.held(holdings.fixed[holdings.group])
        return Session(self.fleet, snapshot.used.copy(), held, fixed, ports)

    def _without_leaving(self, snapshot: Snapshot) -> Session:
        """`now` itself where nothing is leaving."""
        if not snapshot.leaving.any():
            return self.now
        later = self.holdings.without(self.now, self.holdings.leaving)
        later.used[:] = self.now.used - snapshot.leaving
        return later

    # -- where a group must have room ---------------------------------------------------------------

    def present(self) -> tuple[Session, ...]:
        """What is there now, and what will be once all that leaves is gone, reservation or not."""
        return (self.now,) if self.later is self.now else (self.now, self.later)

    def worlds_now(self, group: PodGroup) -> tuple[Session, ...]:
        """To start now: beside what is there, and beside what else is to come."""
        return (self.now, *(world for world in self.worlds_later(group) if world is not self.now))

    def worlds_later(self, group: PodGroup) -> tuple[Session, ...]:
        """To start once all that leaves is gone: not in the way of the reservation, either."""
        if self.then is None or self._ends_before_reservation(group):
            return (self.later,)
        return (self.later, self.then)

    def worlds_without(self, group: PodGroup, pods: Mask) -> tuple[Session, ...]:
        """The same, once these pods of the holdings are gone too."""
        gone = [pods, pods & self._there]
        worlds = zip(self.worlds_later(group), gone, strict=False)
        return tuple(self.holdings.without(world, mask) for world, mask in worlds)

    def counted(self) -> tuple[Mask, Mask]:
        """Which pods of the holdings are in `later`, and which in `then`."""
        return ~(self.holdings.leaving | self.evicted), self._there & ~self.evicted

    def _ends_before_reservation(self, group: PodGroup) -> bool:
        if self.reservation is None:
            return False
        end = timeline.end(group, self.time, self.policy.overrun_seconds)
        return end is not None and end <= self.reservation.start

    def empty(self) -> Session:
        """The fleet with nothing on it."""
        if self._empty is None:
            nothing = np.zeros_like(self.now.held)
            self._empty = Session(self.fleet, np.zeros_like(self.now.used), nothing, nothing.copy(), {})
        return self._empty

    def possible(self, wanted: Ask) -> bool:
        """Whether the group would fit on an empty fleet, all quotas set aside."""
        if wanted.likeness not in self._possible:
            self._possible[wanted.likeness] = gang.find(wanted, [self.empty()], None) is not None
        return self._possible[wanted.likeness]

    @property
    def moment(self) -> object:
        """Names the state of all worlds: asked again at the same moment, an equal group gets the same answer."""
        return (self.now.moment, id(self.later), self.later.moment, self.reservation)

    # -- what changes them --------------------------------------------------------------------------

    def keep(self, placement: Placement, now: bool) -> None:
        """Nobody else gets these nodes until it is the group's turn; `now` says whether they are free already."""
        self._part_later()
        worlds = (self.now, self.later) if now else (self.later,)
        occupy(placement, worlds)
        self._kept[placement.group.name] = placement, worlds

    def kept(self) -> list[Placement]:
        """What is kept for groups whose turn has yet to come."""
        return [placement for placement, _ in self._kept.values()]

    def let_go(self, group: PodGroup) -> None:
        """It is the group's turn: what was kept for it is free for it to choose from."""
        if group.name in self._kept:
            placement, worlds = self._kept.pop(group.name)
            if self.then is not None and not self._ends_before_reservation(group):
                worlds = (*worlds, self.then)
            for world in worlds:
                for change in placement.changes():
                    world.release(change)

    def reserve(self, placement: Placement, start: float, then: Session, there: Mask) -> None:
        """The group is to start on these nodes at `start`; `there` are the pods of the holdings in `then`."""
        self.reservation = Reserve(placement.group.name, start, self.node_names(placement))
        self.then, self._there = then, there
        occupy(placement, (then,))

    def cancel_reservation(self) -> None:
        """Nobody is first for now; the next pass over the line tells who is."""
        self.then, self.reservation = None, None

    def vacate(self, pods: Mask) -> None:
        """These pods of the holdings leave: they are in no future any more."""
        self._part_later()
        for change in self.holdings.changes(pods):
            self.later.release(change)
        if self.then is not None:
            for change in self.holdings.changes(pods & self._there):
                self.then.release(change)
        self.evicted |= pods

    def _part_later(self) -> None:
        """From here on what is there now and what will be there differ."""
        self.later = self.now.copy() if self.later is self.now else self.later

    def node_names(self, placement: Placement) -> tuple[str, ...]:
        """The placement's nodes, by name."""
        rows = np.unique(np.concatenate([part.rows for part in placement.parts])).tolist()
        return tuple(self.fleet.facts.names[row] for row in rows)


def occupy(placement: Placement, worlds: tuple[Session, ...]) -> None:
    """Count the placement's pods as being there, in each of the worlds."""
    for world in worlds:
        for change in placement.changes():
            world.place(change)
