"""Queues that can't serve anyone: their parents are missing or go in a circle, or their figures contradict."""

from powertrain_scheduler.fleet import DEFAULT_QUEUE, Fleet
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Queue


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
        if (wrong := _contradiction(queue)) is not None:
            return Reason.INVALID_QUEUE, f"queue {at} says of {wrong}"
        at = queue.parent
    return None


def _not_found(name: str, missing: str) -> tuple[Reason, str]:
    if missing == name:
        return Reason.QUEUE_NOT_FOUND, f"there is no queue {name}"
    return Reason.QUEUE_NOT_FOUND, f"queue {name} lies under queue {missing}, which does not exist"


def _contradiction(queue: Queue) -> str | None:
    """The first figure that can't be meant, by the field's name."""
    for kind, quota in sorted(queue.quotas.items()):
        if quota.nominal < 0 or (quota.borrowing_limit or 0) < 0 or (quota.lending_limit or 0) < 0:
            return f"{kind}: a quota is less than 0"
        if quota.lending_limit is not None and quota.lending_limit > quota.nominal:
            return f"{kind}: it lends up to {quota.lending_limit} of {quota.nominal}"
    figures = [
        ("weight", queue.weight),
        ("minimum run time", queue.minimum_runtime),
        ("most running groups", queue.max_running or 0),
        *((f"past use of {kind}", amount) for kind, amount in sorted(queue.past_use.items())),
    ]
    return next((f"{field}: {value:g} is less than 0" for field, value in figures if value < 0), None)
