"""Who may be evicted where: each topology domain's candidates in line, and how many of a line must go."""

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import fit, gang
from powertrain_scheduler.actions.candidates import Candidates
from powertrain_scheduler.actions.room import Room
from powertrain_scheduler.asks import Ask, Need, Option
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.gang import domains


class Lines:
    """One line per domain, and the part of it that makes room enough."""

    def __init__(
        self, draft: Draft, wanted: Ask, option: Option, candidates: Candidates, by_node: bool = False
    ) -> None:
        """`by_node` puts those first whose leaving empties a node of few others: the cheapest units one
        by one may be spread so thinly that none of them makes room for a pod that needs several of
        their places."""
        self._draft = draft
        self._units = draft.units()
        self._masks = [usable(draft, wanted, need, option) for need in wanted.needs]
        self.codes, self.number = self._domains(wanted, option)
        self._stand_in_line(candidates, wanted.needs[0] if by_node else None)
        self.needed = self._lengths(wanted.needs)
        """Per domain, units from the front of the line that must go; -1 where all would not be enough."""

    def of(self, domain: int) -> Ints:
        """The domain's units, first to go first."""
        units: Ints = self._unit[self._domain == domain]
        return units

    def rows_of(self, domain: int) -> Ints:
        """The domain's usable nodes."""
        return np.flatnonzero(self.codes == domain)

    def cheapest_first(self) -> list[int]:
        """Domains where room can be made: by the highest priority evicted, the work lost, the gangs broken,
        and among equals by whoever would be missed most."""
        going = self._place < self.needed[self._domain]
        domain, unit = self._domain[going], self._unit[going]
        priority = np.full(self.number, np.iinfo(np.int64).min, dtype=np.int64)
        np.maximum.at(priority, domain, self._units.priority[unit])
        lost = np.bincount(domain, weights=self._units.lost[unit], minlength=self.number)
        broken = np.bincount(domain, minlength=self.number)
        missed = np.zeros(self.number, dtype=np.int64)
        np.maximum.at(missed, domain, self._rank[unit])
        order = np.lexsort((missed, broken, lost, priority))
        return [int(each) for each in order if self.needed[each] >= 0]

    def _domains(self, wanted: Ask, option: Option) -> tuple[Ints, int]:
        """Domain codes of usable nodes, -1 elsewhere; one domain in all where none is required."""
        usable = np.logical_or.reduce(self._masks)
        if not wanted.group.topology.required:
            return np.where(usable, 0, -1), 1
        column = domains.required(self._draft.fleet, wanted, option)
        codes = np.where(usable, column.codes, -1)
        joined = domains.joined(column, wanted.anchor)
        return (codes if joined is None else np.where(codes == joined, codes, -1)), len(column.values)

    def _stand_in_line(self, candidates: Candidates, need: Need | None) -> None:
        """Every (domain, unit) pair in order, and every pod of these on the domain's nodes."""
        units, holdings = self._units, self._draft.holdings
        pods = np.flatnonzero(units.pods(candidates.units))
        pods = pods[self.codes[holdings.row[pods]] >= 0]
        row = holdings.row[pods]
        order = np.empty_like(candidates.rank)
        order[candidates.rank] = np.arange(len(order))
        key = self.codes[row] * len(order) + candidates.rank[units.of[pods]]
        pairs, pair_of_pod = np.unique(key, return_inverse=True)
        domain, rank = np.divmod(pairs, max(1, len(order)))
        if need is not None:
            nodes = self._node_places(candidates, need, pods)
            first = np.full(len(pairs), len(nodes), dtype=np.int64)
            np.minimum.at(first, pair_of_pod, nodes[row])
            again = np.lexsort((rank, first, domain))
            domain, rank = domain[again], rank[again]
            pair_of_pod = np.argsort(again)[pair_of_pod]
        unit = order[rank]
        self._rank = candidates.rank
        owed = candidates.owed(unit, domain)
        self._domain, self._unit = domain[owed], unit[owed]
        self._place = _places(self._domain)
        """Per pair, how many of the domain's line stand before it."""
        mine = owed[pair_of_pod]
        new_pair = np.cumsum(owed) - 1
        self._pod_row = row[mine]
        self._pod_domain = self.codes[self._pod_row]
        self._pod_place = self._place[new_pair[pair_of_pod[mine]]]
        self._pod_amounts = holdings.at_most[holdings.traits[pods[mine]]]

    def _node_places(self, candidates: Candidates, need: Need, pods: Ints) -> Ints:
        """Per node, its place among all: those first where room for one pod of the class costs least."""
        units, holdings = self._units, self._draft.holdings
        order = np.lexsort((candidates.rank[units.of[pods]], holdings.row[pods]))
        pods = pods[order]
        row, unit = holdings.row[pods], units.of[pods]
        size = len(self.codes)
        start = np.searchsorted(row, np.arange(size + 1))
        enough = self._freed(need, pods, row, start) >= need.traits.amounts
        makes_room = np.append(np.flatnonzero(enough.all(axis=1)), len(pods))
        # Per node, the pod with whose leaving there is room.
        last = makes_room[np.searchsorted(makes_room, start[:-1])]
        goes = np.arange(len(pods)) <= last[row]
        priority = np.full(size, np.iinfo(np.int64).min, dtype=np.int64)
        np.maximum.at(priority, row[goes], units.priority[unit[goes]])
        lost = np.bincount(row[goes], weights=units.lost[unit[goes]], minlength=size)
        number = np.bincount(row[goes], minlength=size)
        hopeless = (last >= start[1:]) | (start[1:] == start[:-1])
        places: Ints = np.argsort(np.lexsort((number, lost, priority, hopeless)))
        return places

    def _freed(self, need: Need, pods: Ints, row: Ints, start: Ints) -> Ints:
        """Per pod, sorted by node: what its node has free of each requested resource once it and those before it leave."""
        columns, holdings = need.traits.columns, self._draft.holdings
        sums = np.cumsum(holdings.at_most[np.ix_(holdings.traits[pods], columns)], axis=0)
        before = np.vstack([np.zeros_like(sums[:1]), sums])[start[row]]
        free = self._draft.fleet.facts.allocatable[:, columns] - self._draft.later.used[:, columns]
        freed: Ints = sums - before + free[row]
        return freed

    def _lengths(self, needs: tuple[Need, ...]) -> Ints:
        found = [self._length(need, mask) for need, mask in zip(needs, self._masks, strict=True)]
        needed: Ints = np.maximum.reduce(found)
        return np.where(np.minimum.reduce(found) < 0, -1, needed)

    def _length(self, need: Need, mask: Mask) -> Ints:
        """Shortest part of each line that makes room for the pods of one class."""
        high = np.bincount(self._domain, minlength=self.number)
        room = Room(self._draft, need, mask, self.codes, self.number, self._pod_row, self._pod_amounts)

        def enough(lengths: Ints) -> Mask:
            gone = self._pod_place < lengths[self._pod_domain]
            found: Mask = room.without(gone) >= len(need.pods)
            return found

        possible = enough(high)
        low = np.zeros_like(high)
        high = np.where(possible, high, 0)
        while (low < high).any():
            middle = (low + high) // 2
            good = enough(middle)
            high, low = np.where(good, middle, high), np.where(good | (low >= high), low, middle + 1)
        return np.where(possible, low, -1)


def usable(draft: Draft, wanted: Ask, need: Need, option: Option) -> Mask:
    """Nodes that the pods of the class may go to, however full these are."""
    mask = gang.allowed(draft.fleet, wanted, need.traits, option)
    may = fit.may(draft.fleet, need.traits)
    return may if mask is None else may & mask


def _places(domain: Ints) -> NDArray[np.int64]:
    """Place of each pair among those of its domain; pairs come sorted by domain."""
    first = np.searchsorted(domain, domain)
    places: Ints = np.arange(len(domain)) - first
    return places
