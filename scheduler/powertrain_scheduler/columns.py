"""Nodes as columns: names, labels, taints and topology domains turned into arrays.

Worked out once for as long as the `NodeFacts` live and kept in their `memo`. Codes are small
whole numbers in the order of the sorted values, -1 where a node has no value.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.snapshot import NodeFacts, Taint

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]
T = TypeVar("T")

MEMO_ENTRIES = 2048
"""Most answers kept per `NodeFacts`; the oldest go first, as pod classes come and go."""


def remember(facts: NodeFacts, key: Hashable, build: Callable[[], T]) -> T:
    """What `build()` gives, worked out once per facts and key."""
    memo = facts.memo
    if key in memo:
        return cast(T, memo[key])
    while len(memo) >= MEMO_ENTRIES:
        del memo[next(iter(memo))]
    answer = build()
    memo[key] = answer
    return answer


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """One value a node: `values[codes[row]]`, none where the code is -1."""

    codes: Codes
    values: tuple[str, ...]

    def rows_where(self, hit: Callable[[str], bool], missing: bool = False) -> Mask:
        """Nodes whose value passes `hit`, asked once a distinct value."""
        answers = np.array([*(hit(value) for value in self.values), missing], dtype=np.bool_)
        return cast(Mask, answers[self.codes])


def row_of(facts: NodeFacts) -> dict[str, int]:
    """Row of each node by its name."""
    return remember(facts, "row of", lambda: {name: row for row, name in enumerate(facts.names)})


def column_of(facts: NodeFacts) -> dict[str, int]:
    """Column of each resource by its name."""
    return remember(facts, "column of", lambda: {name: i for i, name in enumerate(facts.resources)})


def label(facts: NodeFacts, key: str) -> Column:
    """Every node's value of one label."""
    return remember(facts, ("label", key), lambda: _column([labels.get(key) for labels in facts.labels]))


def domains(facts: NodeFacts, path: tuple[str, ...]) -> Column:
    """Topology domains of the last key in `path`, told apart by the wider keys before it.

    Two racks called `1` in different blocks are two domains, named `block/1` for people.
    """
    return remember(facts, ("domains", path), lambda: _domains(facts, path))


def _domains(facts: NodeFacts, path: tuple[str, ...]) -> Column:
    own = label(facts, path[-1])
    if len(path) == 1:
        return own
    wider = [label(facts, key) for key in path[:-1]]
    names: list[str | None] = []
    for row, code in enumerate(own.codes.tolist()):
        parts = [column.values[column.codes[row]] for column in wider if column.codes[row] >= 0]
        names.append("/".join([*parts, own.values[code]]) if code >= 0 else None)
    return _column(names)


def _column(raw: list[str | None]) -> Column:
    values = tuple(sorted({value for value in raw if value is not None}))
    code: dict[str | None, int] = {value: i for i, value in enumerate(values)}
    return Column(np.array([code.get(value, -1) for value in raw], dtype=np.int64), values)


@dataclass(frozen=True, eq=False, slots=True)
class TaintSets:
    """The distinct sets of taints, and which one each node has."""

    codes: Codes
    sets: tuple[tuple[Taint, ...], ...]


def taint_sets(facts: NodeFacts) -> TaintSets:
    """Nodes told apart by their taints alone: fleets have few distinct sets."""
    return remember(facts, "taints", lambda: _taint_sets(facts))


def _taint_sets(facts: NodeFacts) -> TaintSets:
    number: dict[tuple[Taint, ...], int] = {}
    codes = [number.setdefault(taints, len(number)) for taints in facts.taints]
    return TaintSets(np.array(codes, dtype=np.int64), tuple(number))
