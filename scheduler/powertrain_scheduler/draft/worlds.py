"""The worlds a plan is made against.

Sessions say what is used: `now`; `later`, once every leaving pod is gone, with what is held for
groups that wait for that; and for each group that has a reservation the moment at which it is to
start. Whoever starts must have room in all of those that concern it.
"""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler import gang, timeline
from powertrain_scheduler.asks import Ask, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft.promises import Promise, Promises
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.holdings import Holdings, shared_devices
from powertrain_scheduler.neighbours import Neighbours
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import PodGroup, Snapshot


class Worlds:
    """What is used, in the present and in the futures that matter."""

    def __init__(self, fleet: Fleet, policy: Policy, now: float) -> None:
        self.policy = policy
        self.time = now
        self.fleet = fleet
        self.holdings = Holdings(fleet)
        self.now = self._present(fleet.snapshot)
        self.later = self._without_leaving(fleet.snapshot)
        self.promises = Promises()
        """Starts that others must not delay."""
        self.evicted = np.zeros(len(self.holdings.row), dtype=np.bool_)
        """Pods of the holdings that the plan evicts: they are in `now` only."""
        self._kept: dict[str, tuple[Placement, tuple[Session, ...]]] = {}
        self._set_aside: dict[str, tuple[Placement, tuple[Session, ...]]] = {}
        self._empty: Session | None = None
        self._possible: dict[int, bool] = {}

    def _present(self, snapshot: Snapshot) -> Session:
        holdings, rows = self.holdings, self.fleet.row_of
        everything = np.ones(len(holdings.row), dtype=np.bool_)
        ports = {rows[name]: list(claimed) for name, claimed in snapshot.host_ports.items() if name in rows}
        held, fixed = holdings.held(everything), holdings.held(holdings.fixed)
        split = shared_devices(self.fleet, snapshot)
        neighbours = Neighbours(self.fleet.size, snapshot.matching, snapshot.repelling)
        return Session(self.fleet, snapshot.used.copy(), held, fixed, ports, split, neighbours)

    def _without_leaving(self, snapshot: Snapshot) -> Session:
        """`now` itself where nothing is leaving."""
        if not snapshot.leaving.any():
            return self.now
        later = self.holdings.without(self.now, self.holdings.leaving)
        later.used[:] = self.now.used - snapshot.leaving
        later.shares = shared_devices(self.fleet, snapshot, leaving=False)
        return later

    # -- where a group must have room ---------------------------------------------------------------

    def present(self) -> tuple[Session, ...]:
        """What is there now, and what will be once all that leaves is gone, reservation or not."""
        return (self.now,) if self.later is self.now else (self.now, self.later)

    def worlds_now(self, group: PodGroup) -> tuple[Session, ...]:
        """To start now: beside what is there, and beside what else is to come."""
        return (self.now, *(world for world in self.worlds_later(group) if world is not self.now))

    def worlds_later(self, group: PodGroup) -> tuple[Session, ...]:
        """To start once all that leaves is gone: not in the way of a reservation, either."""
        return (self.later, *(promise.then for promise in self.concerning(group)))

    def worlds_without(self, group: PodGroup, pods: Mask) -> tuple[Session, ...]:
        """The same, once these pods of the holdings are gone too."""
        gone = [pods, *(pods & promise.there for promise in self.concerning(group))]
        worlds = zip(self.worlds_later(group), gone, strict=True)
        return tuple(self.holdings.without(world, mask) for world, mask in worlds)

    def counted(self, group: PodGroup) -> tuple[Mask, ...]:
        """Which pods of the holdings are in each of `worlds_later`."""
        there = (promise.there & ~self.evicted for promise in self.concerning(group))
        return (~(self.holdings.leaving | self.evicted), *there)

    def concerning(self, group: PodGroup) -> Sequence[Promise]:
        """Others' reservations that the group might be in the way of."""
        if not self.promises.made:
            return ()
        concerning = self.promises.concerning(self.end(group))
        return [promise for promise in concerning if promise.reserve.group != group.name]

    def end(self, group: PodGroup) -> float | None:
        """When pods of the group that start now are expected to be gone; None: nobody knows."""
        return timeline.end(group, self.time, self.policy.overrun_seconds, self.ratio(group))

    def lasts(self, group: PodGroup) -> float | None:
        """Seconds the group is expected to run from its start; None: nobody knows."""
        return timeline.lasts(group, self.ratio(group))

    def ratio(self, group: PodGroup) -> float:
        """How long the owner's groups really run over what he says."""
        return self.fleet.snapshot.runtime_ratio.get(group.owner, 1.0)

    def empty(self) -> Session:
        """The fleet with nothing on it."""
        if self._empty is None:
            nothing = np.zeros_like(self.now.held)
            nobody = Neighbours(self.fleet.size, alone=True)
            used = np.zeros_like(self.now.used)
            self._empty = Session(self.fleet, used, nothing, nothing.copy(), {}, neighbours=nobody)
        return self._empty

    def possible(self, wanted: Ask) -> bool:
        """Whether the group would fit on an empty fleet, all quotas set aside."""
        if wanted.likeness not in self._possible:
            self._possible[wanted.likeness] = gang.find(wanted, [self.empty()], None) is not None
        return self._possible[wanted.likeness]

    @property
    def moment(self) -> object:
        """Names the state of all worlds: asked again at the same moment, an equal group gets the same answer."""
        return (self.now.moment, id(self.later), self.later.moment, self.promises.moment)

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
            for world in (*worlds, *(promise.then for promise in self.concerning(group))):
                for change in placement.changes():
                    world.release(change)

    def set_aside(self, group: PodGroup) -> None:
        """What is kept for the group is free for another to try."""
        self._set_aside[group.name] = self._kept[group.name]
        self.let_go(group)

    def keep_again(self, group: PodGroup) -> None:
        """The other did not need it."""
        placement, worlds = self._set_aside.pop(group.name)
        occupy(placement, (*worlds, *(promise.then for promise in self.concerning(group))))
        self._kept[group.name] = placement, worlds

    def forget_set_aside(self) -> None:
        """The other needed it."""
        self._set_aside.clear()

    def reserve(self, promise: Promise) -> None:
        """The group is to start as promised."""
        group, start = promise.placement.group, promise.reserve.start
        seconds = self.lasts(group)
        after = self.promises.concerning(None if seconds is None else start + seconds)
        worlds = (promise.then, *(other.then for other in after if other.reserve.start > start))
        self.promises.add(promise)
        occupy(promise.placement, worlds)

    def cancel_reservations(self) -> None:
        """Nobody is first for now; the next pass over the line tells who is."""
        self.promises.clear()

    def vacate(self, pods: Mask) -> None:
        """These pods of the holdings leave: they are in no future any more."""
        self._part_later()
        for change in self.holdings.changes(pods):
            self.later.release(change)
        for promise in self.promises.made:
            for change in self.holdings.changes(pods & promise.there):
                promise.then.release(change)
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
