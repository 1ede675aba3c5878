"""The tree of queues by levels: who lies beside whom, for every queue at once."""

from dataclasses import dataclass

import numpy as np

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Ints


@dataclass(frozen=True, eq=False, slots=True)
class Beside:
    """What a queue on the way from the claimant to the root sees beside it, below what it shares with others."""

    depth: int
    """Levels above it."""
    rows: Mask
    """Queues of its siblings' subtrees."""
    inside: Mask
    """Queues of its own subtree."""


class Tree:
    """Each queue's ancestors by level; topmost queues are at level 0."""

    def __init__(self, fleet: Fleet) -> None:
        paths = [fleet.ancestry[queue.name][::-1] for queue in fleet.queue_list]
        self.above: Ints = np.full((max(map(len, paths)), len(paths)), -1, dtype=np.int64)
        """By level and queue row, the row of its ancestor there, itself included; -1 where it lies higher."""
        for row, path in enumerate(paths):
            self.above[: len(path), row] = path

        self._fleet = fleet
        self._known: dict[str, list[Beside]] = {}

    def beside(self, queue: str) -> list[Beside]:
        """For a queue and those above it, from its own row to the root's."""
        if queue not in self._known:
            self._known[queue] = self._beside(self._fleet.ancestry[queue])
        return self._known[queue]

    def _beside(self, path: tuple[int, ...]) -> list[Beside]:
        found = []
        for i, row in enumerate(path):
            depth = len(path) - 1 - i
            inside = self.above[depth] == row
            shared = self.above[depth - 1] == path[i + 1] if depth else np.ones_like(inside)
            found.append(Beside(depth, shared & (self.above[depth] >= 0) & ~inside, inside))
        return found

    def topmost(self, depth: int, among: Mask) -> Ints:
        """Per queue, the highest of itself and its ancestors from that level down that is `among` them; -1 for none."""
        found = np.full(self.above.shape[1], -1, dtype=np.int64)
        for level in self.above[depth:]:
            hit = (found < 0) & (level >= 0) & among[level]
            found[hit] = level[hit]
        return found
