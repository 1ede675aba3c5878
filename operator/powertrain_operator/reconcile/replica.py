"""The replicas of an InferenceService, each a gang of its own, told apart from pods and PodGroups.

A replica's PodGroup remembers for it, since pods come and go: which attempt is the present one, when
it may begin, how often it has failed in a row. As with a TrainingJob, whatever ends an attempt is
first written there, and all else follows from the number.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from powertrain_operator.api import InferenceService
from powertrain_operator.api.names import ROLE_LEADER
from powertrain_operator.reconcile.children import is_owned
from powertrain_operator.reconcile.observed import ObservedService
from powertrain_operator.reconcile.podstate import (
    attempt_of,
    is_bound,
    is_leaving,
    is_ready,
    number,
    rank_of,
)
from powertrain_operator.reconcile.views import Pod, PodGroup


def group_name(service: str, replica: int) -> str:
    return f"{service}-{replica}"


def pod_name(service: str, replica: int, node: int, nodes: int) -> str:
    return f"{service}-{replica}" if nodes == 1 else f"{service}-{replica}-{node}"


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy of the model, as it is."""

    index: int
    group: PodGroup | None
    attempt: int
    pods: Mapping[int, Pod]
    """Pods of the present attempt by node rank."""
    older: tuple[Pod, ...]
    size: int
    """Pods that the present attempt has when it is whole."""

    @property
    def everyone(self) -> tuple[Pod, ...]:
        return (*self.older, *self.pods.values())

    @property
    def lives(self) -> bool:
        """It is more than the rest of one that was removed."""
        stays = self.group is not None and self.group.metadata.deletion_timestamp is None
        return stays or any(not is_leaving(pod) for pod in self.everyone)

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(rank for rank in range(self.size) if rank not in self.pods)

    @property
    def is_whole(self) -> bool:
        return not self.missing

    def all(self, holds: Callable[[Pod], bool]) -> bool:
        return self.is_whole and all(holds(pod) for pod in self.pods.values())

    @property
    def holds_nothing(self) -> bool:
        return not any(is_bound(pod) for pod in self.pods.values())

    @property
    def is_ready(self) -> bool:
        """Its leader answers requests: that is what its clients see."""
        return any(is_ready(pod) and pod.metadata.labels.role == ROLE_LEADER for pod in self.pods.values())

    @property
    def restart_at(self) -> float:
        """Seconds since the epoch; 0 where nothing holds it back."""
        return float(number(self.group.metadata.annotations.restart_at) or 0) if self.group else 0.0

    @property
    def failures(self) -> int:
        return (number(self.group.metadata.annotations.failures) or 0) if self.group else 0

    def is_made_from(self, template: str) -> bool:
        """Whether its pods were made from this template; one without pods will be."""
        return all(_template_of(pod) == template for pod in self.pods.values())

    def has_mark(self, mark: str) -> bool:
        """Whether its pods were made from this template and for these nodes."""
        return all(pod.metadata.annotations.spec_hash == mark for pod in self.pods.values())


def _template_of(pod: Pod) -> str:
    return pod.metadata.annotations.spec_hash.partition("-")[0]


def replicas_of(seen: ObservedService) -> tuple[Replica, ...]:
    """All of this very service by index, those of which only leaving pods are left included."""
    pods: dict[int, list[Pod]] = defaultdict(list)
    for pod in _own(seen.service, seen.pods):
        index = number(pod.metadata.labels.replica)
        pods[-1 if index is None else index].append(pod)
    groups = {}
    for group in seen.groups:
        index = number(group.metadata.labels.replica)
        if index is not None and is_owned(group.metadata, seen.service):
            groups[index] = group
    nodes = seen.service.spec.parallelism.nodes
    return tuple(_replica(index, groups.get(index), pods[index], nodes) for index in sorted({*pods, *groups}))


def _own(service: InferenceService, pods: Iterable[Pod]) -> Iterable[Pod]:
    return (pod for pod in pods if is_owned(pod.metadata, service))


def _replica(index: int, group: PodGroup | None, pods: list[Pod], nodes: int) -> Replica:
    """Should somebody have deleted the PodGroup, the pods say which attempt is the present one, and it
    has as many of them as the service now wants (`nodes`)."""
    known = number(group.metadata.labels.attempt) if group else None
    attempt = max([known or 0, *(attempt_of(pod) or 0 for pod in pods)])
    present, older = {}, []
    for pod in pods:
        rank = rank_of(pod)
        if index >= 0 and attempt_of(pod) == attempt and rank is not None:
            present[rank] = pod
        else:
            older.append(pod)
    size = group.spec.min_member if group else max([nodes, *(rank + 1 for rank in present)])
    return Replica(index, group, attempt, present, tuple(older), size)
