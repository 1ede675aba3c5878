"""One group of a virtual cluster: which of its pods wait, and which hold nodes."""

from collections.abc import Iterator
from dataclasses import replace

from powertrain_scheduler import minimum
from powertrain_scheduler.plan import Bind
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodGroup


class Members:
    """A group's pods by name. Ranks are those of the group as it came: first the placed, then the waiting."""

    def __init__(self, group: PodGroup) -> None:
        self._group = group
        names = [*(pod.name for pod in group.placed), *(pod.name for pod in group.waiting)]
        self._rank = {name: i for i, name in enumerate(names)}
        self._waiting = {pod.name: pod for pod in group.waiting}
        self.placed = {pod.name: pod for pod in group.placed}
        self._returning: set[str] = set()
        """Those among the leaving ones that wait again once they are gone."""

    def bind(self, bind: Bind) -> PlacedPod:
        """A waiting pod takes its node; raises KeyError for a pod that does not wait."""
        pod = self._waiting.pop(bind.pod)
        placed = PlacedPod(pod.name, pod.pod_class, bind.node, subgroup=pod.subgroup, device=bind.device)
        self.placed[pod.name] = placed
        return placed

    def bound(self, time: float) -> None:
        """All pods that get nodes for now have them: it has started if that is enough."""
        if self._group.started is None and not minimum.missing(self.group()):
            self._group = replace(self._group, started=time)

    def evict(self, pod: str) -> PlacedPod:
        """The pod is told to go, and is to wait again afterwards; raises KeyError for one that holds no node."""
        leaving = self.placed[pod] = replace(self.placed[pod], leaving=True)
        self._returning.add(pod)
        return leaving

    def nominate(self, nodes: tuple[str, ...]) -> None:
        """Room is being made for it there."""
        self._group = replace(self._group, nominated=nodes)

    def moved(self, time: float) -> None:
        """Some of it is moved to other nodes."""
        self._group = replace(self._group, moved=time)

    def vacate(self) -> Iterator[PlacedPod]:
        """What leaves is gone; the evicted wait again."""
        for pod in [pod for pod in self.placed.values() if pod.leaving]:
            del self.placed[pod.name]
            if pod.name in self._returning:
                self._waiting[pod.name] = Pod(pod.name, pod.pod_class, pod.subgroup)
            yield pod
        self._returning.clear()
        if not self.placed:
            self._group = replace(self._group, started=None)

    def group(self) -> PodGroup:
        """The group as it is now."""
        placed = tuple(sorted(self.placed.values(), key=self._rank_of))
        waiting = tuple(sorted(self._waiting.values(), key=self._rank_of))
        return replace(self._group, placed=placed, waiting=waiting)

    def _rank_of(self, pod: Pod | PlacedPod) -> int:
        return self._rank[pod.name]
