"""The pods of an ask as a tree of those that lie together by one wish, by class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from powertrain_scheduler import minimum
from powertrain_scheduler.fleet import Fleet, Traits
from powertrain_scheduler.snapshot import Pod, PodGroup, Topology

ANYHOW = Topology()
"""Asks for nothing."""
_STEPS = 1000


class Need(NamedTuple):
    """Pods of one class that want nodes, in rank order."""

    traits: Traits
    pods: tuple[Pod, ...]


class Member(NamedTuple):
    """A pod that the group has already, or was given in this cycle."""

    row: int
    traits: Traits
    subgroup: str


@dataclass(frozen=True, eq=False, slots=True)
class Branch:
    """The group, one of its parts or a slice, with what lies in the same domain by its wish."""

    topology: Topology
    needs: tuple[Need, ...]
    """Pods of none of the parts, those that are hardest to place first."""
    parts: tuple["Branch", ...] = ()
    """Parts with a wish of their own, in the order in which they are listed."""
    here: tuple[Member, ...] = ()
    """The pods it has already, its parts' included."""

    def every(self) -> Iterator["Branch"]:
        """Itself and all below it."""
        yield self
        for part in self.parts:
            yield from part.every()

    def shape(self) -> tuple[object, ...]:
        """Equal for branches that ask for the same."""
        return (
            self.topology,
            tuple((need.traits.number, len(need.pods)) for need in self.needs),
            tuple((member.row, member.traits.number) for member in self.here) if self.wishes() else (),
            tuple(part.shape() for part in self.parts),
        )

    def wishes(self) -> bool:
        """Whether it says where its pods or those of its parts are to lie."""
        return self.topology != ANYHOW or bool(self.parts)


def by_class(fleet: Fleet, pods: Sequence[Pod]) -> tuple[Need, ...]:
    """The pods by class, those first that fewest nodes can take."""
    if not pods:
        return ()
    first = fleet.traits(pods[0].pod_class)
    if all(pod.pod_class is pods[0].pod_class for pod in pods):
        return (Need(first, tuple(pods)),)
    found: dict[int, tuple[Traits, list[Pod]]] = {}
    for pod in pods:
        traits = fleet.traits(pod.pod_class)
        found.setdefault(traits.number, (traits, []))[1].append(pod)
    needs = [Need(traits, tuple(members)) for traits, members in found.values()]

    def hardness(need: Need) -> tuple[int, int, int, str]:
        devices = int(need.traits.devices.max())
        return -devices, -_size(fleet, need.traits), -len(need.pods), need.pods[0].name

    needs.sort(key=hardness)
    return tuple(needs)


def _size(fleet: Fleet, traits: Traits) -> int:
    """The largest part of any resource of the roomiest node that one pod takes, in thousandths."""
    largest = fleet.facts.allocatable.max(axis=0, initial=1)[traits.columns]
    return int((traits.amounts * _STEPS // np.maximum(largest, 1)).max(initial=0))


def tree(fleet: Fleet, group: PodGroup, pods: tuple[Pod, ...], here: tuple[Member, ...]) -> Branch:
    """What these pods of the group ask for; parts without a wish of their own count as their parents' pods."""
    if not group.subgroups:
        return _sliced(fleet, Branch(group.topology, by_class(fleet, pods), here=here), pods)
    nodes = {"": _Node(group.topology)}
    homes = _homes(group)
    for part in group.subgroups:
        if part.name in homes.values():
            nodes[part.name] = _Node(part.topology)
    above = {part.name: homes.get(part.parent, "") for part in group.subgroups}
    for name, node in nodes.items():
        if name:
            nodes[above[name]].parts.append(node)
    for pod in pods:
        nodes[homes.get(pod.subgroup, "")].pods.append(pod)
    for member in here:
        nodes[homes.get(member.subgroup, "")].here.append(member)
    return nodes[""].branch(fleet)


@dataclass(slots=True)
class _Node:
    topology: Topology
    parts: list["_Node"] = field(default_factory=list)
    pods: list[Pod] = field(default_factory=list)
    here: list[Member] = field(default_factory=list)

    def branch(self, fleet: Fleet) -> Branch:
        below = [part.branch(fleet) for part in self.parts]
        here = (*self.here, *(member for part in below for member in part.here))
        parts = tuple(part for part in below if part.needs or part.parts)
        branch = Branch(self.topology, by_class(fleet, self.pods), parts, here)
        return _sliced(fleet, branch, tuple(self.pods))


def _homes(group: PodGroup) -> dict[str, str]:
    """For each part, itself or the nearest above it that has a wish; the group is nameless.

    Parts that lie below themselves have the group's, as in `minimum`.
    """
    said = {part.name: part for part in group.subgroups}
    homes: dict[str, str] = {}
    for name in said:
        if minimum.circular(said, name):
            homes[name] = ""
            continue
        at, seen = name, {""}
        while at in said and at not in seen and said[at].topology == ANYHOW:
            seen.add(at)
            at = said[at].parent
        homes[name] = at if at in said and at not in seen else ""
    return homes


def _sliced(fleet: Fleet, branch: Branch, pods: tuple[Pod, ...]) -> Branch:
    """Slices that hold pods of several classes are parts of their own; those of one class are left to arithmetic."""
    topology = branch.topology
    if not topology.slices or len(branch.needs) < 2:
        return branch
    size = topology.slices[0].size
    if size < 1 or len(pods) % size or all(len(need.pods) % size == 0 for need in branch.needs):
        return branch
    inner = Topology(required=topology.slices[0].within, slices=topology.slices[1:], arrange=topology.arrange)
    chunks = [pods[i : i + size] for i in range(0, len(pods), size)]
    slices = tuple(_sliced(fleet, Branch(inner, by_class(fleet, chunk)), chunk) for chunk in chunks)
    whole = Topology(topology.required, topology.preferred, (), topology.arrange)
    return Branch(whole, (), (*branch.parts, *slices), branch.here)
