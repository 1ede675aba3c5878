"""Nodes on which groups' pods failed, counted so that a node that keeps failing a group is avoided for it.

One cause fells many members: when one fails its peers die of broken connections. So of an attempt only the
first failure is counted; pods made after it belong to the next attempt.
"""

from collections.abc import Mapping

MOST_NODES = 32
"""Nodes remembered for one group; the least failing are forgotten first."""


class Failures:
    """Failures by group and node."""

    def __init__(self) -> None:
        self._failures: dict[str, dict[str, int]] = {}
        self._newest: dict[str, float] = {}
        """When the youngest member of the last attempt that failed was made."""

    def of(self, group: str) -> Mapping[str, int]:
        """By node, how often it failed the group."""
        return self._failures.get(group, {})

    def note(self, group: str, node: str, created: float, newest: float) -> bool:
        """A pod of the group, made at `created`, failed on the node; the youngest member was made at `newest`.

        False where its attempt's failure is counted already.
        """
        if created <= self._newest.get(group, -1.0):
            return False
        self._newest[group] = newest
        counts = {**self.of(group), node: self.of(group).get(node, 0) + 1}
        most = sorted(counts.items(), key=lambda entry: (entry[0] != node, -entry[1], entry[0]))[:MOST_NODES]
        self._failures[group] = dict(sorted(most))
        return True

    def recall(self, group: str, counts: Mapping[str, int]) -> bool:
        """What an earlier process counted; what this one has seen since goes first."""
        if not counts or group in self._failures:
            return False
        self._failures[group] = dict(counts)
        return True

    def forget(self, group: str) -> None:
        """The group is gone."""
        self._failures.pop(group, None)
        self._newest.pop(group, None)
