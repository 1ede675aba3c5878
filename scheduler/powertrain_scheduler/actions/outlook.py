"""What is to be expected of a group in one of its shapes: when it starts and ends, what it draws and costs."""

import math
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import columns, fit, gang
from powertrain_scheduler.actions.prospects import Prospects
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.scores import energy
from powertrain_scheduler.snapshot import Topology

UNKNOWN_SECONDS = 3600.0
"""How long a group is thought to run in its fastest shape where nobody says."""


class Outlook(NamedTuple):
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


def seconds(draft: Draft, form: Ask, forms: tuple[Ask, ...]) -> float:
    """How long it would run in this shape."""
    known = draft.lasts(form.group)
    if known is not None:
        return known
    return UNKNOWN_SECONDS * max(each.group.speed for each in forms) / form.group.speed


def of(draft: Draft, form: Ask, ahead: Prospects, takes: float) -> Outlook:
    """What is to be expected of this shape, if it runs for `takes` seconds and all `ahead` come first."""
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
    return Outlook(
        form,
        charged,
        placement is not None,
        start,
        start + takes,
        energy.option_watts(draft.fleet, option.charges) / form.group.speed,
        energy.option_price(draft.fleet, option.charges) / form.group.speed,
    )


def alike_everywhere(draft: Draft, form: Ask) -> bool:
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
