"""What others owe a group: by its queue's own quota, or else by its queue's share of what nobody owns.

Whether a queue is over its own is asked at the topmost level at which it and the claimant part ways and
a quota says something; below that its owners settle among themselves, but who is within a quota further
down is evicted last. The claimant's side must come within its own with what it asks for, those that go
on its own side counted as gone. Quota binds first: whoever is within its nominal quota may take what
others hold beyond theirs. Beyond that, whoever stays within its share (see `quota.fair`) may take what
others hold beyond theirs. So nobody whose claim was granted can be claimed from by those it was taken
from, and the queues come to rest.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from powertrain_scheduler.actions.candidates import Candidates, Duty, ranked
from powertrain_scheduler.asks import Ask, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.quota.tree import Beside


class _Claim(NamedTuple):
    """What one level of the claimant's side may take from those beside it."""

    lender: Ints
    """Per queue row, who owes what the queue holds; -1: nobody says, all of it may be taken."""
    beyond: Ints
    """Per queue row and kind asked for, what it holds beyond its own."""
    needed: Ints
    """By kind, what must go on the claimant's own side first; 0 or less: nothing."""


def owed(draft: Draft, wanted: Ask, option: Option, own: Mask | None = None) -> Candidates | None:
    """Units of other queues that the group may claim by this option, and of its own side those in `own`.

    None where nothing is owed to it.
    """
    kinds = counted(draft, option)
    rules = draft.fleet.queues[wanted.group.queue].preemption
    if not kinds or rules.across == "never":
        return None
    units = draft.units()
    chosen = np.zeros(len(units.group), dtype=np.bool_) if own is None else own.copy()
    lender, charges = np.full(len(units.group), -1, dtype=np.int64), units.charges[:, kinds]
    excess = np.zeros((len(draft.fleet.queue_list), len(kinds)), dtype=np.int64)
    duties: list[Duty] = []
    owing = np.zeros(len(draft.fleet.queue_list), dtype=np.bool_)
    able: Mask | None = None
    for beside in draft.tree.beside(draft.fleet.ancestry[wanted.group.queue]):
        inside = chosen & beside.inside[units.queue]
        claim = _claim(draft, wanted, option, kinds, beside, charges[inside].sum(axis=0))
        if claim is None:
            continue
        if able is None:
            lower = units.priority < wanted.group.priority if rules.across == "lower" else True
            able = ~draft.untouchable() & charges.any(axis=1) & lower
        owes = beside.rows & ((claim.lender < 0) | (claim.beyond[claim.lender] > 0).any(axis=1))
        mine = able & owes[units.queue]
        lender[mine] = claim.lender[units.queue[mine]]
        owing |= owes
        rows = np.unique(claim.lender[owes])
        excess[rows[rows >= 0]] = claim.beyond[rows[rows >= 0]]
        if (claim.needed > 0).any() and mine.any():
            duties.append(Duty(mine, inside, np.maximum(claim.needed, 0)))
        chosen |= mine
    if able is None or not (chosen & able).any():
        return None
    rank = _ranked(draft, wanted, kinds, owing, own is not None)
    return Candidates(chosen, lender, excess, charges, rank, tuple(duties))


def counted(draft: Draft, option: Option) -> list[int]:
    """Kinds that can be owed: of running groups nobody owns any."""
    return [kind for kind in option.charges if kind != draft.quotas.groups]


def _claim(
    draft: Draft, wanted: Ask, option: Option, kinds: list[int], beside: Beside, going: Ints
) -> _Claim | None:
    """By quota, else by share; `going` is what may go on the claimant's own side."""
    if not beside.rows.any():
        return None
    for claim in (_by_quota, _by_share):
        found = claim(draft, wanted, option, kinds, beside)
        if found is not None and (found.needed <= going).all():
            return found
    return None


def _by_quota(draft: Draft, wanted: Ask, option: Option, kinds: list[int], beside: Beside) -> _Claim | None:
    quotas, held = draft.quotas, draft.later.held
    path = draft.fleet.ancestry[wanted.group.queue]
    side = [row for row in reversed(path) if beside.inside[row]]
    needed = np.zeros(len(kinds), dtype=np.int64)
    claimed = np.zeros(len(kinds), dtype=np.bool_)
    for i, kind in enumerate(kinds):
        row = next((row for row in side if quotas.entry[row, kind]), None)
        if row is not None:
            claimed[i] = True
            needed[i] = held[row, kind] + option.charges[kind] - quotas.nominal[row, kind]
    if not claimed.any():
        return None
    lender = draft.tree.topmost(beside.depth, np.any(quotas.entry[:, kinds][:, claimed], axis=1))
    beyond = np.where(claimed, np.maximum(held[:, kinds] - quotas.nominal[:, kinds], 0), 0)
    return _Claim(lender, beyond, needed)


def _by_share(draft: Draft, wanted: Ask, option: Option, kinds: list[int], beside: Beside) -> _Claim | None:
    held, shares = draft.later.held[:, kinds], draft.shares()[:, kinds]
    row = next(row for row in reversed(draft.fleet.ancestry[wanted.group.queue]) if beside.inside[row])
    asked = np.array([option.charges[kind] for kind in kinds], dtype=np.int64)
    lender = draft.tree.above[beside.depth]
    return _Claim(lender, np.maximum(held - shares, 0), held[row] + asked - shares[row])


OWN, BEYOND_SHARE, BEYOND_QUOTA, WITHIN = range(4)


def _ranked(draft: Draft, wanted: Ask, kinds: list[int], owing: Mask, own: bool) -> Ints:
    """Each unit's place in line.

    First those of the claimant's own queue; then of queues that hold more than their share, which they
    could not claim back; then of those over their quota, and last of those that are within it. Among these
    the queues of the lowest priority first, and else those that would be missed least.
    """
    quotas, fleet, held = draft.quotas, draft.fleet, draft.later.held[:, kinds]
    units, rows = draft.units(), np.flatnonzero(owing)
    within = (quotas.entry[:, kinds] & (held <= quotas.nominal[:, kinds])).any(axis=1)
    tier = np.where(within, WITHIN, BEYOND_QUOTA)
    if len(rows) > 1:
        tier[(held > draft.shares()[:, kinds]).any(axis=1)] = BEYOND_SHARE
    priority = np.array([queue.priority for queue in fleet.queue_list], dtype=np.int64)
    before = tier * (int(np.ptp(priority)) + 1) + priority - int(priority.min())
    if own:
        rows = np.append(rows, fleet.queue_row[wanted.group.queue])
        before[rows[-1]] = OWN
    return ranked(units, before[units.queue]) if np.ptp(before[rows]) else units.rank


def borrowed(draft: Draft, wanted: Ask, option: Option) -> Iterator[tuple[Mask, Ints, Ints]]:
    """What even a borrowing queue may evict of other borrowers, where its rules say so: units, lenders, excess."""
    kinds = counted(draft, option)
    most = draft.fleet.queues[wanted.group.queue].preemption.borrowing
    if most is None or not kinds:
        return
    units, quotas = draft.units(), draft.quotas
    beyond = np.maximum(draft.later.held[:, kinds] - quotas.nominal[:, kinds], 0)
    low = (units.priority <= most) & (units.priority < wanted.group.priority) & ~draft.untouchable()
    for beside in draft.tree.beside(draft.fleet.ancestry[wanted.group.queue]):
        lender = draft.tree.topmost(beside.depth, np.any(quotas.entry[:, kinds], axis=1))
        owes = beside.rows & (lender >= 0) & (beyond[lender] > 0).any(axis=1)
        yield low & owes[units.queue] & units.charges[:, kinds].any(axis=1), lender[units.queue], beyond
