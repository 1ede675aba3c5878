"""In which of its shapes a group is to run: the one that serves its objective best, waiting included.

A worse shape now is taken rather than a better one so much later that it would end later too.
Nothing is settled before there is room: a group that waits is asked again in every cycle, and
its pods are made anew only once nodes are held for them.
"""

import math
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import asks, columns, fit, gang, shapes, words
from powertrain_scheduler.actions import backfill
from powertrain_scheduler.actions.prospects import Prospects
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.scores import energy
from powertrain_scheduler.snapshot import Objective, Topology

MARGIN = 0.1
"""By this part another shape must be better than the present one: estimates move, and pods are not made
anew for nothing."""
PATIENCE = 2.0
"""To save energy or money a group ends at most so many times later than it could."""
UNKNOWN_SECONDS = 3600.0
"""How long a group is thought to run in its fastest shape where nobody says."""


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


class _Outlook(NamedTuple):
    """What is to be expected of one shape."""

    ask: Ask
    option: Option | None
    """Its accelerators, those that come free first; None without devices."""
    fits: bool
    """There is room now."""
    start: float
    end: float
    """Start and end are infinite where nobody knows."""
    joules: float
    """Watts that its devices add, by unit of its work."""
    price: float
    """Of its devices, by unit of its work."""


def prospects(draft: Draft, wants: Iterable[Ask]) -> Prospects | None:
    """For a pass over the line; None where nobody in it has a choice."""
    alternatives = any(draft.fleet.snapshot.groups[wanted.group.name].alternatives for wanted in wants)
    return Prospects(draft) if alternatives else None


def ranked(draft: Draft, wanted: Ask, ahead: Prospects | None) -> Ranked:
    """The shapes of the group that is next in line; what the best would take is booked in the prospects."""
    if ahead is None:
        return Ranked((wanted,))
    forms = _forms(draft, wanted)
    outlooks = [_outlook(draft, form, ahead, _seconds(draft, form, forms)) for form in forms]
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


def _seconds(draft: Draft, form: Ask, forms: tuple[Ask, ...]) -> float:
    """How long it would run in this shape."""
    known = draft.lasts(form.group)
    if known is not None:
        return known
    return UNKNOWN_SECONDS * max(each.group.speed for each in forms) / form.group.speed


def _outlook(draft: Draft, form: Ask, ahead: Prospects, seconds: float) -> _Outlook:
    allowed = [option for option in form.options if gang.within(form, draft.present(), draft.quotas, option)]
    placement = None
    if any(_may_fit(draft, form, option) for option in allowed):
        placement = gang.find(form, draft.worlds_now(form.group), draft.quotas)
    starts = [ahead.start(option) for option in allowed]
    at = starts.index(min(starts)) if starts else None
    start = draft.time
    if placement is None:
        start = starts[at] if at is not None and _ever_fits(draft, form) else math.inf
    option = (allowed if at is not None else form.options)[at or 0]
    charged = option if option.charges else None
    return _Outlook(
        form,
        charged,
        placement is not None,
        start,
        start + seconds,
        energy.option_watts(draft.fleet, option.charges) / form.group.speed,
        energy.option_price(draft.fleet, option.charges) / form.group.speed,
    )


def _checked(draft: Draft, wanted: Ask, outlooks: list[_Outlook]) -> list[_Outlook]:
    """The same, sorted anew until no shape is waited for whose nodes come free later than devices do in all.

    It matters only where another shape fits now: then a start that is too good to be true would be waited for.
    """
    checked: set[str] = set()
    while not (best := outlooks[0]).fits and any(each.fits for each in outlooks):
        name = best.ask.group.shape
        if name in checked or _alike_everywhere(draft, best.ask):
            break
        checked.add(name)
        found = backfill.first_start(draft, best.ask)
        start = max(best.start, found[0] if found is not None else math.inf)
        outlooks[0] = best._replace(start=start, end=best.end - best.start + start)
        outlooks = _sorted(draft, wanted, outlooks)
    return outlooks


def _alike_everywhere(draft: Draft, form: Ask) -> bool:
    """Whether any free device of the accelerator would do: one a pod, on any of its nodes, however far apart."""
    fleet, group = draft.fleet, form.group
    if group.topology != Topology() or group.excluded_nodes or len(form.needs) > 1 or len(form.options) != 1:
        return False
    traits = form.needs[0].traits
    if int(traits.devices.max()) != 1 or traits.pod_class.share is not None:
        return False
    carries = (
        np.isin(fleet.accelerator, list(form.options[0].accelerators.values())) & fleet.facts.schedulable
    )
    return bool((fit.may(fleet, traits) | ~carries).all())


def _may_fit(draft: Draft, form: Ask, option: Option) -> bool:
    """Whether as much of each kind is free in all: a bound that spares most searches on a full fleet."""
    if any(need.traits.pod_class.share is not None for need in form.needs):
        return True  # a device of which pods have shares does not count as free, but may have room
    free = draft.now.free()
    return all(amount <= free[kind] for kind, amount in option.charges.items())


def _ever_fits(draft: Draft, form: Ask) -> bool:
    """Whether it would fit on an empty fleet; worked out once for as long as the nodes are the same."""
    group = form.group
    pods = tuple((need.traits.pod_class, len(need.pods)) for need in form.needs)
    key = ("ever fits", pods, group.topology, group.excluded_nodes, draft.fleet.snapshot.pools)
    return columns.remember(draft.fleet.facts, key, lambda: draft.possible(form))


# -- which is best -----------------------------------------------------------------------------------


def _sorted(draft: Draft, wanted: Ask, outlooks: list[_Outlook]) -> list[_Outlook]:
    """The best first; of equals the one that ends first, then the present one, then in the order given."""
    original = draft.fleet.snapshot.groups[wanted.group.name]
    present, objective = original.chosen or original.shape, original.objective
    takes = [_takes(draft, each) for each in outlooks]
    latest = PATIENCE * min(takes)

    def key(at: int) -> tuple[bool, float, float, bool, int]:
        outlook, mine = outlooks[at], outlooks[at].ask.group.shape == present
        measure = _measure(objective, takes[at], outlook) * (1.0 - MARGIN if mine else 1.0)
        return (takes[at] > latest, measure, takes[at], not mine, at)

    return [outlooks[at] for at in sorted(range(len(outlooks)), key=key)]


def _takes(draft: Draft, outlook: _Outlook) -> float:
    """Seconds until it would have ended."""
    return max(1.0, outlook.end - draft.time)


def _measure(objective: Objective, takes: float, outlook: _Outlook) -> float:
    """What is least for the best."""
    if objective == "energy":
        return outlook.joules
    if objective == "cost":
        return outlook.price
    return takes if objective == "time" else takes * max(outlook.joules, math.ulp(1.0))


def _sentence(draft: Draft, outlooks: list[_Outlook], by_choice: bool) -> str:
    """Why the first of these."""
    expected = [f"{each.ask.group.shape} {_when(each)}" for each in outlooks]
    begin = "fits now, but waits for a better shape: " if by_choice else ""
    return f"{begin}{', rather than '.join(filter(None, (expected[0], ' or '.join(expected[1:]))))}"


def _when(outlook: _Outlook) -> str:
    if math.isinf(outlook.start):
        return "at no known time"
    start = "now" if outlook.fits else f"from about {words.moment(outlook.start)}"
    return f"{start} until about {words.moment(outlook.end)}"
