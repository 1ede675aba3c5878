"""What work waits for, in the placement process's own words."""

from dataclasses import dataclass

from powertrain_operator.api import time
from powertrain_operator.reconcile.reasons import Reason
from powertrain_operator.reconcile.views import PodGroup


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a gang has no nodes yet."""

    reason: str
    message: str
    estimated_start: str | None = None
    """RFC 3339."""


UNKNOWN = Wait(Reason.WAITING_FOR_SCHEDULER, "waits for the scheduler's first look at it")


def waiting_for(group: PodGroup | None) -> Wait:
    """What the PodGroup's status says; it speaks of an earlier placement while its phase is Scheduled."""
    if group is None or group.status.phase != "Pending" or not group.status.reason:
        return UNKNOWN
    status = group.status
    start = time.to_rfc3339(status.estimated_start.timestamp()) if status.estimated_start else None
    return Wait(status.reason, status.message or status.reason, start)
