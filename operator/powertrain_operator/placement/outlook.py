"""What every waiting group is told: the last plan's words, and placement's own where it holds one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from powertrain_scheduler.plan import Wait

from .cache.held import Held

_Words = tuple[str, str, float | None, str]
"""Reason, message, estimated start, nearest change."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a group waits, since when, and until when at a guess."""

    reason: str
    message: str
    since: float
    """Seconds since the epoch."""
    estimated_start: float | None = None
    nearest: str = ""
    """What would let it start, as a sentence; empty where nothing was found or looked for."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Groups of which something else is to be told than before."""

    urgent: frozenset[str]
    """Another reason, or they wait no more, or wait now."""
    slight: frozenset[str]
    """The same reason in other words or with another estimate."""


class Outlook:
    """Waiting groups by name."""

    def __init__(self, since: Callable[[str, float], float]) -> None:
        self.waiting: dict[str, Waiting] = {}
        self.first_estimates: dict[str, float] = {}
        """By group that waits, the first start that it was told; seconds since the epoch."""
        self._since = since

    def take(self, waits: Iterable[Wait], held: Mapping[str, Held], now: float) -> Difference:
        """Replace what is told by what a cycle decided; `held` goes first where both speak of a group."""
        told: dict[str, _Words] = {
            wait.group: (wait.reason.value, wait.message, wait.estimated_start, wait.nearest)
            for wait in waits
        }
        told |= {group: (why.reason.value, why.message, None, "") for group, why in held.items()}
        before, self.waiting = self.waiting, {}
        urgent: set[str] = set(before.keys() - told.keys())
        slight: set[str] = set()
        for group, (reason, message, estimate, nearest) in told.items():
            old = before.get(group)
            if old is not None and not nearest and (old.reason, old.message) == (reason, message):
                nearest = old.nearest  # it was not looked for again: others are before it in line now
            if old is not None and _words(old) == (reason, message, estimate, nearest):
                self.waiting[group] = old
                continue
            since = self._since(group, now) if old is None else old.since
            self.waiting[group] = Waiting(reason, message, since, estimate, nearest)
            (slight if old is not None and old.reason == reason else urgent).add(group)
        self._note_estimates()
        return Difference(frozenset(urgent), frozenset(slight))

    def _note_estimates(self) -> None:
        kept = self.first_estimates
        told = {name: each.estimated_start for name, each in self.waiting.items()}
        firsts = {name: kept.get(name, estimate) for name, estimate in told.items()}
        self.first_estimates = {name: first for name, first in firsts.items() if first is not None}


def _words(waiting: Waiting) -> _Words:
    return waiting.reason, waiting.message, waiting.estimated_start, waiting.nearest
