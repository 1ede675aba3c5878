"""A node as placement knows it: what it offers and whom it lets in."""

import msgspec
from powertrain_scheduler.snapshot import Taint

from powertrain_operator.api.quantity import amount

from .views import Node

CORDON = "node.kubernetes.io/unschedulable"
"""Key of the taint that `kubectl cordon` means to kube-scheduler, also before the taint itself is there."""


class NodeFact(msgspec.Struct, frozen=True, gc=False):
    """What a decision can depend on of one node; a heartbeat changes nothing here."""

    name: str
    allocatable: dict[str, int]
    """By resource, in the core's units."""
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    ready: bool
    """Its kubelet answers, and it is not being deleted."""
    reports: bool
    """Its kubelet answers."""
    cordoned: bool


def node_fact(node: Node) -> NodeFact:
    """Raises ValueError that names the resource of a quantity that cannot be read."""
    return NodeFact(
        name=node.metadata.name,
        allocatable=_allocatable(node),
        labels=node.metadata.labels,
        taints=_taints(node),
        ready=_is_ready(node) and node.metadata.deletion_timestamp is None,
        reports=_is_ready(node),
        cordoned=node.spec.unschedulable,
    )


def same_node(old: Node, new: Node) -> bool:
    """Whether two states of one node surely make the same fact, as after a heartbeat."""
    before, after = old.metadata, new.metadata
    return (
        before.labels == after.labels
        and before.deletion_timestamp == after.deletion_timestamp
        and old.spec == new.spec
        and old.status == new.status
    )


def _allocatable(node: Node) -> dict[str, int]:
    found: dict[str, int] = {}
    for resource, text in node.status.allocatable.items():
        try:
            found[resource] = amount(resource, text)
        except ValueError as error:
            raise ValueError(f"node {node.metadata.name}: allocatable {resource}: {error}") from error
    return found


def _taints(node: Node) -> tuple[Taint, ...]:
    """Its own; a cordon is one more, which a pod may tolerate."""
    taints = [Taint(each.key, each.value, each.effect) for each in node.spec.taints]
    if node.spec.unschedulable and not any(taint.key == CORDON for taint in taints):
        taints.append(Taint(CORDON, "", "NoSchedule"))
    return tuple(taints)


def _is_ready(node: Node) -> bool:
    """A node that has not said so is not."""
    return any(each.type == "Ready" and each.status == "True" for each in node.status.conditions)
