"""The search for a group's nodes: its tree of wishes, branch by branch, domain by domain.

A branch takes the tightest domain that holds all it has; inside, the parts and classes of pods are
placed one after another, those that are hardest to place first. One that finds no room is tried
first the next time. Several classes that compete for the same nodes are decided together at last.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from powertrain_scheduler import scores
from powertrain_scheduler.asks import Ask, Branch, Need, Option, Part
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.gang import company, domains, layout, mixed
from powertrain_scheduler.gang.domains import ANYWHERE
from powertrain_scheduler.gang.layout import Nodes, Scope
from powertrain_scheduler.gang.rooms import allowed, named, room
from powertrain_scheduler.gang.trial import Trial
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import Slice

TRIES = 512
"""Most domains in which branches are tried in one search; a group that needs more is thought not to fit."""

MIXED = 16
"""Most domains in which several classes are decided together in one search."""

Item = Branch | Need


class Search:
    """One search; the worlds are left as they were."""

    def __init__(self, wanted: Ask, worlds: Sequence[Session], option: Option) -> None:
        self._wanted, self._worlds, self._fleet = wanted, worlds, worlds[0].fleet
        self._known = domains.ladder(self._fleet, wanted, option)
        self._masks: dict[int, Mask | None] = {
            need.traits.number: allowed(self._fleet, wanted, need.traits, option) for need in wanted.needs
        }
        self._trial = Trial(wanted.group.queue, worlds)
        self._tries = TRIES
        self._mixes = MIXED
        self._together = False
        """The masks keep those who are to be near each other to one domain."""
        self.widened = 0
        """How many levels wider than wished the group lies."""

    def whole(self) -> tuple[Part, ...] | None:
        """Nodes for all that is wanted."""
        every = Scope(self._fleet.every_row, ANYWHERE)
        if any(int(self._room(need).sum()) < len(need.pods) for need in self._wanted.needs):
            return None
        found = self._branch(self._wanted.root, every, False, False)
        parts = tuple(self._trial.parts)
        self._trial.back(0)
        return parts if found else None

    # -- branches ----------------------------------------------------------------------------------

    def _branch(self, branch: Branch, whole: Scope, wished: bool, strict: bool) -> bool:
        """Places the branch inside the scope; `strict`: only as it wishes. Nothing is placed if it can't be."""
        anyhow = self._wanted.inside is not None
        inner = not strict and not anyhow and any(_prefers(part) for part in branch.parts)
        wished = wished or branch.wishes()
        number = len(self._trial.parts)
        if branch.topology.required and branch.topology.preferred:
            whole = self._labelled(whole, branch.topology.required)
        for widened, level in enumerate(domains.levels(self._known, branch.topology, whole.level, anyhow)):
            if strict and widened:
                break
            for as_wished in (True, False) if inner else (strict,):
                for scope in self._scopes(branch, whole, level):
                    self._tries -= 1
                    if self._somewhere(branch, scope, wished, as_wished):
                        self.widened += widened
                        return True
                    self._trial.back(number)
                    if self._tries < 0:
                        return False
        return False

    def _labelled(self, whole: Scope, required: str) -> Scope:
        """Its nodes that lie in a domain of the required level: those of narrower levels need not."""
        codes = self._known.columns[self._known.place(required)].codes[whole.rows]
        return whole if (codes >= 0).all() else Scope(whole.rows[codes >= 0], whole.level)

    def _scopes(self, branch: Branch, whole: Scope, level: int) -> Iterator[Scope]:
        """The domains of the level that may hold the branch, the best first."""
        if level == ANYWHERE:
            yield whole
            return
        column = self._known.columns[level]
        codes = column.codes[whole.rows]
        needs = _flat(branch)
        self._trial.show()
        rooms = [self._room(need)[whole.rows] for need in needs]
        if branch.here:
            anchor = np.array([member.row for member in branch.here], dtype=np.int64)
            candidates = domains.every_joined(column, anchor)
            candidates = candidates[:1] if branch.topology.required else candidates
        else:
            inner = Scope(whole.rows, level)
            candidates = layout.holding(self._fleet, branch, inner, self._known, rooms, needs)
            if len(needs) > 1 and candidates:
                number = len(column.values)
                holds = mixed.enough(self._worlds, needs, rooms, whole.rows, codes, number)
                candidates = [domain for domain in candidates if holds[domain]]
        for domain in candidates:
            yield Scope(whole.rows[np.flatnonzero(codes == domain)], level)

    def _somewhere(self, branch: Branch, scope: Scope, wished: bool, strict: bool) -> bool:
        """Places all that the branch has; where it founds its own neighbourhood, in one after another."""
        needs = _flat(branch)
        terms = company.founded(needs, self._worlds) if any(need.traits.heeding for need in needs) else ()
        if not terms:
            return self._contents(branch, scope, wished, strict)
        number, masks, together = len(self._trial.parts), self._masks, self._together
        inside = np.zeros(self._fleet.size, dtype=np.bool_)
        inside[scope.rows] = True
        rooms = [np.where(inside, self._room(need), 0) for need in needs]
        found = False
        for near in company.neighbourhoods(needs, self._worlds, terms, rooms):
            self._masks = company.kept_near(needs, terms, near, masks)
            self._together = near is not None
            if found := self._contents(branch, scope, wished, strict):
                break
            self._trial.back(number)
        self._masks, self._together = masks, together
        return found

    def _contents(self, branch: Branch, scope: Scope, wished: bool, strict: bool) -> bool:
        """Places everything the branch has inside the scope; what was placed before a failure is left."""
        items: list[Item] = [*sorted(branch.parts, key=_weight), *company.in_order(branch.needs)]
        number = len(self._trial.parts)
        for _ in range(2 * len(items)):
            failed = self._in_order(branch, items, scope, wished, strict)
            if failed is None:
                return True
            self._trial.back(number)
            if self._tries < 0 or all(_alike(items[failed], item) for item in items[:failed]):
                break
            items.insert(0, items.pop(failed))
        bound = branch.parts or branch.topology.slices
        if len(branch.needs) < 2 or bound or any(need.traits.heeding for need in branch.needs):
            return False
        return self._mixed(branch, scope)

    def _in_order(
        self, branch: Branch, items: Sequence[Item], scope: Scope, wished: bool, strict: bool
    ) -> int | None:
        """Places one item after another; the number of the one that finds no room, None if all do."""
        for number, item in enumerate(items):
            if isinstance(item, Branch):
                if not self._branch(item, scope, wished, strict):
                    return number
            elif not self._need(branch, item, scope, wished):
                return number
        return None

    # -- pods of one class -------------------------------------------------------------------------

    def _need(self, branch: Branch, need: Need, scope: Scope, wished: bool) -> bool:
        self._trial.show()
        heeding = company.heeds(self._worlds, need.traits)
        if heeding and not company.settled(self._worlds, need.traits, self._together):
            return self._one_by_one(need, scope.rows, branch.topology.slices)
        fits = self._room(need)
        fits = company.admitted(self._worlds, need.traits, fits) if heeding else fits
        key = (company.keys if heeding else scores.keys)(self._worlds[0], need.traits)
        if scope.level != ANYWHERE:
            fits, key = fits[scope.rows], key[scope.rows]
        used = layout.used(scope, branch, self._trial.parts, self._fleet.size) if wished else None
        nodes = Nodes(fits, key, used)
        found = layout.pieces(self._fleet, self._wanted, branch, need, scope, self._known, nodes)
        return found is not None and all(
            self._add(each, scope.rows, counts) for each, counts in _cut(need, found)
        )

    def _one_by_one(self, need: Need, rows: Ints, slices: Sequence[Slice]) -> bool:
        """Places pods that heed each other on the best node of the moment, every slice in the first domain that holds it."""
        if not slices:
            self._trial.show()
            mask = self._masks[need.traits.number]
            counts = company.one_by_one(self._wanted, need, self._worlds, mask, rows)
            return counts is not None and self._add(need, rows, counts)
        codes = self._known.columns[self._known.place(slices[0].within)].codes[rows]
        domains_here = np.unique(codes[codes >= 0]).tolist()
        for start in range(0, len(need.pods), slices[0].size):
            block = Need(need.traits, need.pods[start : start + slices[0].size])
            inside = (rows[np.flatnonzero(codes == domain)] for domain in domains_here)
            if not any(self._block(block, each, slices[1:]) for each in inside):
                return False
        return True

    def _block(self, block: Need, rows: Ints, slices: Sequence[Slice]) -> bool:
        number = len(self._trial.parts)
        if self._one_by_one(block, rows, slices):
            return True
        self._trial.back(number)
        return False

    def _mixed(self, branch: Branch, scope: Scope) -> bool:
        """Classes that compete for the same nodes, each placed with an eye to the others."""
        self._mixes -= 1
        if self._mixes < 0:
            return False
        found = mixed.together(self._worlds, branch.needs, self._masks, scope.rows)
        if found is None:
            return False
        for need, counts in zip(branch.needs, found, strict=True):
            self._trial.show()
            if (counts > self._room(need)[scope.rows]).any() or not self._add(need, scope.rows, counts):
                return False
        return True

    def _room(self, need: Need) -> Ints:
        return room(self._worlds, need.traits, self._masks[need.traits.number])

    def _add(self, need: Need, rows: Ints, counts: Ints) -> bool:
        taken = np.flatnonzero(counts)
        parts, here = self._trial.parts, self._wanted.root.here
        last = int(parts[-1].rows[-1]) if parts else here[-1].row if here else None
        order = domains.rank_order(self._fleet, self._known, rows[taken], last)
        part = named(self._worlds, Part(need.traits, need.pods, rows[taken][order], counts[taken][order]))
        if part is not None:
            self._trial.add(part)
        return part is not None


def _flat(branch: Branch) -> list[Need]:
    """The branch's pods by class, its parts' included."""
    if not branch.parts:
        return list(branch.needs)
    found: dict[int, Need] = {}
    for each in branch.every():
        for need in each.needs:
            known = found.get(need.traits.number)
            found[need.traits.number] = need if known is None else Need(need.traits, known.pods + need.pods)
    return list(found.values())


def _cut(need: Need, pieces: Sequence[Ints]) -> Iterator[tuple[Need, Ints]]:
    """The need's pods, piece by piece in rank order."""
    start = 0
    for counts in pieces:
        pods = need.pods[start : start + int(counts.sum())]
        start += len(pods)
        yield Need(need.traits, pods), counts


def _weight(branch: Branch) -> tuple[bool, int, int]:
    """Parts that must lie in one domain first, then those of most devices, then of most pods."""
    needs = _flat(branch)
    devices = sum(int(need.traits.devices.max()) * len(need.pods) for need in needs)
    bound = any(each.topology.required for each in branch.every())
    return not bound, -devices, -sum(len(need.pods) for need in needs)


def _prefers(branch: Branch) -> bool:
    return any(each.topology.preferred for each in branch.every())


def _alike(one: Item, other: Item) -> bool:
    """Whether it makes no difference which of them is placed first."""
    if isinstance(one, Branch) and isinstance(other, Branch):
        return one.shape() == other.shape()
    return isinstance(one, Need) and isinstance(other, Need) and one.traits is other.traits
