"""What a group asks nodes for: which pods, of which accelerators, at what cost in quota."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import minimum as least
from powertrain_scheduler.asks.branches import Branch as Branch
from powertrain_scheduler.asks.branches import Member as Member
from powertrain_scheduler.asks.branches import Need as Need
from powertrain_scheduler.asks.branches import by_class, tree
from powertrain_scheduler.asks.options import Option as Option
from powertrain_scheduler.asks.options import accelerators as accelerators
from powertrain_scheduler.asks.options import options
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.session import Change
from powertrain_scheduler.snapshot import Pod, PodGroup

OTHERS = 16
"""Most choices of parts that are tried beside the first."""
NOBODY: Ints = np.zeros(0, dtype=np.int64)


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
    root: Branch
    """The same by what they ask of the fabric."""
    anchor: Ints
    """Rows of the members it already has; empty for a group that starts anew."""
    options: tuple[Option, ...]
    """In the order of the accelerators' names, nodes of no pool last."""
    likeness: int
    """Asks of equal likeness get the same answer from the same sessions, names apart."""
    inside: Mask | None = None
    """Nodes to choose from, and to use each of; None: any."""
    others: tuple["Ask", ...] = ()
    """What would do as well, where not all of a group's parts or of its unlike pods are needed."""

    def asked(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """By option, what it would take of each kind: (kind, amount)."""
        return tuple(tuple(option.charges.items()) for option in self.options)


def careful(group: PodGroup, policy: Policy) -> PodGroup:
    """The group that excludes also the nodes which failed it too often."""
    if not group.failures:
        return group
    failing = {node for node, times in group.failures.items() if times >= policy.node_failures}
    if failing <= group.excluded_nodes:
        return group
    return replace(group, excluded_nodes=group.excluded_nodes | failing)


def departs(group: PodGroup) -> bool:
    """Whether all it had is leaving: until that is gone it takes what is free, but has no claim on more."""
    return bool(group.placed) and all(pod.leaving for pod in group.placed)


def minimum(fleet: Fleet, group: PodGroup) -> Ask | None:
    """What the group needs to start; None where it has its minimum."""
    if group.subgroups:
        pods = _chosen(group, least.of(group).waiting)
    else:
        pods = group.waiting[: least.missing(group)]
    if not pods:
        return None
    first = ask(fleet, group, pods)
    others = tuple(ask(fleet, group, _chosen(group, each.waiting)) for each in least.others(group, OTHERS))
    if not others:
        return first
    likeness = fleet.number((first.likeness, tuple(each.likeness for each in others)))
    return replace(first, others=others, likeness=likeness)


def optional(fleet: Fleet, group: PodGroup, given: Sequence[Placement]) -> Ask | None:
    """All that the group would take beyond its minimum, when it has that; `given` is what it got in this cycle."""
    rest = tuple(i for step in least.steps(group) for i in step.waiting)
    return ask(fleet, group, _chosen(group, rest), given) if rest else None


def _chosen(group: PodGroup, waiting: tuple[int, ...]) -> tuple[Pod, ...]:
    return tuple(group.waiting[i] for i in waiting)


def ask(fleet: Fleet, group: PodGroup, pods: tuple[Pod, ...], given: Sequence[Placement] = ()) -> Ask:
    """The group's ask for these of its waiting pods; `given` is what it got earlier in the cycle."""
    here = _members(fleet, group, given) if group.placed or given else ()
    root = tree(fleet, group, pods, here)
    needs = root.needs if not root.parts else by_class(fleet, pods)
    likeness = fleet.number(
        (
            root.shape(),
            frozenset((member.traits.device, int(fleet.accelerator[member.row])) for member in here),
            *(group.queue, group.preemptible, group.excluded_nodes, group.nominated, group.objective),
            *(group.expected_seconds, group.maximum_seconds, group.started if _ends(group) else None),
            fleet.snapshot.runtime_ratio.get(group.owner),
        )
    )
    choices = fleet.keep("options", likeness, lambda: tuple(options(fleet, needs, here)))
    anchor = np.array([member.row for member in here], dtype=np.int64) if here else NOBODY
    return Ask(group, pods, needs, root, anchor, choices, likeness)


def _ends(group: PodGroup) -> bool:
    return group.expected_seconds is not None or group.maximum_seconds is not None


def _members(fleet: Fleet, group: PodGroup, given: Sequence[Placement]) -> tuple[Member, ...]:
    """Where the members are that hold nodes and are not leaving."""
    here = [
        Member(fleet.row_of[pod.node], fleet.traits(pod.pod_class), pod.subgroup)
        for pod in group.placed
        if not pod.leaving and pod.node in fleet.row_of
    ]
    for part in (part for placement in given for part in placement.parts):
        rows = np.repeat(part.rows, part.counts).tolist()
        here += [Member(row, part.traits, pod.subgroup) for row, pod in zip(rows, part.pods, strict=True)]
    return tuple(here)
