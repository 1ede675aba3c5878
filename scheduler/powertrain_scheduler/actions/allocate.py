"""Free room, or room that leaving pods are about to free."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from powertrain_scheduler import gang
from powertrain_scheduler.asks import Ask, Placement
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.session import Session


def start(draft: Draft, wanted: Ask) -> bool:
    """Gives the group all it asks for, now; nodes are held where its pods are to be made anew for them."""
    placement = _find(draft, wanted, draft.worlds_now(wanted.group))
    if placement is None:
        return False
    if draft.is_made(wanted.group):
        draft.place(placement)
    else:
        hold(draft, wanted, placement)
    return True


def await_leaving(draft: Draft, wanted: Ask) -> bool:
    """Holds nodes on which the group will fit as soon as the pods leaving them are gone."""
    if draft.later is draft.now:
        return False
    placement = _find(draft, wanted, draft.worlds_later(wanted.group))
    if placement is not None:
        hold(draft, wanted, placement)
    return placement is not None


def hold(draft: Draft, wanted: Ask, placement: Placement) -> None:
    """Holds the placement's nodes until what leaves them is gone."""
    draft.hold(as_found_again(draft, wanted, placement, draft.worlds_later(wanted.group)))


def as_found_again(draft: Draft, wanted: Ask, placement: Placement, worlds: Sequence[Session]) -> Placement:
    """The placement with the pods spread over its nodes as a later cycle will find them again."""
    rows = np.concatenate([part.rows for part in placement.parts])
    again = gang.find(_inside(draft, wanted, rows), worlds, draft.quotas)
    return placement if again is None else again


def keep_nominated(draft: Draft, wants: Iterable[Ask]) -> None:
    """Keeps the nodes that evictions of earlier cycles made room on until it is their groups' turn."""
    for wanted in wants:
        there = _on_nominated(draft, wanted)
        for ask, now in ((there, True), (there, False), (wanted, False)):
            worlds = draft.worlds_now(wanted.group) if now else draft.worlds_later(wanted.group)
            if (placement := gang.find(ask, worlds, draft.quotas)) is not None:
                draft.keep(placement, now)
                break


def _find(draft: Draft, wanted: Ask, worlds: Sequence[Session]) -> Placement | None:
    """Nodes for the group; where room was made for it, these rather than others."""
    tries = [_on_nominated(draft, wanted), wanted] if wanted.group.nominated else [wanted]
    found = (gang.find(each, worlds, draft.quotas) for each in tries)
    return next((placement for placement in found if placement is not None), None)


def _on_nominated(draft: Draft, wanted: Ask) -> Ask:
    rows = [draft.fleet.row_of[name] for name in wanted.group.nominated if name in draft.fleet.row_of]
    return _inside(draft, wanted, np.array(rows, dtype=np.int64))


def _inside(draft: Draft, wanted: Ask, rows: Ints) -> Ask:
    mask = np.zeros(draft.fleet.size, dtype=np.bool_)
    mask[rows] = True
    return replace(wanted, inside=mask)
