"""How the pods of one class lie inside a domain: which nodes of it take how many.

Without any wish the nodes of the least key are filled first. With one, they lie in few domains of
every level inside, near those of their group that are there already, in whole slices.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from powertrain_scheduler.asks import Ask, Branch, Need, Part
from powertrain_scheduler.fleet import Fleet, Ints
from powertrain_scheduler.gang import slices
from powertrain_scheduler.gang.domains import ANYWHERE, Ladder
from powertrain_scheduler.scores import arrange, tiers, topology
from powertrain_scheduler.scores.arrange import Places
from powertrain_scheduler.scores.tiers import Tier
from powertrain_scheduler.snapshot import Topology


class Scope(NamedTuple):
    """Nodes that share a domain of a level."""

    rows: Ints
    level: int
    """Its place in the ladder, -1 if they are all there are."""


class Nodes(NamedTuple):
    """The scope's nodes as pods of one class find them."""

    fits: Ints
    """For how many more there is room."""
    key: Ints
    """Which of equals comes first, least first."""
    used: Ints | None
    """How many pods of the group are there; None where that does not matter."""


def pieces(
    fleet: Fleet, wanted: Ask, branch: Branch, need: Need, scope: Scope, known: Ladder, nodes: Nodes
) -> list[Ints] | None:
    """How many of the need's pods each node of the scope takes, those of the first ranks, of the next and so on.

    None if too few fit.
    """
    fits, key, used = nodes
    pods, wish = len(need.pods), branch.topology
    how = wish.arrange or fleet.policy.arrange
    whole = scope.level != ANYWHERE and (used is None or not used.any())
    balanced = how == "balanced" and wish.preferred is not None and whole
    counts: Ints | None
    if wish.slices:
        inner = places(fleet, known, need, wish, scope, nodes)
        return slices.pieces(inner, _members(branch, need, scope, inner), pods, balanced)
    if wanted.inside is not None:
        counts = topology.all_over(fits, key, pods)
    elif how == "spread":
        levels = [column.codes[scope.rows] for column in known.columns[scope.level + 1 :]]
        counts = topology.spread(fits, key, levels, pods)
    elif used is None:
        counts = topology.packed(fits, key, pods)
    else:
        counts = arrange.together(places(fleet, known, need, wish, scope, nodes), pods, balanced)
    return None if counts is None else [counts]


def used(scope: Scope, branch: Branch, parts: Sequence[Part], size: int) -> Ints:
    """Pods of the group on each node of the scope: those it has, and those placed before."""
    there = np.zeros(size, dtype=np.int64)
    for part in parts:
        there[part.rows] += part.counts
    for member in branch.here:
        there[member.row] += 1
    return there[scope.rows]


def holding(
    fleet: Fleet, branch: Branch, scope: Scope, known: Ladder, rooms: Sequence[Ints], needs: Sequence[Need]
) -> list[int]:
    """Domains of the scope's level with room for the branch, the tightest first; of balanced ones the most even."""
    column, wish = known.columns[scope.level], branch.topology
    codes, number = column.codes[scope.rows], len(column.values)
    sizes, alone = [len(need.pods) for need in needs], len(needs) == 1
    levels = tier_list(known, wish, scope) if wish.slices and alone else ()
    found: list[int] = topology.holding(rooms, codes, number, sizes, levels).tolist()
    balanced = (wish.arrange or fleet.policy.arrange) == "balanced" and wish.preferred is not None and alone
    if not balanced or len(found) < 2 or branch.here:
        return found
    inside = places(fleet, known, needs[0], wish, scope, Nodes(rooms[0], scope.rows, None))
    least, few = arrange.evenness(inside, codes, number, sizes[0])
    candidates = np.array(found)
    return [found[i] for i in np.lexsort((few[candidates], -least[candidates])).tolist()]


def tier_list(known: Ladder, wish: Topology, scope: Scope) -> tuple[Tier, ...]:
    """The levels inside the scope's domain; those bound by slices take whole ones only.

    A level of single nodes is left out: nodes come last anyway.
    """
    grain = {each.within: each.size for each in wish.slices}
    levels = range(scope.level + 1, len(known.keys))
    found = (tiers.tier(known.columns[i].codes[scope.rows], grain.get(known.keys[i], 1)) for i in levels)
    return tuple(each for each in found if each.grain > 1 or each.number < len(scope.rows))


def places(fleet: Fleet, known: Ladder, need: Need, wish: Topology, scope: Scope, nodes: Nodes) -> Places:
    """The scope's nodes and the levels inside it.

    Pods with devices first go where their group is; those without, where none would lie idle beside them.
    """
    there = np.zeros(len(nodes.fits), dtype=np.int64) if nodes.used is None else nodes.used
    bare = (fleet.present[scope.rows] == 0).astype(np.int64)
    first = there if need.traits.device is not None else bare
    return Places(nodes.fits, nodes.key, there, tier_list(known, wish, scope), first)


def _members(branch: Branch, need: Need, scope: Scope, inner: Places) -> list[Ints]:
    """Per tier, how many pods of the class each domain has already."""
    rows = np.array([m.row for m in branch.here if m.traits is need.traits], dtype=np.int64)
    mine = np.bincount(rows, minlength=int(scope.rows.max(initial=-1)) + 1)[scope.rows]
    return [
        np.bincount(tier.codes, weights=mine, minlength=tier.number).astype(np.int64) for tier in inner.tiers
    ]
