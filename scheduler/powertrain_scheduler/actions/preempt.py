"""The more important work of a queue goes first: a group evicts others of strictly lower priority in its queue.

What its queue is owed by others may go too, so that a group that needs both gets room. It is owed
no more than its queue's nominal quota less what the queue holds, those of lower priority included.
"""

import numpy as np

from powertrain_scheduler.actions import evict, reclaim
from powertrain_scheduler.actions.lines import Candidates
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.draft import Draft


def make_room(draft: Draft, wanted: Ask) -> bool:
    """Evicts groups of lower priority in the group's own queue."""
    if not draft.policy.preempt or not draft.possible(wanted):
        return False
    units = draft.units()
    queue = draft.fleet.queue_row[wanted.group.queue]
    lower = (units.queue == queue) & (units.priority < wanted.group.priority) & ~draft.untouchable()
    if not lower.any():
        return False
    return any(
        evict.make_room(draft, wanted, option, _with_what_is_owed(draft, wanted, option, lower))
        for option in wanted.options
    )


def _with_what_is_owed(
    draft: Draft, wanted: Ask, option: Option, lower: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> Candidates:
    owed = reclaim.candidates(draft, wanted, option) if draft.policy.reclaim else None
    if owed is None:
        nothing = np.zeros_like(draft.units().group)
        return Candidates(lower, nothing - 1, nothing, nothing)
    return Candidates(owed.units | lower, np.where(lower, -1, owed.lender), owed.excess, owed.devices)
