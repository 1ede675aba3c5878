"""Changes that would let a waiting group start: values that can be told and applied to a snapshot.

What a record claims can so be tried: apply the change, decide again, and the group starts.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Protocol

from powertrain_scheduler.changes.cluster import MoreQuota as MoreQuota
from powertrain_scheduler.changes.cluster import MoreRoom as MoreRoom
from powertrain_scheduler.changes.cluster import Piece as Piece
from powertrain_scheduler.changes.cluster import Raise as Raise
from powertrain_scheduler.changes.group import AllowedNodes as AllowedNodes
from powertrain_scheduler.changes.group import EndsSooner as EndsSooner
from powertrain_scheduler.changes.group import Evictable as Evictable
from powertrain_scheduler.changes.group import FewerMembers as FewerMembers
from powertrain_scheduler.changes.group import HigherPriority as HigherPriority
from powertrain_scheduler.changes.group import OtherTopology as OtherTopology
from powertrain_scheduler.changes.group import WithoutRule as WithoutRule
from powertrain_scheduler.snapshot import Snapshot


class Change(Protocol):
    """One thing that is otherwise."""

    def apply(self, snapshot: Snapshot, group: str) -> Snapshot:
        """The snapshot with the change made for the group."""


def applied(changes: Sequence[Change], snapshot: Snapshot, group: str) -> Snapshot:
    """The snapshot with all of the changes made."""
    return reduce(lambda world, change: change.apply(world, group), changes, snapshot)
