"""What is owed is taken back: lent quota, and what others hold beyond their share of what nobody owns."""

from powertrain_scheduler.actions import claims, evict
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.draft import Draft


def make_room(draft: Draft, wanted: Ask) -> bool:
    """Evicts groups of other queues for one that only wants what is its queue's own."""
    if not draft.policy.reclaim or not evict.may_evict(draft, wanted):
        return False
    for option in wanted.options:
        found = claims.owed(draft, wanted, option)
        if found is not None and evict.make_room(draft, wanted, option, found):
            return True
    return False
