"""Queues that can't serve anyone: their parents are missing or go in a circle, or their figures contradict."""

from powertrain_scheduler.fleet import DEFAULT_QUEUE, Fleet
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Quota


def problem(fleet: Fleet, name: str) -> tuple[Reason, str] | None:
    """Why the queue can't serve anyone, or None; the others go on."""
    seen: list[str] = []
    at: str | None = name
    while at is not None:
        if at in seen:
            return (
                Reason.INVALID_QUEUE,
                f"the parents of queue {name} form a cycle: {' > '.join([*seen, at])}",
            )
        if at not in fleet.snapshot.queues and at != DEFAULT_QUEUE:
            return _not_found(name, at)
        seen.append(at)
        queue = fleet.queues[at]
        for accelerator, quota in sorted(queue.quotas.items()):
            if (wrong := _contradiction(quota)) is not None:
                return Reason.INVALID_QUEUE, f"queue {at} says of {accelerator}: {wrong}"
        at = queue.parent
    return None


def _not_found(name: str, missing: str) -> tuple[Reason, str]:
    if missing == name:
        return Reason.QUEUE_NOT_FOUND, f"there is no queue {name}"
    return Reason.QUEUE_NOT_FOUND, f"queue {name} lies under queue {missing}, which does not exist"


def _contradiction(quota: Quota) -> str | None:
    if quota.nominal < 0 or (quota.borrowing_limit or 0) < 0 or (quota.lending_limit or 0) < 0:
        return "a quota is less than 0"
    if quota.lending_limit is not None and quota.lending_limit > quota.nominal:
        return f"it lends up to {quota.lending_limit} of {quota.nominal}"
    return None
