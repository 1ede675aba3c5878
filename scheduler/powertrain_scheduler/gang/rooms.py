"""What a class of pods finds on each node, by a choice of accelerators, in several worlds at once."""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler import fit, scores, session
from powertrain_scheduler.asks import Ask, Option, Part, accelerators
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.gang import company
from powertrain_scheduler.session import Session


def room(worlds: Sequence[Session], traits: Traits, mask: Mask | None) -> Ints:
    """How many more pods of the class each node can take in every one of the worlds, inside the mask.

    At most so many, where it minds where others are: that is known for sure only as they are placed.
    """
    fits = fit.room_in_all(worlds, traits)
    if company.heeds(worlds, traits):
        fits = company.at_most(worlds, traits, fits)
    return fits if mask is None else np.where(mask, fits, 0)


def allowed(fleet: Fleet, wanted: Ask, traits: Traits, option: Option) -> Mask | None:
    """Nodes of the chosen accelerator that the ask allows and that have not failed the group; None for all."""
    mask: Mask | None = None
    if traits.device in option.accelerators and len(accelerators(fleet, traits)) > 1:
        mask = fleet.accelerator == option.accelerators[traits.device]
    if wanted.inside is not None:
        mask = wanted.inside if mask is None else mask & wanted.inside
    excluded = [fleet.row_of[name] for name in sorted(wanted.group.excluded_nodes) if name in fleet.row_of]
    if excluded:
        mask = np.ones(fleet.size, dtype=np.bool_) if mask is None else mask.copy()
        mask[excluded] = False
    return mask


def named(worlds: Sequence[Session], part: Part) -> Part | None:
    """The part with the devices that its pods have shares of."""
    if not part.traits.share:
        return part
    devices = session.devices(
        worlds, part.traits, part.rows, part.counts, scores.prefer(worlds[0], part.traits)
    )
    return None if devices is None else part._replace(devices=devices)
