"""What queues say of themselves: what they hold, who runs and waits, and whether they can serve anyone."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from powertrain_scheduler import minimum, quota
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.holdings import Holdings
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PodGroup, Queue, Snapshot

from powertrain_operator.api.fields import shortened

Status = dict[str, Any]
_PARENT_NOT_FOUND = "ParentNotFound"
_CYCLE = "QueueCycle"
_CONTRADICTION = "QuotaContradiction"


def statuses(
    snapshot: Snapshot, waiting: Collection[str], generations: Mapping[str, int]
) -> dict[str, Status]:
    """Of every queue that `generations` has (those with an object), by name."""
    fleet = Fleet(snapshot)
    used = _used(fleet)
    groups = snapshot.groups
    running = Counter(group.queue for group in groups.values() if _runs(group))
    pending = Counter(groups[name].queue for name in waiting if name in groups)
    found: dict[str, Status] = {}
    for name, generation in generations.items():
        if name not in snapshot.queues:
            continue
        found[name] = {
            **_phase(name, snapshot.queues, quota.problem(fleet, name)),
            "observedGeneration": generation,
            "usage": _usage(snapshot.queues[name], used.get(name, Counter())),
            "runningGroups": running[name],
            "waitingGroups": pending[name],
        }
    return found


def _phase(name: str, queues: Mapping[str, Queue], problem: tuple[Reason, str] | None) -> Status:
    if problem is None:
        return {"phase": "Ready", "reason": "Ready", "message": "The queue takes work."}
    reason, message = problem
    word = _PARENT_NOT_FOUND if reason is Reason.QUEUE_NOT_FOUND else _CONTRADICTION
    if reason is Reason.INVALID_QUEUE and _in_a_cycle(name, queues):
        word = _CYCLE
    return {"phase": "Invalid", "reason": word, "message": shortened(message)}


def _in_a_cycle(name: str, queues: Mapping[str, Queue]) -> bool:
    """Whether going up from the queue never ends."""
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at in queues and at not in seen:
        seen.add(at)
        at = queues[at].parent
    return at is not None and at in seen


def _runs(group: PodGroup) -> bool:
    return bool(group.placed) and not minimum.missing(group)


def _used(fleet: Fleet) -> dict[str, Counter[str]]:
    """Devices held by each queue's subtree, by accelerator; shares add up to whole ones."""
    holdings = Holdings(fleet)
    held = holdings.held(np.ones(len(holdings.row), dtype=np.bool_))
    rows = dict(zip((queue.name for queue in fleet.queue_list), held.tolist(), strict=True))
    return {
        name: Counter(
            {
                accelerator: -(-amount // DEVICE)
                for accelerator, amount in zip(fleet.accelerators, row, strict=False)
                if amount
            }
        )
        for name, row in rows.items()
    }


def _usage(queue: Queue, used: Counter[str]) -> list[Status]:
    """What it holds, and how much of that beyond its own; entries for all it has quota of."""
    usage = []
    for accelerator in sorted(used.keys() | queue.quotas.keys()):
        own = queue.quotas.get(accelerator)
        beyond = max(0, used[accelerator] - own.nominal) if own else 0
        usage.append({"accelerator": accelerator, "used": used[accelerator], "borrowed": beyond})
    return usage
