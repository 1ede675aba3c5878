"""What a group asks nodes for: which pods, of which accelerators, at what cost in quota."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import fit
from powertrain_scheduler import minimum as least
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.kinds import GROUPS
from powertrain_scheduler.quota import NO_POOL
from powertrain_scheduler.session import Change
from powertrain_scheduler.snapshot import Pod, PodGroup

NOBODY: Ints = np.zeros(0, dtype=np.int64)


class Option(NamedTuple):
    """One way to give the group's devices an accelerator model."""

    accelerators: dict[str, int]
    """Accelerator, by number, for each extended resource the group's pods ask for."""
    charges: dict[int, int]
    """What it takes of its queue's quota, by the kind's number."""


class Need(NamedTuple):
    """Pods of one class that want nodes, in rank order."""

    traits: Traits
    pods: tuple[Pod, ...]


class Part(NamedTuple):
    """Pods of one class and where they go: `counts[i]` of them, in rank order, to `rows[i]`."""

    traits: Traits
    pods: tuple[Pod, ...]
    rows: Ints
    counts: Ints
    devices: tuple[str, ...] = ()
    """Of each pod that takes a share, the device."""


class Placement(NamedTuple):
    """Nodes for everything an ask wanted."""

    group: PodGroup
    parts: tuple[Part, ...]
    joins: bool = False
    """Its group holds nodes already."""

    def changes(self) -> list[Change]:
        """What the placement does to a session."""
        queue, fixed, starts = self.group.queue, not self.group.preemptible, not self.joins
        return [
            Change(
                queue, fixed, part.traits, part.rows, part.counts, part.devices, int(starts and number == 0)
            )
            for number, part in enumerate(self.parts)
        ]


@dataclass(frozen=True, eq=False, slots=True)
class Ask:
    """What a group asks nodes for at once."""

    group: PodGroup
    pods: tuple[Pod, ...]
    """In rank order."""
    needs: tuple[Need, ...]
    """The same by class, those that are hardest to place first."""
    anchor: Ints
    """Rows of the members it already has; empty for a group that starts anew."""
    options: tuple[Option, ...]
    """In the order of the accelerators' names, nodes of no pool last."""
    likeness: int
    """Asks of equal likeness get the same answer from the same sessions, names apart."""
    inside: Mask | None = None
    """Nodes to choose from, and to use each of; None: any."""

    def asked(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """By option, what it would take of each kind: (kind, amount)."""
        return tuple(tuple(option.charges.items()) for option in self.options)


def departs(group: PodGroup) -> bool:
    """Whether all it had is leaving: until that is gone it takes what is free, but has no claim on more."""
    return bool(group.placed) and all(pod.leaving for pod in group.placed)


def minimum(fleet: Fleet, group: PodGroup) -> Ask | None:
    """What the group needs to start; None where it has its minimum."""
    if not group.subgroups:
        needed = least.missing(group)
        return ask(fleet, group, group.waiting[:needed]) if needed else None
    waiting = least.of(group).waiting
    return ask(fleet, group, tuple(group.waiting[i] for i in waiting)) if waiting else None


def optional(fleet: Fleet, group: PodGroup, given: Sequence[Placement]) -> Ask | None:
    """What the group would take beyond its minimum, when it has that; `given` is what it got in this cycle."""
    rest = tuple(group.waiting[i] for step in least.steps(group) for i in step.waiting)
    return ask(fleet, group, rest, given) if rest else None


def ask(fleet: Fleet, group: PodGroup, pods: tuple[Pod, ...], given: Sequence[Placement] = ()) -> Ask:
    """The group's ask for these of its waiting pods; `given` is what it got earlier in the cycle."""
    needs = _needs(fleet, pods)
    here = _members(fleet, group, given) if group.placed or given else []
    rows = tuple(row for row, _ in here)
    likeness = fleet.number(
        (
            *(tuple((need.traits.number, len(need.pods)) for need in needs), rows),
            *(group.queue, group.preemptible, group.topology, group.excluded_nodes, group.nominated),
            group.objective,
            *(group.expected_seconds, group.maximum_seconds, group.started),
            fleet.snapshot.runtime_ratio.get(group.owner),
        )
    )
    options = fleet.keep("options", likeness, lambda: tuple(_options(fleet, needs, here)))
    anchor = np.array(rows, dtype=np.int64) if rows else NOBODY
    return Ask(group, pods, needs, anchor, options, likeness)


def _needs(fleet: Fleet, pods: tuple[Pod, ...]) -> tuple[Need, ...]:
    first = fleet.traits(pods[0].pod_class)
    if all(pod.pod_class is pods[0].pod_class for pod in pods):
        return (Need(first, pods),)
    by_class: dict[int, tuple[Traits, list[Pod]]] = {}
    for pod in pods:
        traits = fleet.traits(pod.pod_class)
        by_class.setdefault(traits.number, (traits, []))[1].append(pod)
    needs = [Need(traits, tuple(members)) for traits, members in by_class.values()]
    needs.sort(key=lambda need: (-int(need.traits.devices.max()), -len(need.pods), need.pods[0].name))
    return tuple(needs)


def _members(fleet: Fleet, group: PodGroup, given: Sequence[Placement]) -> list[tuple[int, Traits]]:
    """Where the members are that hold nodes and are not leaving."""
    here = [
        (fleet.row_of[pod.node], fleet.traits(pod.pod_class))
        for pod in group.placed
        if not pod.leaving and pod.node in fleet.row_of
    ]
    for placement in given:
        for part in placement.parts:
            here += [(row, part.traits) for row in np.repeat(part.rows, part.counts).tolist()]
    return here


def _models(fleet: Fleet, members: list[tuple[int, Traits]]) -> dict[str, set[int]]:
    """Accelerators that the members sit on, by the extended resource they ask for."""
    models: dict[str, set[int]] = {}
    for row, traits in members:
        if traits.device is not None:
            models.setdefault(traits.device, set()).add(int(fleet.accelerator[row]))
    return models


def _options(fleet: Fleet, needs: tuple[Need, ...], here: list[tuple[int, Traits]]) -> Iterator[Option]:
    """A gang stays on one model per resource, and with the members it has: unlike speeds would wait for the slowest."""
    models = _models(fleet, here)
    choices: dict[str, set[int]] = {}
    for need in needs:
        if need.traits.device is not None and (mine := accelerators(fleet, need.traits)):
            choices[need.traits.device] = choices.get(need.traits.device, set(mine)) & set(mine)
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
