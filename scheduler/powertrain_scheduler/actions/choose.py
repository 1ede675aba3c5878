"""In which of its shapes a group is to run: the one that serves its objective best, waiting included.

A worse shape now is taken rather than a better one so much later that it would end later too.
Nothing is settled before there is room: a group that waits is asked again in every cycle, and
its pods are made anew only once nodes are held for them.
"""

import math
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from powertrain_scheduler import asks, shapes, words
from powertrain_scheduler.actions import backfill, outlook
from powertrain_scheduler.actions.outlook import Outlook
from powertrain_scheduler.actions.prospects import Prospects
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.snapshot import Objective

MARGIN = 0.1
"""By this part another shape must be better than the present one: estimates move, and pods are not made
anew for nothing."""
PATIENCE = 2.0
"""To save energy or money a group ends at most so many times later than it could."""


class Ranked(NamedTuple):
    """A group's asks by shape."""

    asks: tuple[Ask, ...]
    """The best first."""
    by_choice: bool = False
    """It fits now in another shape than the best."""

    @property
    def best(self) -> Ask:
        """In the shape it is to have."""
        return self.asks[0]

    @property
    def worth_evicting(self) -> tuple[Ask, ...]:
        """Shapes for which others may be evicted: none where it could start without."""
        return () if self.by_choice else self.asks


def prospects(draft: Draft, wants: Iterable[Ask]) -> Prospects | None:
    """For a pass over the line; None where nobody in it has a choice."""
    alternatives = any(draft.fleet.snapshot.groups[wanted.group.name].alternatives for wanted in wants)
    return Prospects(draft) if alternatives else None


def ranked(draft: Draft, wanted: Ask, ahead: Prospects | None) -> Ranked:
    """The shapes of the group that is next in line; what the best would take is booked in the prospects."""
    if ahead is None:
        return Ranked((wanted,))
    forms = _forms(draft, wanted)
    outlooks = [outlook.of(draft, form, ahead, outlook.seconds(draft, form, forms)) for form in forms]
    if len(outlooks) > 1:
        outlooks = _checked(draft, wanted, _sorted(draft, wanted, outlooks))
    best = outlooks[0]
    if best.option is not None:
        ahead.book(best.option, best.start, draft.lasts(best.ask.group))
    by_choice = not best.fits and any(each.fits for each in outlooks)
    if draft.fleet.snapshot.groups[wanted.group.name].alternatives:
        (draft.by_choice.add if by_choice else draft.by_choice.discard)(wanted.group.name)
        draft.preferred[wanted.group.name] = best.ask, partial(_sentence, draft, outlooks, by_choice)
    return Ranked(tuple(each.ask for each in outlooks), by_choice)


def _forms(draft: Draft, wanted: Ask) -> tuple[Ask, ...]:
    """The asks of the group's shapes, the wanted one's as it is."""
    original = draft.fleet.snapshot.groups[wanted.group.name]
    if not original.alternatives or original.placed:
        return (wanted,)
    if original.name not in draft.forms:
        asked = (asks.minimum(draft.fleet, form) for form in shapes.of(original))
        draft.forms[original.name] = tuple(ask for ask in asked if ask is not None)
    return draft.forms[original.name]


def _checked(draft: Draft, wanted: Ask, outlooks: list[Outlook]) -> list[Outlook]:
    """The same, sorted anew until no shape is waited for whose nodes come free later than devices do in all.

    It matters only where another shape fits now: then a start that is too good to be true would be waited for.
    """
    checked: set[str] = set()
    while not (best := outlooks[0]).fits and any(each.fits for each in outlooks):
        name = best.ask.group.shape
        if name in checked or outlook.alike_everywhere(draft, best.ask):
            break
        checked.add(name)
        found = backfill.first_start(draft, best.ask)
        start = max(best.start, found[0] if found is not None else math.inf)
        outlooks[0] = best._replace(start=start, end=best.end - best.start + start)
        outlooks = _sorted(draft, wanted, outlooks)
    return outlooks


# -- which is best -----------------------------------------------------------------------------------


def _sorted(draft: Draft, wanted: Ask, outlooks: list[Outlook]) -> list[Outlook]:
    """The best first; of equals the one that ends first, then the present one, then in the order given."""
    original = draft.fleet.snapshot.groups[wanted.group.name]
    present, objective = original.chosen or original.shape, original.objective
    takes = [_takes(draft, each) for each in outlooks]
    latest = PATIENCE * min(takes)

    def key(at: int) -> tuple[bool, float, float, bool, int]:
        mine = outlooks[at].ask.group.shape == present
        measure = _measure(objective, takes[at], outlooks[at]) * (1.0 - MARGIN if mine else 1.0)
        return (takes[at] > latest, measure, takes[at], not mine, at)

    return [outlooks[at] for at in sorted(range(len(outlooks)), key=key)]


def _takes(draft: Draft, shape: Outlook) -> float:
    """Seconds until it would have ended."""
    return max(1.0, shape.end - draft.time)


def _measure(objective: Objective, takes: float, shape: Outlook) -> float:
    """What is least for the best."""
    if objective == "energy":
        return shape.joules
    if objective == "cost":
        return shape.price
    return takes if objective == "time" else takes * max(shape.joules, math.ulp(1.0))


def _sentence(draft: Draft, outlooks: list[Outlook], by_choice: bool) -> str:
    """Why the first of these."""
    expected = [f"{each.ask.group.shape} {_when(each)}" for each in outlooks]
    begin = "fits now, but waits for a better shape: " if by_choice else ""
    return f"{begin}{', rather than '.join(filter(None, (expected[0], ' or '.join(expected[1:]))))}"


def _when(shape: Outlook) -> str:
    if math.isinf(shape.start):
        return "at no known time"
    start = "now" if shape.fits else f"from about {words.moment(shape.start)}"
    return f"{start} until about {words.moment(shape.end)}"
