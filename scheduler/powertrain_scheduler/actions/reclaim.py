"""Lent quota is taken back: a group within its queue's nominal quota evicts what others hold beyond theirs.

Whether a queue is over its nominal quota is asked at the topmost level at which it and the
claimant part ways and a quota says something; below that its owners settle among themselves,
but who is within a quota further down is evicted last. Where no quota says anything, all is lent.
"""

import numpy as np

from powertrain_scheduler.actions import evict
from powertrain_scheduler.actions.lines import Candidates
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.draft import Draft


def make_room(draft: Draft, wanted: Ask) -> bool:
    """Evicts groups of other queues for one that only wants what is its queue's own."""
    if not draft.policy.reclaim or not draft.possible(wanted):
        return False
    for option in wanted.options:
        found = candidates(draft, wanted, option)
        if found is not None and evict.make_room(draft, wanted, option, found):
            return True
    return False


def candidates(draft: Draft, wanted: Ask, option: Option) -> Candidates | None:
    """What the group may reclaim by this option of accelerators; None: nothing is owed to it."""
    charges = option.charges
    if len(charges) != 1:
        return None
    accelerator, asked = next(iter(charges.items()))
    scope = _entitled(draft, wanted.group.queue, accelerator, asked)
    if scope is None:
        return None
    units = draft.units()
    lender = _lenders(draft, wanted.group.queue, accelerator, scope)
    held = draft.later.held[:, accelerator]
    excess = np.maximum(0, held - draft.quotas.nominal[:, accelerator])
    owing = np.array([row is not None and (row < 0 or excess[row] > 0) for row in lender], dtype=np.bool_)
    rows = np.array([-1 if row is None else row for row in lender], dtype=np.int64)
    devices = units.charges[:, accelerator]
    mine = owing[units.queue] & (devices > 0) & ~draft.untouchable()
    return Candidates(mine, rows[units.queue], excess, devices) if mine.any() else None


ANYWHERE = -1


def _entitled(draft: Draft, queue: str, accelerator: int, asked: int) -> int | None:
    """The queue row in whose subtree others owe the claimant (`ANYWHERE` for all); None: it is owed nothing.

    It is owed what keeps its queue, and the queues above up to that row, within nominal quota.
    """
    quotas, owed = draft.quotas, False
    for row in draft.fleet.ancestry[queue]:
        if quotas.entry[row, accelerator]:
            if draft.later.held[row, accelerator] + asked > quotas.nominal[row, accelerator]:
                return row if owed else None
            owed = True
    return ANYWHERE if owed else None


def _lenders(draft: Draft, queue: str, accelerator: int, scope: int) -> list[int | None]:
    """Per queue row, the row that owes the claimant what the queue holds; -1: no quota says, None: it owes nothing.

    What both have in common they share: only a quota of the claimant's own side is a claim.
    """
    fleet, own, entry = draft.fleet, draft.fleet.ancestry[queue], draft.quotas.entry
    found: list[int | None] = []
    for other in fleet.queue_list:
        path = fleet.ancestry[other.name]
        claims = any(entry[row, accelerator] for row in own if row not in path)
        limited = [row for row in path if row not in own and entry[row, accelerator]]
        owes = claims and (scope == ANYWHERE or scope in path)
        found.append((limited[-1] if limited else -1) if owes else None)
    return found
