"""Who is where, as far as rules about other pods ask: how many pods a selector picks on each node, and
how many keep others away.

Kept by a session, and only for selectors and terms that somebody's rules name: where nobody has such
rules there is nothing in here. Copies share their arrays until one of them changes.
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.snapshot import PodClass, PodSelector, PodTerm

Ints = NDArray[np.int64]
K = TypeVar("K", bound=Hashable)


class Neighbours:
    """Counts by node, one vector (shape (nodes,)) for each selector and each term."""

    def __init__(
        self,
        size: int,
        matching: Mapping[PodSelector, Ints] | None = None,
        repelling: Mapping[PodTerm, Ints] | None = None,
        alone: bool = False,
    ) -> None:
        self._nobody: Ints = np.zeros(size, dtype=np.int64)
        self._matching = dict(matching or {})
        self._repelling = dict(repelling or {})
        self._own: set[int] = set()
        """Ids of the arrays that no copy shares."""
        self.alone = alone
        """Nobody but the group that is asked about is there: who must be near others is thought to be."""

    def copy(self) -> "Neighbours":
        """The same counts, which change apart from these."""
        self._own.clear()
        return Neighbours(len(self._nobody), self._matching, self._repelling, self.alone)

    def matching(self, selector: PodSelector) -> Ints:
        """Per node, pods that the selector picks. Read only."""
        return self._matching.get(selector, self._nobody)

    def repelling(self) -> Mapping[PodTerm, Ints]:
        """Per term, pods by node that have it as a required anti-affinity. Read only."""
        return self._repelling

    def change(self, pod_class: PodClass, rows: Ints, counts: Ints) -> None:
        """`counts[i]` more pods of the class (fewer where negative) are on `rows[i]`; rows are distinct."""
        for selector in pod_class.matched:
            self._writable(self._matching, selector)[rows] += counts
        for term in pod_class.apart:
            self._writable(self._repelling, term)[rows] += counts

    def _writable(self, table: dict[K, Ints], key: K) -> Ints:
        known = table.get(key)
        if known is None or id(known) not in self._own:
            known = table[key] = (self._nobody if known is None else known).copy()
            self._own.add(id(known))
        return known
