"""A group as a tree of its parts, with the pods each part needs at least.

Pods go by number: those that are placed 0, 1 ... in rank order, then those that wait. So lower
numbers count first: what holds a node already, then what comes first in rank order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from powertrain_scheduler.snapshot import PodGroup, SubGroup, Topology


@dataclass(eq=False, slots=True)
class Branch:
    """The group (nameless) or one of its parts."""

    name: str
    min_member: int
    min_subgroups: int | None
    topology: Topology
    own: list[int] = field(default_factory=list)
    """Pods that belong to no part of its own; leaving ones are nowhere."""
    parts: list["Branch"] = field(default_factory=list)
    """In the order in which they are listed."""
    counted: list["Branch"] = field(default_factory=list)
    """The parts that belong to its minimum."""
    pods: list[int] = field(default_factory=list)
    """All of its pods, its parts' included."""
    least: frozenset[int] = frozenset()
    """The pods it needs, as far as they exist."""
    short: int = 0
    """How many more it would need."""

    def every(self) -> Iterator["Branch"]:
        """Itself and all parts below it."""
        yield self
        for part in self.parts:
            yield from part.every()


def tree(group: PodGroup, favoured: str = "") -> Branch:
    """The group's tree; the part `favoured` counts before others that would do as well.

    Parts whose parent is not there, or lies below themselves, are taken for the group's own.
    """
    root = Branch("", group.min_member, group.min_subgroups, group.topology)
    said = {part.name: part for part in group.subgroups}
    branches = {
        name: Branch(name, part.min_member, part.min_subgroups, part.topology) for name, part in said.items()
    }
    for name, part in said.items():
        above = root if circular(said, name) else branches.get(part.parent, root)
        above.parts.append(branches[name])
    for number, pod in enumerate(group.placed):
        if not pod.leaving:
            branches.get(pod.subgroup, root).own.append(number)
    for number, waiting in enumerate(group.waiting, start=len(group.placed)):
        branches.get(waiting.subgroup, root).own.append(number)
    _settle(root, len(group.placed), favoured)
    return root


def circular(said: dict[str, SubGroup], name: str) -> bool:
    """Whether going up from the part never ends."""
    seen, at = {name}, said[name].parent
    while at in said:
        if at in seen:
            return True
        seen.add(at)
        at = said[at].parent
    return False


def _settle(branch: Branch, first_waiting: int, favoured: str) -> None:
    """Fills in what a branch needs, from its leaves up."""
    for part in branch.parts:
        _settle(part, first_waiting, favoured)
    branch.pods = sorted([*branch.own, *(pod for part in branch.parts for pod in part.pods)])

    def place(part: Branch) -> tuple[bool, int, bool]:
        """Those first that run, then those that have begun, then as they are listed."""
        new = any(pod >= first_waiting for pod in part.least)
        begun = bool(part.pods) and part.pods[0] < first_waiting
        return part.short > 0, 0 if not new else 1 if begun else 2, part.name != favoured

    ranked = sorted(branch.parts, key=place)
    needs = len(ranked) if branch.min_subgroups is None else min(branch.min_subgroups, len(ranked))
    branch.counted = ranked[:needs]
    least = {pod for part in branch.counted for pod in part.least}
    branch.short = sum(part.short for part in branch.counted) + max(
        0, (branch.min_subgroups or 0) - len(ranked)
    )
    rest = [*branch.own, *(pod for part in branch.counted for pod in part.pods)]
    _top_up(least, rest, branch.min_member)
    for part in ranked[needs:]:
        if len(least) < branch.min_member and not part.short:
            branch.counted.append(part)
            least |= part.least
            _top_up(least, part.pods, branch.min_member)
    branch.least = frozenset(least)
    branch.short += max(0, branch.min_member - len(least) - branch.short)


def _top_up(least: set[int], rest: list[int], number: int) -> None:
    """Adds of the rest, the lowest first, until there are so many."""
    if len(least) < number:
        least.update(sorted(set(rest) - least)[: number - len(least)])
