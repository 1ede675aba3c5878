"""Whoever has waited for very long goes first, and gets nodes even where nobody knows when others end.

Without this a large gang may wait for ever behind a stream of small groups: those of other queues come
before it again and again, and where running work does not say when it ends there is no start to reserve.
So the first of a queue's line that has waited as long as the policy says is served before all lines,
and if it does not fit, nodes are kept free for it as they become free: in the domain where least is in its
way, so that what it has there only grows. Work that is sure to end soon may still use them.

It goes before nobody of higher priority, and takes nobody's own quota: only who does not borrow, or
waits for what nobody has quota of, can be out of patience.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from powertrain_scheduler import gang, order
from powertrain_scheduler.actions import allocate, backfill
from powertrain_scheduler.actions.lines import usable
from powertrain_scheduler.asks import Ask, Option, Placement
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.draft.promises import Promise
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.gang import domains
from powertrain_scheduler.plan import Reserve
from powertrain_scheduler.session import Session

ENDLESS = 7 * 86400.0
"""Seconds after which work that does not say when it ends is thought to stay, as services do."""
SLACK, MOST_SLACK = 0.1, 6 * 3600.0
"""Of the time it has waited, and seconds at most: nodes kept free may be used by what is to end within that."""
DOMAINS_TRIED = 8


def serve(draft: Draft, wants: dict[str, Ask]) -> None:
    """Serves who is out of patience, or keeps nodes for them; whoever gets nodes leaves `wants`."""
    for wanted in list(_out_of_patience(draft, wants.values())):
        draft.let_go(wanted.group)
        if allocate.start(draft, wanted) or allocate.await_leaving(draft, wanted):
            del wants[wanted.group.name]
        elif not backfill.reserve(draft, wanted):
            _keep_nodes(draft, wanted)


def _out_of_patience(draft: Draft, wants: Iterable[Ask]) -> Iterator[Ask]:
    """The first of each queue's line that has waited too long, those that waited longest first."""
    late = draft.time - draft.policy.patience_seconds
    if not any(wanted.group.since is not None and wanted.group.since <= late for wanted in wants):
        return
    first: dict[str, Ask] = {}
    for wanted in sorted(wants, key=lambda each: order.inside_queue(each.group)):
        first.setdefault(wanted.group.queue, wanted)
    queues = draft.fleet.queues
    highest = max(queues[name].priority for name in first)
    waited = [each for each in first.values() if each.group.since is not None and each.group.since <= late]
    for wanted in sorted(waited, key=lambda each: (each.group.since, each.group.name)):
        if queues[wanted.group.queue].priority == highest and _owns(draft, wanted):
            yield wanted


def _owns(draft: Draft, wanted: Ask) -> bool:
    """Whether some accelerators would do of which its queue takes only its own, or nobody has any quota."""
    quotas, queue = draft.quotas, wanted.group.queue
    return any(
        all(
            not quotas.entry[:, kind].any() or not quotas.borrows(draft.later, queue, kind, amount)
            for kind, amount in option.charges.items()
        )
        for option in wanted.options
    )


def _keep_nodes(draft: Draft, wanted: Ask) -> None:
    """Keeps nodes free where the group will fit once what runs there has ended, whenever that is."""
    promises = draft.promises
    among = backfill.might_use(draft.fleet, wanted)
    taken = any(backfill.shares_nodes(among, each.among) for each in promises.made)
    if (
        taken
        or not draft.policy.backfill
        or len(promises.made) >= backfill.MOST
        or not draft.possible(wanted)
    ):
        return
    ends = _will_end(draft)
    then = draft.holdings.without(draft.later, ends)
    placement = _nearest(draft, wanted, ends, then)
    if placement is None:
        return
    waited = draft.time - (wanted.group.since or draft.time)
    held = Reserve(
        wanted.group.name, draft.time + min(MOST_SLACK, SLACK * waited), draft.node_names(placement)
    )
    there = draft.counted(wanted.group)[0] & ~ends
    draft.reserve(Promise(held, placement, among, then, there, known=False))


def _will_end(draft: Draft) -> Mask:
    """Running pods of the holdings that are thought to end some day."""
    holdings, latest = draft.holdings, draft.time - ENDLESS
    stays = [
        draft.end(group) is None and group.started is not None and group.started < latest
        for group in holdings.groups
    ]
    running: Mask = ~(holdings.leaving | draft.evicted)
    return running & ~np.array(stays, dtype=np.bool_)[holdings.group]


def _nearest(draft: Draft, wanted: Ask, ends: Mask, then: Session) -> Placement | None:
    """Nodes where least is in the group's way: it takes what is free now, and what there is least to wait for."""
    others = [each.then for each in draft.promises.made]
    for option in wanted.options:
        for nodes in _by_what_is_in_the_way(draft, wanted, option, ends, then):
            there = then.copy()
            there.used[~nodes] = np.maximum(there.used, draft.fleet.facts.allocatable)[~nodes]
            if (found := gang.find(wanted, [there, *others], draft.quotas, option)) is not None:
                return found
    return None


def _by_what_is_in_the_way(
    draft: Draft, wanted: Ask, option: Option, ends: Mask, then: Session
) -> Iterator[Mask]:
    """Sets of nodes with enough room for the group's pods by their number: those to be tried first come first.

    Each domain gives the nodes of which it needs least time of others', and then all of its nodes.
    """
    need, pods = wanted.needs[0], sum(len(each.pods) for each in wanted.needs)
    nodes = usable(draft, wanted, need, option)
    codes = np.where(nodes, 0, -1)
    if wanted.group.topology.required:
        codes = np.where(nodes, domains.required(draft.fleet, wanted, option).codes, -1)
    free = gang.room([draft.later], need.traits, nodes)
    most = np.maximum(gang.room([then], need.traits, nodes), free)
    row, room, cost = _offers(draft, ends, codes, free, most)
    if not len(row):
        return
    order_ = np.lexsort((row, cost, codes[row]))
    row, room, cost = row[order_], room[order_], cost[order_]
    starts = np.flatnonzero(np.append(True, np.diff(codes[row]) != 0))
    found = []
    for first, last in zip(starts, [*starts[1:], len(row)], strict=True):
        sums = np.cumsum(room[first:last])
        enough = int(np.searchsorted(sums, pods))
        if enough < last - first:
            found.append((float(cost[first : first + enough + 1].sum()), first, first + enough + 1, last))
    for _, first, middle, last in sorted(found)[:DOMAINS_TRIED]:
        for end in (middle, last):
            mask = np.zeros(draft.fleet.size, dtype=np.bool_)
            mask[row[first:end]] = True
            yield mask


def _offers(
    draft: Draft, ends: Mask, codes: Ints, free: Ints, most: Ints
) -> tuple[Ints, Ints, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Row, room and cost: what each node offers now for nothing, and what more once others have ended."""
    holdings = draft.holdings
    amounts = holdings.charges[ends].sum(axis=1) + 1.0
    in_the_way = np.bincount(holdings.row[ends], weights=amounts, minlength=draft.fleet.size)
    now = np.flatnonzero((free > 0) & (codes >= 0))
    then = np.flatnonzero((most > free) & (codes >= 0))
    row = np.concatenate([now, then])
    room = np.concatenate([free[now], (most - free)[then]])
    return row, room, np.concatenate([np.zeros(len(now)), in_the_way[then]])
