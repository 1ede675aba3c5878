"""The plan while it is being made. What a step decides is written here once, and every world it concerns follows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import repeat

import numpy as np

from powertrain_scheduler import asks, minimum, timeline
from powertrain_scheduler.asks import Ask, Part, Placement
from powertrain_scheduler.asks.demand import demand
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft.worlds import Worlds, occupy
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.plan import Bind, Choice, Evict, Lost, Plan, Reserve, Wait
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.quota import Quotas, fair
from powertrain_scheduler.quota.tree import Tree
from powertrain_scheduler.quota.turn import Turns
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PodGroup
from powertrain_scheduler.timeline import Timeline
from powertrain_scheduler.units import Units

PREEMPTED, RECLAIMED, CONSOLIDATED = "Preempted", "Reclaimed", "Consolidated"


class Draft(Worlds):
    """What is decided so far, beside the worlds it is decided in."""

    def __init__(self, fleet: Fleet, policy: Policy, now: float) -> None:
        super().__init__(fleet, policy, now)
        self.quotas = Quotas(fleet)
        self.turns = Turns(self.quotas, policy.past_use_weight)
        self.tree = Tree(fleet)
        self.binds: list[Bind] = []
        self.evicts: list[Evict] = []
        self.evicting = 0
        """Groups for which somebody is evicted."""
        self.placed: dict[str, list[Placement]] = {}
        """By group name, what it was given in this cycle."""
        self.held: dict[str, Placement] = {}
        """By group name, nodes held for it until leaving pods are gone."""
        self.moved: dict[str, Placement] = {}
        """By name of a group that this plan moves, nodes held for it until it starts again."""
        self.move_searches = 0
        """Groups for which moves were looked for."""
        self._shrunk: dict[str, PodGroup] = {}
        """Groups that lose pods by this plan while others of theirs wait, as they are then."""
        self.forms: dict[str, tuple[Ask, ...]] = {}
        """By group name, the asks of its shapes, of groups that have several."""
        self.preferred: dict[str, tuple[Ask, Callable[[], str]]] = {}
        """By group name, the ask of the shape that would be best as things stand, and why, as a sentence."""
        self.by_choice: set[str] = set()
        """Groups that would fit now in another shape than their best."""
        self.refused: dict[object, object] = {}
        """By likeness and priority, the moment at which such a group got nothing."""
        self.told: dict[object, tuple[Reason, str, str]] = {}
        """By likeness and priority, what such a group is told: why it waits, and what would let it start."""
        self._ends: timeline.Moments | None = None
        self._units: Units | None = None
        self._shares: Ints | None = None
        self._may_move: Mask | None = None
        self._busy = np.zeros(len(self.holdings.groups), dtype=np.bool_)
        """Of the holdings' groups, those that were given something in this cycle."""

    # -- what has been decided ----------------------------------------------------------------------

    def given(self, group: PodGroup) -> list[Placement]:
        """What the group got in this cycle."""
        return self.placed.get(group.name, [])

    def starting(self) -> list[Placement]:
        """All that starts by this plan, now or once what leaves is gone."""
        now = [placement for given in self.placed.values() for placement in given]
        return [*now, *self.held.values(), *self.moved.values(), *self.kept()]

    def current(self, group: PodGroup) -> PodGroup:
        """The group with the pods that this plan evicts leaving."""
        return self._shrunk.get(group.name, group)

    def broken(self) -> list[PodGroup]:
        """Groups left below their minimum by this plan that have pods waiting to start anew with."""
        served = {*self.placed, *self.held, *self.moved}
        candidates = [group for group in self._shrunk.values() if group.name not in served]
        return [group for group in candidates if minimum.missing(group) and not minimum.of(group).short]

    def optional(self, group: PodGroup) -> Ask | None:
        """All that the group would take beyond its minimum, when it has that."""
        return asks.optional(self.fleet, group, self.given(group))

    def timeline(self) -> Timeline:
        """The expected ends of what runs, without what leaves."""
        if self._ends is None:
            self._ends = timeline.ends(
                self.holdings, self.time, self.policy.overrun_seconds, self.fleet.snapshot.runtime_ratio
            )
        return Timeline(self.holdings, self._ends, ~(self.holdings.leaving | self.evicted))

    def units(self) -> Units:
        """What could be evicted."""
        if self._units is None:
            self._units = Units(self.holdings, self.time)
        return self._units

    def shares(self) -> Ints:
        """By queue row and kind, what each queue may hold by right, as things stood when the cycle began."""
        if self._shares is None:
            everything = np.ones(len(self.holdings.row), dtype=np.bool_)
            wanted = self.holdings.held(everything) + self.fleet.subtrees(demand(self.fleet))
            self._shares = fair.shares(self.quotas, wanted)
        return self._shares

    def gone(self) -> Mask:
        """Units that this plan evicts."""
        gone = np.zeros(len(self.units().group), dtype=np.bool_)
        gone[self.units().of[self.evicted]] = True
        return gone

    def untouchable(self) -> Mask:
        """Units that go already, or whose group was given something in this cycle."""
        found: Mask = self.gone() | self._busy[self.units().group]
        return found

    # -- decisions ----------------------------------------------------------------------------------

    def place(self, placement: Placement) -> None:
        """The group's pods start now."""
        occupy(placement, self.worlds_now(placement.group))
        self.placed.setdefault(placement.group.name, []).append(placement)
        self._give(placement.group.name)
        for part in placement.parts:
            self.binds.extend(_binds(self.fleet, placement.group, part))

    def hold(self, placement: Placement) -> None:
        """Nobody else gets these nodes; the group's pods start once what leaves them is gone."""
        self._part_later()
        occupy(placement, self.worlds_later(placement.group))
        self.held[placement.group.name] = placement
        self._give(placement.group.name)

    def _give(self, name: str) -> None:
        if (number := self.holdings.number_of.get(name)) is not None:
            self._busy[number] = True

    def evict(self, pods: Mask, wanted: Ask) -> None:
        """These pods of the holdings leave so that the group can start."""
        self.evicting += 1
        self.vacate(pods)
        holdings = self.holdings
        going = np.flatnonzero(pods)
        for number, place in zip(holdings.group[going].tolist(), holdings.place[going].tolist(), strict=True):
            group = holdings.groups[number]
            pod = group.placed[place].name
            reason = PREEMPTED if group.queue == wanted.group.queue else RECLAIMED
            self.evicts.append(Evict(group.name, pod, wanted.group.name, reason))
        self._shrink(pods)

    def move(self, pods: Mask, for_group: str, back: Sequence[Placement]) -> None:
        """These pods of the holdings leave, and start again where `back` says once the others have left."""
        self.evicting += 1
        self.vacate(pods)
        for placement in back:
            name = placement.group.name
            occupy(placement, self.worlds_later(placement.group))
            self.moved[name] = placement
            self._give(name)
            self.evicts += [
                Evict(name, pod, for_group, CONSOLIDATED, node) for pod, node in self._assigned(placement)
            ]
        self._shrink(pods)

    def movable(self, wanted: PodGroup) -> Mask:
        """Units that may be moved for the group: whole gangs that run, and were not moved lately."""
        if self._may_move is None:
            self._may_move = _may_move(self)
        found: Mask = self._may_move[self.units().group] & ~self.untouchable()
        own = self.holdings.number_of.get(wanted.name)
        return found if own is None else found & (self.units().group != own)

    def _shrink(self, pods: Mask) -> None:
        for number in np.unique(self.holdings.group[pods]).tolist():
            if self.holdings.groups[number].waiting:
                left = self._without_evicted(number)
                self._shrunk[left.name] = asks.careful(left, self.policy)

    def _without_evicted(self, number: int) -> PodGroup:
        group = self.holdings.groups[number]
        mine = np.flatnonzero(self.evicted & (self.holdings.group == number))
        gone = set(self.holdings.place[mine].tolist())
        placed = tuple(replace(pod, leaving=pod.leaving or i in gone) for i, pod in enumerate(group.placed))
        return replace(group, placed=placed)

    def best(self, wanted: Ask) -> Ask:
        """The ask of the group's best shape, for groups that have several."""
        return self.preferred[wanted.group.name][0] if wanted.group.name in self.preferred else wanted

    def is_made(self, group: PodGroup) -> bool:
        """Whether the pods of the group's shape are there, rather than to be made once it has room."""
        return group.shape == self.fleet.snapshot.groups[group.name].shape

    def _choices(self) -> list[Choice]:
        """Groups that have room, now or soon, in a shape that their pods do not have."""
        groups = [placement.group for placement in self.held.values()]
        return [
            Choice(group.name, group.shape, self.preferred[group.name][1]())
            for group in groups
            if not self.is_made(group)
        ]

    def plan(self, waits: list[Wait], lost: tuple[Lost, ...] = ()) -> Plan:
        """What was decided, why the rest waits, and who lost members."""
        kept = {placement.group.name: placement for placement in self.kept()}
        reserves = [
            Reserve(name, self.time, self.node_names(placement), tuple(self._assigned(placement)))
            for name, placement in {**self.held, **self.moved, **kept}.items()
        ]
        reserves += [promise.reserve for promise in self.promises.made]
        choices = tuple(self._choices())
        return Plan(tuple(self.binds), tuple(self.evicts), tuple(waits), tuple(reserves), choices, lost)

    def _assigned(self, placement: Placement) -> Iterator[tuple[str, str]]:
        """Pods with their nodes."""
        names = self.fleet.facts.names
        for part in placement.parts:
            for pod, row in zip(part.pods, np.repeat(part.rows, part.counts).tolist(), strict=True):
                yield pod.name, names[row]


def _may_move(draft: Draft) -> Mask:
    """By group, whether it may be moved at all: a plain pod may have nobody who makes it anew."""
    holdings, lately = draft.holdings, draft.time - draft.policy.move_rest_seconds
    number = len(holdings.groups)
    there = np.bincount(holdings.group[~(holdings.leaving | holdings.pinned)], minlength=number).tolist()
    may = [
        group.preemptible
        and group.explicit
        and not group.nominated
        and group.started is not None
        and (group.moved is None or group.moved <= lately)
        and stays == len(group.placed) >= group.min_member
        and not (group.subgroups and minimum.missing(group))
        for group, stays in zip(holdings.groups, there, strict=True)
    ]
    return np.array(may, dtype=np.bool_)


def _binds(fleet: Fleet, group: PodGroup, part: Part) -> Iterator[Bind]:
    names = fleet.facts.names
    devices = part.devices or repeat("")
    for pod, row, device in zip(part.pods, np.repeat(part.rows, part.counts).tolist(), devices, strict=False):
        yield Bind(group.name, pod.name, names[row], part.traits.taken, device)
