"""Free room, or room that leaving pods are about to free."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from powertrain_scheduler import gang
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.gang import Ask, Placement
from powertrain_scheduler.session import Session


def start(draft: Draft, wanted: Ask) -> bool:
    """Gives the group all it asks for, now."""
    placement = _find(draft, wanted, draft.worlds_now(wanted.group))
    if placement is not None:
        draft.place(placement)
    return placement is not None


def await_leaving(draft: Draft, wanted: Ask) -> bool:
    """Holds nodes on which the group will fit as soon as the pods leaving them are gone."""
    if draft.later is draft.now:
        return False
    placement = _find(draft, wanted, draft.worlds_later(wanted.group))
    if placement is not None:
        draft.hold(placement)
    return placement is not None


def keep_nominated(draft: Draft, wanted: Ask) -> None:
    """Keeps what evictions of an earlier cycle made room for until it is the group's turn."""
    if (placement := _find(draft, wanted, draft.worlds_now(wanted.group))) is not None:
        draft.keep(placement, now=True)
    elif (placement := _find(draft, wanted, draft.worlds_later(wanted.group))) is not None:
        draft.keep(placement, now=False)


def _find(draft: Draft, wanted: Ask, worlds: Sequence[Session]) -> Placement | None:
    """Nodes for the group; where room was made for it, these rather than others."""
    if wanted.group.nominated:
        nominated = np.zeros(draft.fleet.size, dtype=np.bool_)
        nominated[
            [draft.fleet.row_of[name] for name in wanted.group.nominated if name in draft.fleet.row_of]
        ] = True
        if (there := gang.find(replace(wanted, inside=nominated), worlds, draft.quotas)) is not None:
            return there
    return gang.find(wanted, worlds, draft.quotas)


def extend(draft: Draft, wanted: Ask) -> None:
    """Gives the group as many of the pods it asks for as there is room for, the first in rank order."""
    group, pods, given = wanted.group, wanted.pods, draft.given(wanted.group)

    def first(size: int) -> Placement | None:
        part = gang.ask(draft.fleet, group, pods[:size], given)
        return gang.find(part, draft.worlds_now(group), draft.quotas)

    best, fitting, too_many = first(len(pods)), 0, len(pods)
    if best is None:
        while too_many - fitting > 1:
            middle = (fitting + too_many) // 2
            found = first(middle)
            best, fitting, too_many = (found, middle, too_many) if found else (best, fitting, middle)
    if best is not None:
        draft.place(best)
