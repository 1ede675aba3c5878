"""Pod groups as the core sees them, rebuilt only where a member, the object or a hold changed.

A group that would be the same as before stays the very object it was, so that whatever the core
works out from it can be kept, and a cluster in which nothing changed costs nothing.
"""

from collections.abc import Callable, Iterable, Mapping

from powertrain_scheduler import minimum
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodClass, PodGroup, Topology

from .. import names
from ..experience import Run
from ..translate.objects import GroupFact
from ..translate.pods import PodFact
from .failures import Failures
from .held import Held
from .moves import Moves
from .shapes import Shapes, shapes_of

Trouble = Callable[[PodFact], Held | None]
"""Why a waiting pod cannot be placed now, whatever is free; None where it can."""
ClassOf = Callable[[PodFact], PodClass]
"""The class a pod is placed by, or counted as: its own, with what else is known to matter."""

_MISSING = GroupFact(
    queue="default",
    min_member=1,
    created=0.0,
    priority=0,
    preemptible=True,
    topology=Topology(),
    expected=None,
    maximum=None,
    excluded_nodes=frozenset(),
    scheduled=None,
)
"""Stands for a PodGroup that pods name and that is not there."""


class GroupTable:
    """Members and objects by group name, and the core's groups made of them."""

    def __init__(self, trouble: Trouble, waiting_class: ClassOf, placed_class: ClassOf) -> None:
        self.built: dict[str, PodGroup] = {}
        self.held: dict[str, Held] = {}
        """Groups that are kept from the core, and why."""
        self.started: dict[str, float] = {}
        """When a group's minimum came to hold nodes, for as long as it holds any."""
        self.nominated: dict[str, tuple[str, ...]] = {}
        self.moves = Moves()
        self.chosen: dict[str, str] = {}
        """Shapes that were decided here, whether or not the objects say so yet."""
        self.ended: list[Run] = []
        """Groups that ended well since someone emptied this, each told of once a start."""
        self._told_end: dict[str, float] = {}
        self.touched: set[str] = set()
        """Groups that changed or vanished since someone emptied this."""
        self.changed = False
        """Whether any group is another one, or is held or let go, since someone cleared this."""
        self.failures = Failures()
        self._trouble = trouble
        self._waiting_class = waiting_class
        self._placed_class = placed_class
        self._objects: dict[str, GroupFact] = {}
        self._members: dict[str, dict[str, PodFact]] = {}
        self._stale: set[str] = set()

    def put_object(self, group: str, fact: GroupFact | None) -> None:
        """Take in what the PodGroup object says; None: it is gone."""
        if self._objects.get(group) == fact:
            return
        if fact is None:
            del self._objects[group]
            self.failures.forget(group)
        else:
            self._objects[group] = fact
        self._stale.add(group)

    def put_member(self, group: str, pod: PodFact) -> None:
        """Add a member or replace what was known of it."""
        self._members.setdefault(group, {})[pod.key] = pod
        self._stale.add(group)

    def drop_member(self, group: str, pod: str) -> None:
        """The pod is no member any more."""
        members = self._members[group]
        del members[pod]
        if not members:
            del self._members[group]
        self._stale.add(group)

    def note_failure(self, pod: PodFact) -> None:
        """A member failed on its node; one that was told to leave is nobody's fault."""
        if pod.leaving or names.is_alone(pod.group):
            return
        newest = max(each.created for each in self.members(pod.group).values())
        if self.failures.note(pod.group, pod.node, pod.created, newest):
            self._stale.add(pod.group)

    def recall_failures(self, group: str, counts: Mapping[str, int]) -> None:
        """What an earlier process counted of the group."""
        if self.failures.recall(group, counts):
            self._stale.add(group)

    def members(self, group: str) -> Mapping[str, PodFact]:
        """The group's unfinished pods by name."""
        return self._members.get(group, {})

    def object(self, group: str) -> GroupFact | None:
        """The PodGroup object, None where there is none."""
        return self._objects.get(group)

    def mark(self, group: str) -> None:
        """Something else about the group changed: look at it again."""
        self._stale.add(group)

    def refresh(self) -> None:
        """Rebuild what is stale."""
        for group in self._stale:
            before = self.built.get(group)
            after = self._build(group)
            if before is after or (before is not None and after == before):
                continue
            self.changed = True
            self.touched.add(group)
            if after is None:
                del self.built[group]
            else:
                self.built[group] = after
        self._stale.clear()

    def _build(self, group: str) -> PodGroup | None:
        members = self._members.get(group)
        fact = self._objects.get(group)
        if members is None:
            self.started.pop(group, None)
            self._hold(group, None)
            if fact is None:
                self.nominated.pop(group, None)
                self.moves.forget(group)
                self.chosen.pop(group, None)
                self._told_end.pop(group, None)
                return None
        if names.is_alone(group):
            assert members is not None
            return self._alone(group, next(iter(members.values())))
        return self._gang(group, fact, sorted(members.values(), key=_by_rank) if members else [])

    def _alone(self, group: str, pod: PodFact) -> PodGroup | None:
        """A plain pod: a group of one with the pod's own queue and priority."""
        self._settle_start(group, [pod], pod.started)
        waits = _waits(pod)
        trouble = self._trouble(pod) if waits else None
        self._hold(group, trouble)
        if trouble:
            return None
        return PodGroup(
            name=group,
            queue=pod.queue,
            min_member=1,
            created=pod.created,
            priority=pod.priority,
            waiting=(Pod(pod.key, self._waiting_class(pod)),) if waits else (),
            placed=self._placed([pod]),
            started=self.started.get(group),
            gated=int(pod.gated),
            nominated=self.nominated.get(group, ()),
            explicit=False,
            owner=names.split(group).namespace,
            since=_since([pod] if waits else []),
        )

    def _gang(self, group: str, fact: GroupFact | None, members: list[PodFact]) -> PodGroup | None:
        """A PodGroup with its members, or members whose PodGroup is missing."""
        exists = fact is not None
        said = fact or _MISSING
        waiting = [pod for pod in members if _waits(pod)]
        placed = self._placed(members)
        self._settle_start(group, members, said.scheduled)
        trouble = next(filter(None, map(self._trouble, waiting)), None) if exists else None
        self._hold(group, trouble)
        if trouble and not placed:
            return None
        shapes = Shapes(min_member=said.min_member)
        if said.shapes:
            shapes = shapes_of(group, said, members, self.chosen.get(group, said.chosen))
        return PodGroup(
            name=group,
            queue=said.queue,
            min_member=shapes.min_member,
            created=said.created if exists else min(pod.created for pod in members),
            priority=said.priority,
            waiting=() if trouble else tuple(map(self.as_waiting, waiting)),
            placed=placed,
            topology=said.topology,
            preemptible=said.preemptible,
            expected_seconds=None if said.expected is None else said.expected / shapes.speed,
            maximum_seconds=said.maximum,
            started=self.started.get(group),
            excluded_nodes=said.excluded_nodes,
            gated=sum(pod.gated for pod in members) + (len(waiting) if trouble else 0),
            nominated=self.nominated.get(group, ()),
            exists=exists,
            failures=self.failures.of(group),
            subgroups=said.subgroups,
            min_subgroups=said.min_subgroups,
            owner=names.split(group).namespace,
            checkpoint_seconds=said.checkpoint,
            moved=max(filter(None, (said.moved, self.moves.at.get(group))), default=None),
            moving=self.moves.missing(group, {pod.key: pod for pod in members}),
            since=_since(waiting),
            alternatives=shapes.alternatives,
            shape=shapes.present,
            speed=shapes.speed,
            chosen=shapes.chosen,
            objective=said.objective,
        )

    def note_success(self, group: str) -> None:
        """A pod of the group has done its work."""
        fact, started = self._objects.get(group), self.started.get(group)
        if fact is None or fact.expected is None or started is None or self._told_end.get(group) == started:
            return
        self._told_end[group] = started
        self.ended.append(Run(fact.queue, names.split(group).namespace, started, fact.expected))

    def as_waiting(self, pod: PodFact) -> Pod:
        """The pod as one that waits for a node."""
        return Pod(pod.key, self._waiting_class(pod), pod.subgroup)

    def _placed(self, members: Iterable[PodFact]) -> tuple[PlacedPod, ...]:
        return tuple(
            PlacedPod(pod.key, self._placed_class(pod), pod.node, pod.leaving, pod.subgroup, pod.device)
            for pod in members
            if pod.node
        )

    def _settle_start(self, group: str, members: Iterable[PodFact], scheduled: float | None) -> None:
        """Keep `started` true to the pods: gone with the last one that stays, taken from the object
        where this process did not see it happen.

        A `scheduled` older than every pod that holds a node speaks of an earlier attempt.
        """
        holding = [pod for pod in members if pod.node and not pod.leaving]
        if not holding:
            self.started.pop(group, None)
            return
        if group in self.started or scheduled is None:
            return
        if names.is_alone(group) or any(pod.created <= scheduled for pod in holding):
            self.started[group] = scheduled

    def _hold(self, group: str, why: Held | None) -> None:
        if self.held.get(group) == why:
            return
        if why is None:
            del self.held[group]
        else:
            self.held[group] = why
        self.changed = True
        self.touched.add(group)


def has_minimum(members: Iterable[PodFact], fact: GroupFact | None, number: int) -> bool:
    """Whether all pods that the group needs at least hold nodes and are not about to leave them.

    `number` is how many it needs in its present shape; parts belong to the one it was made with.
    """
    here = [pod for pod in members if pod.node and not pod.leaving]
    if fact is None or not fact.subgroups or number != fact.min_member:
        return len(here) >= number
    placed = tuple(PlacedPod(pod.key, pod.pod_class, pod.node, subgroup=pod.subgroup) for pod in here)
    group = PodGroup(
        "",
        fact.queue,
        fact.min_member,
        fact.created,
        placed=placed,
        subgroups=fact.subgroups,
        min_subgroups=fact.min_subgroups,
    )
    return not minimum.missing(group)


def _waits(pod: PodFact) -> bool:
    return not (pod.node or pod.gated or pod.leaving)


def _since(waiting: Iterable[PodFact]) -> float | None:
    """Since when any of these waits, as far as that is known."""
    return min((pod.created for pod in waiting if pod.created), default=None)


def _by_rank(pod: PodFact) -> tuple[int, str]:
    return (pod.rank, pod.key)
