"""Which accelerator models a group may have, and what each choice costs its queue in quota."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import fit
from powertrain_scheduler.asks.branches import Member, Need
from powertrain_scheduler.fleet import Fleet, Traits
from powertrain_scheduler.kinds import GROUPS
from powertrain_scheduler.quota import NO_POOL


class Option(NamedTuple):
    """One way to give the group's devices an accelerator model."""

    accelerators: dict[str, int]
    """Accelerator, by number, for each extended resource the group's pods ask for."""
    charges: dict[int, int]
    """What it takes of its queue's quota, by the kind's number."""


def options(fleet: Fleet, needs: tuple[Need, ...], here: Sequence[Member]) -> Iterator[Option]:
    """A gang stays on one model per resource, and with the members it has: unlike speeds would wait for the slowest."""
    choices: dict[str, set[int]] = {}
    for need in needs:
        if need.traits.device is not None and (mine := accelerators(fleet, need.traits)):
            choices[need.traits.device] = choices.get(need.traits.device, set(mine)) & set(mine)
    models = _models(fleet, here)
    for resource, numbers in choices.items():
        numbers &= models.get(resource, numbers)
    names = sorted(choices)
    for combination in product(*(sorted(choices[name], key=lambda n: (n == NO_POOL, n)) for name in names)):
        accelerator = dict(zip(names, combination, strict=True))
        yield Option(accelerator, _charges(fleet, needs, accelerator, starts=not here))


def accelerators(fleet: Fleet, traits: Traits) -> tuple[int, ...]:
    """Accelerators that the class's devices may be, `NO_POOL` for nodes that carry some outside every pool."""
    return fleet.keep("accelerators", traits.number, lambda: _accelerators(fleet, traits))


def _accelerators(fleet: Fleet, traits: Traits) -> tuple[int, ...]:
    if traits.device_column < 0:
        return ()
    carry = fit.may(fleet, traits) & (fleet.facts.allocatable[:, traits.device_column] > 0)
    return tuple(np.unique(fleet.accelerator[carry]).tolist())


def _charges(fleet: Fleet, needs: tuple[Need, ...], choice: dict[str, int], starts: bool) -> dict[int, int]:
    sums = np.zeros(len(fleet.kinds), dtype=np.int64)
    for need in needs:
        accelerator = choice.get(need.traits.device or "", NO_POOL)
        pools = [i for i, each in enumerate(fleet.accelerator_of_pool) if each == accelerator] or [-1]
        sums += need.traits.charges[pools].max(axis=0) * len(need.pods)
    if starts and GROUPS in fleet.kinds:
        sums[-1] = 1
    return {number: amount for number, amount in enumerate(sums.tolist()) if amount}


def _models(fleet: Fleet, here: Sequence[Member]) -> dict[str, set[int]]:
    """Accelerators that the members sit on, by the extended resource they ask for."""
    models: dict[str, set[int]] = {}
    for member in here:
        if member.traits.device is not None:
            models.setdefault(member.traits.device, set()).add(int(fleet.accelerator[member.row]))
    return models
