"""Groups that were told to move: what of them is gone and has not been made anew yet.

Their owners make the pods anew a moment after the old ones have gone. In between nobody else would
know that the nodes held for them are still wanted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from powertrain_scheduler.snapshot import Pod

from ..translate.pods import PodFact

SECONDS = 120.0
"""Owners that have made no new pods so long after a move are not waited for any more."""


@dataclass(frozen=True, slots=True)
class _Move:
    at: float
    known: frozenset[str]
    """uids of all members at that time."""
    pods: Mapping[str, Pod]
    """By uid, those that were told to leave."""


class Moves:
    """Moves by group name, for as long as pods are missing."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        """When a group was last told to move; seconds since the epoch."""
        self._under_way: dict[str, _Move] = {}

    def begin(
        self,
        group: str,
        members: Mapping[str, PodFact],
        leaving: set[str],
        as_pod: Callable[[PodFact], Pod],
        now: float,
    ) -> None:
        """These pods of the group, by name, are told to leave."""
        pods = {pod.uid: as_pod(pod) for key, pod in members.items() if key in leaving}
        self.at[group] = now
        self._under_way[group] = _Move(now, frozenset(pod.uid for pod in members.values()), pods)

    def missing(self, group: str, members: Mapping[str, PodFact]) -> tuple[Pod, ...]:
        """Pods that are gone and have no successor yet."""
        if (move := self._under_way.get(group)) is None:
            return ()
        here = {pod.uid for pod in members.values()}
        new = len(here - move.known)
        if new >= len(move.pods):
            del self._under_way[group]
            return ()
        gone = [pod for uid, pod in move.pods.items() if uid not in here]
        return tuple(gone[: max(0, len(move.pods) - new)])

    def forget(self, group: str) -> None:
        """The group is no more."""
        self.at.pop(group, None)
        self._under_way.pop(group, None)

    def give_up(self, now: float) -> list[str]:
        """Groups whose pods were not made anew in time."""
        late = [group for group, move in self._under_way.items() if now >= move.at + SECONDS]
        for group in late:
            del self._under_way[group]
        return late

    def next_end(self) -> float | None:
        """When `give_up` next has something to do."""
        return min((move.at + SECONDS for move in self._under_way.values()), default=None)
