"""The more important work of a queue goes first: a group evicts others of strictly lower priority in its queue.

Where the queue's rules say so, work of low priority that other queues borrow for goes as well. If that does
not make room, what others owe the queue once its own has gone may go too.
"""

import numpy as np

from powertrain_scheduler.actions import claims, evict
from powertrain_scheduler.actions.candidates import Candidates
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft


def make_room(draft: Draft, wanted: Ask) -> bool:
    """Evicts groups of lower priority in the group's own queue."""
    if not draft.policy.preempt or not evict.may_evict(draft, wanted):
        return False
    own = _lower(draft, wanted)
    for option in wanted.options:
        found = _lower_and_borrowed(draft, wanted, option, own)
        if found.units.any() and evict.make_room(draft, wanted, option, found):
            return True
    if not own.any() or not draft.policy.reclaim:
        return False
    for option in wanted.options:
        both = claims.owed(draft, wanted, option, own)
        if both is not None and evict.make_room(draft, wanted, option, both):
            return True
    return False


def _lower(draft: Draft, wanted: Ask) -> Mask:
    """Units of lower priority in the group's queue, unless it never evicts its own."""
    units, queue = draft.units(), draft.fleet.queues[wanted.group.queue]
    row = draft.fleet.queue_row[queue.name]
    if queue.preemption.within == "never" or wanted.group.priority <= units.lowest[row]:
        return np.zeros(len(units.group), dtype=np.bool_)
    found: Mask = (units.queue == row) & (units.priority < wanted.group.priority) & ~draft.untouchable()
    return found


def _lower_and_borrowed(draft: Draft, wanted: Ask, option: Option, own: Mask) -> Candidates:
    units, kinds = draft.units(), claims.counted(draft, option)
    chosen, lender = own.copy(), np.full(len(units.group), -1, dtype=np.int64)
    excess = np.zeros((len(draft.fleet.queue_list), len(kinds)), dtype=np.int64)
    if draft.policy.reclaim:
        for mine, owner, beyond in claims.borrowed(draft, wanted, option):
            chosen |= mine
            lender[mine] = owner[mine]
            excess = np.maximum(excess, beyond)
    return Candidates(chosen, lender, excess, units.charges[:, kinds], units.rank)
