"""A new place for each group that is to move, beside the group that the moves are for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from powertrain_scheduler import asks, gang
from powertrain_scheduler.actions import allocate
from powertrain_scheduler.asks import Ask, Option, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.draft.worlds import occupy
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import PodGroup


@dataclass(frozen=True, eq=False, slots=True)
class Moves:
    """Who leaves, and what starts where once that is gone."""

    units: Mask
    pods: Mask
    """Of the holdings."""
    placement: Placement
    """Of the group for which others move."""
    back: tuple[Placement, ...]
    """Of each group that moves."""


def resettle(draft: Draft, wanted: Ask, option: Option, chosen: Mask) -> Moves | PodGroup | None:
    """Places for all of the chosen units, or the group that finds none; None where even `wanted` doesn't fit."""
    pods = draft.units().pods(chosen)
    futures = _Futures(draft, pods)
    placement = gang.find(wanted, futures.of(wanted.group), draft.quotas, option)
    if placement is None:
        return None
    placement = allocate.as_found_again(draft, wanted, placement, futures.of(wanted.group))
    occupy(placement, futures.of(wanted.group))
    back = []
    for group in moving(draft, pods):
        if (place := _place(draft, group, futures.of(group))) is None:
            return group
        occupy(place, futures.of(group))
        back.append(place)
    return Moves(chosen, pods, placement, tuple(back))


def moving(draft: Draft, pods: Mask) -> Iterator[PodGroup]:
    """The groups of these pods as they will be once they have left, those that need most room first."""
    holdings = draft.holdings
    owners, numbers = np.unique(holdings.group[pods], return_counts=True)
    for owner in owners[np.argsort(-numbers, kind="stable")].tolist():
        group = holdings.groups[owner]
        gone = set(holdings.place[pods & (holdings.group == owner)].tolist())
        yield replace(
            group,
            placed=tuple(pod for i, pod in enumerate(group.placed) if i not in gone and not pod.leaving),
            waiting=tuple(group.placed[i].waits() for i in sorted(gone)),
            started=None if len(gone) == len(group.placed) else group.started,
        )


def _place(draft: Draft, group: PodGroup, worlds: tuple[Session, ...]) -> Placement | None:
    """Nodes for the pods that leave, of the accelerators that they have now."""
    wanted = asks.ask(draft.fleet, group, group.waiting)
    before = draft.holdings.groups[draft.holdings.number_of[group.name]]
    now = {int(draft.fleet.accelerator[draft.fleet.row_of[pod.node]]) for pod in before.placed}
    for option in wanted.options:
        if set(option.accelerators.values()) <= now:
            found = gang.find(wanted, worlds, draft.quotas, option)
            if found is not None:
                return allocate.as_found_again(draft, wanted, found, worlds)
    return None


class _Futures:
    """Copies of the worlds to come, without the pods that move."""

    def __init__(self, draft: Draft, pods: Mask) -> None:
        self._draft = draft
        without = draft.holdings.without
        self._later = without(draft.later, pods & ~draft.holdings.leaving)
        self._then = [
            each._replace(then=without(each.then, pods & each.there)) for each in draft.promises.made
        ]

    def of(self, group: PodGroup) -> tuple[Session, ...]:
        """Those in which the group must have room."""
        concerning = self._draft.concerning(group)
        names = {each.reserve.group for each in concerning}
        return (self._later, *(each.then for each in self._then if each.reserve.group in names))
