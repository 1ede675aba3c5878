"""Room that was made for one group goes to another that has precedence, so that nobody is evicted twice for it.

Who could evict the group if it ran already takes the room that is kept for it: one of higher priority in
the same queue, or one of a queue that may claim what the other's would hold beyond its own.
"""

from powertrain_scheduler import asks
from powertrain_scheduler.actions import allocate, claims
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.snapshot import PodGroup


def take(draft: Draft, wanted: Ask) -> bool:
    """Starts the group, or holds nodes for it, with the room of as few others as possible, the least important first."""
    behind = _behind(draft, wanted)
    released: list[PodGroup] = []
    done = False
    for group in behind:
        released.append(group)
        draft.set_aside(group)
        if done := allocate.start(draft, wanted) or allocate.await_leaving(draft, wanted):
            break
    if not done:
        for group in reversed(released):
            draft.keep_again(group)
        return False
    again = [asks.minimum(draft.fleet, group) for group in reversed(released)]
    draft.forget_set_aside()
    allocate.keep_nominated(draft, [each for each in again if each is not None])
    return True


def _behind(draft: Draft, wanted: Ask) -> list[PodGroup]:
    """Groups for which room is kept that the group has precedence over, the least important first."""
    kept = [placement.group for placement in draft.kept() if placement.group.moved is None]
    if not kept:
        return []
    owing = claims.debtors(draft, wanted) if draft.policy.reclaim else None
    mine, queue, rows = wanted.group.priority, wanted.group.queue, draft.fleet.queue_row
    lower = [
        group
        for group in kept
        if (draft.policy.preempt and group.queue == queue and group.priority < mine)
        or (owing is not None and group.queue != queue and group.preemptible and owing[rows[group.queue]])
    ]
    return sorted(lower, key=lambda group: (group.priority, -group.created, group.name))
