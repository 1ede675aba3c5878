"""Changes to what the group itself asks for."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

from powertrain_scheduler.snapshot import PodClass, PodGroup, Snapshot, Toleration


class OfGroup(ABC):
    """A change of the group alone."""

    __slots__ = ()

    @abstractmethod
    def to(self, group: PodGroup) -> PodGroup:
        """The group as it would be."""

    def apply(self, snapshot: Snapshot, group: str) -> Snapshot:
        """The cluster with that group."""
        return replace(snapshot, groups={**snapshot.groups, group: self.to(snapshot.groups[group])})


@dataclass(frozen=True, slots=True)
class OtherTopology(OfGroup):
    """It asks for another level, or for none."""

    required: str | None
    preferred: str | None

    def to(self, group: PodGroup) -> PodGroup:
        other = replace(group.topology, required=self.required, preferred=self.preferred)
        return replace(group, topology=other)


@dataclass(frozen=True, slots=True)
class FewerMembers(OfGroup):
    """It starts with fewer pods."""

    min_member: int

    def to(self, group: PodGroup) -> PodGroup:
        return replace(group, min_member=self.min_member)


@dataclass(frozen=True, slots=True)
class HigherPriority(OfGroup):
    """It is more important than work that runs in its queue."""

    above: int

    def to(self, group: PodGroup) -> PodGroup:
        return replace(group, priority=self.above + 1)


@dataclass(frozen=True, slots=True)
class Evictable(OfGroup):
    """It may be evicted, and so may borrow."""

    def to(self, group: PodGroup) -> PodGroup:
        return replace(group, preemptible=True)


@dataclass(frozen=True, slots=True)
class AllowedNodes(OfGroup):
    """It goes to nodes again that failed it or that it excludes."""

    nodes: tuple[str, ...]

    def to(self, group: PodGroup) -> PodGroup:
        failures = {node: times for node, times in group.failures.items() if node not in self.nodes}
        return replace(group, excluded_nodes=group.excluded_nodes - set(self.nodes), failures=failures)


@dataclass(frozen=True, slots=True)
class EndsSooner(OfGroup):
    """It is expected to end before somebody else's reserved start."""

    within_seconds: float

    def to(self, group: PodGroup) -> PodGroup:
        return replace(group, expected_seconds=self.within_seconds)


@dataclass(frozen=True, slots=True)
class WithoutRule(OfGroup):
    """Its waiting pods lack one of the rules that keep them from nodes."""

    rule: Literal["selector", "affinity", "taint"]
    key: str = ""
    """Of the label or taint."""
    value: str = ""

    def relaxed(self, pod_class: PodClass) -> PodClass:
        """The class without the rule."""
        if self.rule == "selector":
            kept = tuple(pair for pair in pod_class.node_selector if pair != (self.key, self.value))
            return replace(pod_class, node_selector=kept)
        if self.rule == "affinity":
            return replace(pod_class, node_terms=())
        tolerated = Toleration(self.key, "Equal", self.value)
        return replace(pod_class, tolerations=(*pod_class.tolerations, tolerated))

    def to(self, group: PodGroup) -> PodGroup:
        relaxed = {pod.pod_class: self.relaxed(pod.pod_class) for pod in group.waiting}
        pods = tuple(replace(pod, pod_class=relaxed[pod.pod_class]) for pod in group.waiting)
        return replace(group, waiting=pods)
