"""Pods beyond the minimum: whatever is free when every minimum has been served.

A group grows step by step: pod by pod, slice by slice, optional parts whole. A step that finds no
room holds up none but those that build on it. Queues take turns, the one first that has least of what
is its own; inside a queue the first in line has all it can use before the next.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from powertrain_scheduler import asks, gang, minimum
from powertrain_scheduler.asks import Ask, Placement
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.minimum import Step
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodGroup

TURNS = 8
"""In about so many turns a queue gets all that its first group can use, so that others are served between;
and where many queues grow, this part of them is served before it is asked again whose turn it is."""

InTurn = Callable[[Draft, Iterable[Ask]], Iterator[Ask]]


def grow(draft: Draft, groups: Iterable[PodGroup], in_turn: InTurn) -> list[Ask]:
    """Gives the groups what is free; by group that is left with pods waiting, what it asks for next."""
    growths = {group.name: growth for group in groups if (growth := Growth(draft, group)).wanted}
    alone = len({growth.group.queue for growth in growths.values()}) < 2 or _plenty(draft, growths.values())
    growing = dict(growths)
    while growing:
        served: set[str] = set()
        queues = len({growth.group.queue for growth in growing.values()})
        for wanted in in_turn(draft, [each.wanted for each in growing.values() if each.wanted]):
            growth = growing[wanted.group.name]
            if wanted.group.queue in served:
                continue
            if len(served) * TURNS >= queues:
                break  # whose turn it is now is another question
            while growth.take(alone) and alone:
                pass
            if growth.wanted is None:
                del growing[wanted.group.name]
            else:
                served.add(wanted.group.queue)
    return [each.refused for each in growths.values() if each.refused is not None]


def _plenty(draft: Draft, growths: Iterable["Growth"]) -> bool:
    """Whether so many devices are free that nobody takes them from another."""
    devices = sum(growth.devices() for growth in growths)
    return 0 < devices <= draft.now.idle()


class Growth:
    """One group's steps; those made or refused are behind it."""

    def __init__(self, draft: Draft, group: PodGroup) -> None:
        self.group = group
        self._draft = draft
        self._waiting, self._steps = _steps(draft, group)
        self._made: set[int] = set()
        self._at = 0
        self._kinds: set[object] = set()
        """Kinds of steps for which there was no room: there is none for another."""
        self.wanted: Ask | None = None
        """What it asks for next; None: nothing."""
        self.refused: Ask | None = None
        """The first thing it asked for in vain."""
        self._next()

    def devices(self) -> int:
        """Devices of all pods that it might ask for."""
        traits = self._draft.fleet.traits
        return sum(int(traits(pod.pod_class).devices.max()) for pod in self._waiting)

    def take(self, everything: bool) -> bool:
        """Gives the group what it asks for next, as far as there is room; whether it goes on asking."""
        if self.wanted is None:
            return False
        self._draft.let_go(self.group)
        run = self._run(self._at)
        size = len(run) if everything else max(1, -(-len(self._steps) // TURNS))
        given = 0 if self._known_in_vain(self.wanted) else self._longest(run[:size])
        self._made.update(run[:given])
        self._at += given
        if given < min(size, len(run)):
            self._kinds.add(self._kind(self._at))
            self.refused = self.refused or (self._ask([self._at]) if given else self.wanted)
            self._at += 1
        self._next()
        return self.wanted is not None

    def _next(self) -> None:
        """Goes to the next step that might be made."""
        while self._at < len(self._steps) and not self._possible(self._at):
            self._at += 1
        self.wanted = self._ask([self._at]) if self._at < len(self._steps) else None

    def _possible(self, number: int) -> bool:
        after = self._steps[number].after
        return (after is None or after in self._made) and self._kind(number) not in self._kinds

    def _run(self, first: int) -> list[int]:
        """The step and those behind it that are like it."""
        kind, last = self._kind(first), first + 1
        while last < len(self._steps) and self._kind(last) == kind and self._possible(last):
            last += 1
        return list(range(first, last))

    def _kind(self, number: int) -> object:
        return tuple((id(pod.pod_class), pod.subgroup) for pod in self._pods([number]))

    def _pods(self, numbers: Iterable[int]) -> tuple[Pod, ...]:
        return tuple(self._waiting[i] for number in numbers for i in self._steps[number].waiting)

    def _ask(self, numbers: Iterable[int]) -> Ask:
        pods = self._pods(numbers)
        return asks.ask(self._draft.fleet, self.group, pods, self._draft.given(self.group))

    def _longest(self, run: list[int]) -> int:
        """Places as many of these steps as there is room for, the first of them first; how many."""
        fitting, too_many, best = 0, len(run) + 1, None
        while too_many - fitting > 1:
            middle = len(run) if too_many > len(run) else (fitting + too_many) // 2
            if (found := self._find(run[:middle])) is not None:
                best, fitting = found, middle
            else:
                too_many = middle
        if best is not None:
            self._draft.place(best)
        return fitting

    def _find(self, numbers: list[int]) -> Placement | None:
        wanted = self._ask(numbers)
        if self._known_in_vain(wanted):
            return None
        found = gang.find(wanted, self._draft.worlds_now(self.group), self._draft.quotas)
        if found is None:
            self._draft.refused["more", wanted.likeness] = self._draft.moment
        return found

    def _known_in_vain(self, wanted: Ask) -> bool:
        """Whether a group like it got nothing since anything has changed."""
        return self._draft.refused.get(("more", wanted.likeness)) == self._draft.moment


def _steps(draft: Draft, group: PodGroup) -> tuple[tuple[Pod, ...], list[Step]]:
    """The pods that wait still, and the steps to be made with them."""
    if not draft.given(group):
        return group.waiting, minimum.steps(group)
    given = {pod.name: pod for each in draft.given(group) for part in each.parts for pod in part.pods}
    if not group.subgroups and all(pod.name in given for pod in group.waiting[: len(given)]):
        return group.waiting, minimum.steps(group)
    there = tuple(PlacedPod(pod.name, pod.pod_class, "", subgroup=pod.subgroup) for pod in given.values())
    waiting = tuple(pod for pod in group.waiting if pod.name not in given)
    now = replace(group, placed=(*group.placed, *there), waiting=waiting)
    return waiting, minimum.steps(now)
