"""Changes to what the cluster gives: room on nodes, and quota."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from powertrain_scheduler.snapshot import Queue, Quota, Snapshot


@dataclass(frozen=True, slots=True)
class Piece:
    """Amounts that must get free on one node beyond what is free there now."""

    node: str
    amounts: tuple[tuple[str, int], ...]
    """(resource, amount), the scarcest first."""


@dataclass(frozen=True, slots=True)
class MoreRoom:
    """More is free on some nodes."""

    pieces: tuple[Piece, ...]
    """By node name."""
    domain: tuple[str, str] | None = None
    """Level key and name of the domain in which they lie, where the group asks for one."""

    def apply(self, snapshot: Snapshot, group: str) -> Snapshot:
        """The nodes get so much larger, which leaves everybody on them what he has."""
        facts, allocatable = snapshot.nodes, snapshot.nodes.allocatable.copy()
        for piece in self.pieces:
            for resource, amount in piece.amounts:
                allocatable[facts.names.index(piece.node), facts.resources.index(resource)] += amount
        return replace(snapshot, nodes=replace(facts, allocatable=allocatable, memo={}))


@dataclass(frozen=True, slots=True)
class Raise:
    """One limit of one queue is raised."""

    queue: str
    kind: str
    """Accelerator or resource."""
    field: str
    """`nominal` or `borrowing_limit`."""
    by: int


@dataclass(frozen=True, slots=True)
class MoreQuota:
    """Limits of the group's queue, and of those above it, are raised."""

    raises: tuple[Raise, ...]

    def apply(self, snapshot: Snapshot, group: str) -> Snapshot:
        """The queues with other quotas."""
        return replace(snapshot, queues=self.to(snapshot.queues))

    def to(self, queues: Mapping[str, Queue]) -> dict[str, Queue]:
        """These queues once the limits are raised."""
        changed = dict(queues)
        for each in self.raises:
            queue = changed[each.queue]
            changed[each.queue] = replace(
                queue, quotas={**queue.quotas, each.kind: _raised(queue.quotas[each.kind], each)}
            )
        return changed


def _raised(quota: Quota, change: Raise) -> Quota:
    if change.field == "nominal":
        return replace(quota, nominal=quota.nominal + change.by)
    return replace(quota, borrowing_limit=(quota.borrowing_limit or 0) + change.by)
