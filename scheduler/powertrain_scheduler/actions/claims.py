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
    if not kinds or rules.across == "never" or not len(draft.units().group):
        return None
    search = _Search(draft, wanted, option, kinds, own)
    for beside in draft.tree.beside(wanted.group.queue):
        search.look(beside)
    return search.found()


def debtors(draft: Draft, wanted: Ask) -> Mask:
    """Queues from which the group may claim, those included of which nothing runs yet."""
    found = np.zeros(len(draft.fleet.queue_list), dtype=np.bool_)
    if draft.fleet.queues[wanted.group.queue].preemption.across != "any":
        return found
    for option in wanted.options:
        if kinds := counted(draft, option):
            search = _Search(draft, wanted, option, kinds, None)
            for beside in draft.tree.beside(wanted.group.queue):
                found |= search.debtors(beside)
    return found


def counted(draft: Draft, option: Option) -> list[int]:
    """Kinds that can be owed: of running groups nobody owns any."""
    return [kind for kind in option.charges if kind != draft.quotas.groups]


class _Search:
    """Goes up from the claimant's queue, and at each level looks at those beside it."""

    def __init__(self, draft: Draft, wanted: Ask, option: Option, kinds: list[int], own: Mask | None) -> None:
        self._draft, self._wanted, self._kinds, self._own = draft, wanted, kinds, own
        self._asked = np.array([option.charges[kind] for kind in kinds], dtype=np.int64)
        self._held = draft.later.held[:, kinds]
        self._path = draft.fleet.ancestry[wanted.group.queue]
        units = draft.units()
        self._units, self._charges = units, units.charges[:, kinds]
        self._lender: Ints = np.full(len(units.group), -1, dtype=np.int64)
        self._excess = np.zeros_like(self._held)
        self._chosen = own
        self._owing = np.zeros(len(self._held), dtype=np.bool_)
        self._duties: list[Duty] = []
        self._able: Mask | None = None

    def found(self) -> Candidates | None:
        """What all levels together owe."""
        if self._able is None or self._chosen is None or not (self._chosen & self._able).any():
            return None
        rank = _ranked(self._draft, self._wanted, self._kinds, self._owing, self._own is not None)
        found = Candidates(self._chosen, self._lender, self._excess, self._charges, rank, tuple(self._duties))
        return found.balanced(self._units) if rank is self._units.rank else found

    def debtors(self, beside: Beside) -> Mask:
        """Queues of these that hold more than their own, by which the claimant may claim."""
        claim = self._by_quota(beside) or self._by_share(beside) if beside.rows.any() else None
        if claim is None:
            return np.zeros_like(beside.rows)
        owes: Mask = beside.rows & ((claim.lender < 0) | (claim.beyond[claim.lender] > 0).any(axis=1))
        return owes

    def look(self, beside: Beside) -> None:
        """By quota, else by share."""
        if not beside.rows.any():
            return
        claim = self._by_quota(beside) or self._by_share(beside)
        if claim is None:
            return
        owes = beside.rows & ((claim.lender < 0) | (claim.beyond[claim.lender] > 0).any(axis=1))
        mine = self._eligible() & owes[self._units.queue]
        if not mine.any():
            return
        self._lender[mine] = claim.lender[self._units.queue[mine]]
        self._owing |= owes & self._units.owner
        rows = np.unique(claim.lender[owes])
        self._excess[rows[rows >= 0]] = claim.beyond[rows[rows >= 0]]
        if (claim.needed > 0).any() and self._chosen is not None:
            inside = self._chosen & beside.inside[self._units.queue]
            self._duties.append(Duty(mine, inside, np.maximum(claim.needed, 0)))
        self._chosen = mine if self._chosen is None else self._chosen | mine

    def _eligible(self) -> Mask:
        """Units that hold anything of what is asked for, as far as the queue's rules allow to evict them."""
        if self._able is None:
            self._able = ~self._draft.untouchable() & self._charges.any(axis=1)
            if self._draft.fleet.queues[self._wanted.group.queue].preemption.across == "lower":
                self._able &= self._units.priority < self._wanted.group.priority
        return self._able

    def _coverable(self, beside: Beside, needed: Ints) -> bool:
        """Whether as much may go on the claimant's own side."""
        if (needed <= 0).all():
            return True
        if self._chosen is None:
            return False
        inside = self._chosen & beside.inside[self._units.queue]
        return bool((needed <= self._charges[inside].sum(axis=0)).all())

    def _by_quota(self, beside: Beside) -> _Claim | None:
        quotas, kinds = self._draft.quotas, self._kinds
        side = [row for row in reversed(self._path) if beside.inside[row]]
        needed = np.zeros(len(kinds), dtype=np.int64)
        claimed = np.zeros(len(kinds), dtype=np.bool_)
        devices = len(self._draft.fleet.accelerators)
        for i, kind in enumerate(kinds):
            row = next((row for row in side if quotas.entry[row, kind]), None)
            if row is not None:
                claimed[i] = True
                needed[i] = self._held[row, i] + self._asked[i] - quotas.nominal[row, kind]
            elif kind < devices:  # of which it has no quota: it must have a share of them
                needed[i] = self._held[side[0], i] + self._asked[i] - self._draft.shares()[side[0], kind]
        if not claimed.any() or not self._coverable(beside, needed):
            return None
        lender = self._draft.tree.topmost(beside.depth, np.any(quotas.entry[:, kinds][:, claimed], axis=1))
        beyond = np.where(claimed, np.maximum(self._held - quotas.nominal[:, kinds], 0), 0)
        return _Claim(lender, beyond, needed)

    def _by_share(self, beside: Beside) -> _Claim | None:
        shares = self._draft.shares()[:, self._kinds]
        row = next(row for row in reversed(self._path) if beside.inside[row])
        needed = self._held[row] + self._asked - shares[row]
        if not self._coverable(beside, needed):
            return None
        lender = self._draft.tree.above[beside.depth]
        return _Claim(lender, np.maximum(self._held - shares, 0), needed)


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
    for beside in draft.tree.beside(wanted.group.queue):
        lender = draft.tree.topmost(beside.depth, np.any(quotas.entry[:, kinds], axis=1))
        owes = beside.rows & (lender >= 0) & (beyond[lender] > 0).any(axis=1)
        yield low & owes[units.queue] & units.charges[:, kinds].any(axis=1), lender[units.queue], beyond
