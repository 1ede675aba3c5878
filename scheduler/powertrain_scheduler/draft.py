"""The plan while it is being made, and the worlds it is made against.

Three sessions say what is used: `now`; `later`, once every leaving pod is gone; and, where a
group has a reservation, `then`, the moment at which it is to start. What a step decides is
written here, and every world it concerns follows.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from powertrain_scheduler import asks, gang, timeline
from powertrain_scheduler.asks import Ask, Part, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.holdings import Holdings
from powertrain_scheduler.plan import Bind, Evict, Plan, Reserve, Wait
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.quota import Quotas
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import PodGroup, Snapshot
from powertrain_scheduler.timeline import Timeline
from powertrain_scheduler.units import Units

PREEMPTED, RECLAIMED = "Preempted", "Reclaimed"


class Draft:
    """What is decided so far, and what follows from it."""

    def __init__(self, fleet: Fleet, policy: Policy, now: float) -> None:
        self.policy = policy
        self.time = now
        self.fleet = fleet
        self.holdings = Holdings(fleet)
        self.quotas = Quotas(fleet)
        snapshot = fleet.snapshot
        self.now = self._present(snapshot)
        self.later = self._without_leaving(snapshot)
        self.then: Session | None = None
        self._there = np.zeros(len(self.holdings.row), dtype=np.bool_)
        self.reservation: Reserve | None = None
        """The first waiting group's, the only one that others must not delay."""
        self.evicted = np.zeros(len(self.holdings.row), dtype=np.bool_)
        """Pods of the holdings that this plan evicts."""
        self._shrunk: dict[str, PodGroup] = {}
        """Groups that lose pods by this plan while others of theirs wait, as they are then."""
        self.binds: list[Bind] = []
        self.evicts: list[Evict] = []
        self.evicting = 0
        """Groups for which somebody is evicted."""
        self.placed: dict[str, list[Placement]] = {}
        """By group name, what it was given in this cycle."""
        self.held: dict[str, Placement] = {}
        """By group name, nodes held for it until leaving pods are gone."""
        self._kept: dict[str, tuple[Placement, tuple[Session, ...]]] = {}
        self.refused: dict[object, object] = {}
        """By likeness and priority, the moment at which such a group got nothing."""
        self.told: dict[object, tuple[Reason, str]] = {}
        """By likeness and priority, what such a group is told."""
        self._possible: dict[object, bool] = {}
        self._ends: timeline.Moments | None = None
        self._units: Units | None = None
        self._empty: Session | None = None

    def _present(self, snapshot: Snapshot) -> Session:
        holdings = self.holdings
        everything = np.ones(len(holdings.row), dtype=np.bool_)
        rows = self.fleet.row_of
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

    # -- what it means for a group ------------------------------------------------------------------

    def worlds_now(self, group: PodGroup) -> tuple[Session, ...]:
        """Where the group must have room to start now: beside what is there, and what else is to come."""
        return (self.now, *(world for world in self.worlds_later(group) if world is not self.now))

    def present(self) -> tuple[Session, ...]:
        """What is there now, and what will be once all that leaves is gone, reservation or not."""
        return (self.now,) if self.later is self.now else (self.now, self.later)

    def worlds_later(self, group: PodGroup) -> tuple[Session, ...]:
        """Where it must have room to start once all that leaves is gone: not in the way of the reservation, either."""
        return (
            (self.later,)
            if self.then is None or self._ends_before_reservation(group)
            else (self.later, self.then)
        )

    def _ends_before_reservation(self, group: PodGroup) -> bool:
        if self.reservation is None:
            return False
        end = timeline.end(group, self.time, self.policy.overrun_seconds)
        return end is not None and end <= self.reservation.start

    def worlds_without(self, group: PodGroup, pods: Mask) -> tuple[Session, ...]:
        """The same, once these pods of the holdings are gone too."""
        worlds = self.worlds_later(group)
        gone = [pods, pods & self._there]
        return tuple(self.holdings.without(world, mask) for world, mask in zip(worlds, gone, strict=False))

    def counted(self) -> tuple[Mask, Mask]:
        """Which pods of the holdings are in `later`, and which in `then`."""
        return ~(self.holdings.leaving | self.evicted), self._there & ~self.evicted

    def current(self, group: PodGroup) -> PodGroup:
        """The group with the pods that this plan evicts leaving."""
        return self._shrunk.get(group.name, group)

    def broken(self) -> list[PodGroup]:
        """Groups left below their minimum by this plan that have pods waiting to start anew with."""
        candidates = [
            group for group in self._shrunk.values() if group.name not in {*self.placed, *self.held}
        ]
        return [group for group in candidates if 0 < asks.missing(group) <= len(group.waiting)]

    def optional(self, group: PodGroup) -> Ask | None:
        """What the group would take beyond its minimum, when it has that."""
        return asks.optional(self.fleet, group, self.given(group))

    def starting(self) -> list[Placement]:
        """All that starts by this plan, now or once what leaves is gone."""
        now = [placement for given in self.placed.values() for placement in given]
        return [*now, *self.held.values(), *(placement for placement, _ in self._kept.values())]

    def given(self, group: PodGroup) -> list[Placement]:
        """What the group got in this cycle."""
        return self.placed.get(group.name, [])

    @property
    def moment(self) -> object:
        """Names the state of all worlds: asked again at the same moment, an equal group gets the same answer."""
        return (self.now.moment, id(self.later), self.later.moment, self.reservation)

    def empty(self) -> Session:
        """The fleet with nothing on it."""
        if self._empty is None:
            nothing = np.zeros_like(self.now.held)
            self._empty = Session(self.fleet, np.zeros_like(self.now.used), nothing, nothing.copy(), {})
        return self._empty

    def timeline(self) -> Timeline:
        """The expected ends of what runs, without what leaves."""
        if self._ends is None:
            self._ends = timeline.ends(self.holdings, self.time, self.policy.overrun_seconds)
        return Timeline(self.holdings, self._ends, ~(self.holdings.leaving | self.evicted))

    def units(self) -> Units:
        """What could be evicted."""
        if self._units is None:
            self._units = Units(self.holdings, self.time)
        return self._units

    def untouchable(self) -> Mask:
        """Units that go already, or whose group was given something in this cycle."""
        names = {*self.placed, *self.held} & self.holdings.number_of.keys()
        busy = np.zeros(len(self.holdings.groups), dtype=np.bool_)
        busy[[self.holdings.number_of[name] for name in names]] = True
        found: Mask = self.gone() | busy[self.units().group]
        return found

    def gone(self) -> Mask:
        """Units that this plan evicts."""
        gone = np.zeros(len(self.units().group), dtype=np.bool_)
        gone[self.units().of[self.evicted]] = True
        return gone

    def possible(self, wanted: Ask) -> bool:
        """Whether the group would fit on an empty fleet, all quotas set aside."""
        if wanted.likeness not in self._possible:
            self._possible[wanted.likeness] = gang.find(wanted, [self.empty()], None) is not None
        return self._possible[wanted.likeness]

    # -- decisions ----------------------------------------------------------------------------------

    def place(self, placement: Placement) -> None:
        """The group's pods start now."""
        _occupy(placement, self.worlds_now(placement.group))
        self.placed.setdefault(placement.group.name, []).append(placement)
        for part in placement.parts:
            self.binds.extend(_binds(self.fleet, placement.group, part))

    def hold(self, placement: Placement) -> None:
        """Nobody else gets these nodes; the group's pods start once what leaves them is gone."""
        self._part_later()
        _occupy(placement, self.worlds_later(placement.group))
        self.held[placement.group.name] = placement

    def keep(self, placement: Placement, now: bool) -> None:
        """Nobody else gets these nodes until it is the group's turn; `now` says whether they are free already."""
        self._part_later()
        worlds = (self.now, self.later) if now else (self.later,)
        _occupy(placement, worlds)
        self._kept[placement.group.name] = placement, worlds

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
        for change in placement.changes():
            then.place(change)

    def node_names(self, placement: Placement) -> tuple[str, ...]:
        """The placement's nodes, by name."""
        rows = np.unique(np.concatenate([part.rows for part in placement.parts])).tolist()
        return tuple(self.fleet.facts.names[row] for row in rows)

    def cancel_reservation(self) -> None:
        """Nobody is first for now; the next pass over the line tells who is."""
        self.then, self.reservation = None, None

    def evict(self, pods: Mask, wanted: Ask) -> None:
        """These pods of the holdings leave so that the group can start."""
        self.evicting += 1
        holdings = self.holdings
        self._part_later()
        for change in holdings.changes(pods):
            self.later.release(change)
        if self.then is not None:
            for change in holdings.changes(pods & self._there):
                self.then.release(change)
        self.evicted |= pods
        for i in np.flatnonzero(pods).tolist():
            group = holdings.groups[holdings.group[i]]
            pod = group.placed[holdings.place[i]].name
            reason = PREEMPTED if group.queue == wanted.group.queue else RECLAIMED
            self.evicts.append(Evict(group.name, pod, wanted.group.name, reason))
        for number in np.unique(holdings.group[pods]).tolist():
            if holdings.groups[number].waiting:
                self._shrunk[holdings.groups[number].name] = self._without_evicted(number)

    def _without_evicted(self, number: int) -> PodGroup:
        group = self.holdings.groups[number]
        mine = np.flatnonzero(self.evicted & (self.holdings.group == number))
        gone = set(self.holdings.place[mine].tolist())
        placed = tuple(replace(pod, leaving=pod.leaving or i in gone) for i, pod in enumerate(group.placed))
        return replace(group, placed=placed)

    def _part_later(self) -> None:
        """From here on what is there now and what will be there differ."""
        self.later = self.now.copy() if self.later is self.now else self.later

    def plan(self, waits: list[Wait]) -> Plan:
        """What was decided, and why the rest waits."""
        reserves = [
            Reserve(name, self.time, self.node_names(placement)) for name, placement in self.held.items()
        ]
        reserves += [self.reservation] if self.reservation is not None else []
        return Plan(tuple(self.binds), tuple(self.evicts), tuple(waits), tuple(reserves))


def _occupy(placement: Placement, worlds: tuple[Session, ...]) -> None:
    for world in worlds:
        for change in placement.changes():
            world.place(change)


def _binds(fleet: Fleet, group: PodGroup, part: Part) -> Iterator[Bind]:
    names = fleet.facts.names
    for pod, row in zip(part.pods, np.repeat(part.rows, part.counts).tolist(), strict=True):
        yield Bind(group.name, pod.name, names[row], part.traits.taken)
