"""How long work really ran over what was said of it, by owner: what estimates of starts are corrected with.

Kept in the statuses of the queues that the work ran in, so that the next leader goes on from there. An
owner is a namespace. One group moves the figure by a fifth of the way, and no figure leaves 0.1 to 10:
one job that was given up at once, or forgot to end, proves little.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Entry = dict[str, Any]
STEP = 0.2
LEAST, MOST = 0.1, 10.0
OWNERS = 128
"""Most owners remembered by queue; the oldest news go first."""


class Run(NamedTuple):
    """A group that ended well."""

    queue: str
    owner: str
    started: float
    """Seconds since the epoch."""
    expected: float
    """Seconds that it was said to run."""


class Experience:
    """Ratios by queue and owner."""

    def __init__(self) -> None:
        self._ratios: dict[str, dict[str, float]] = {}
        self._changed = False

    def recall(self, queue: str, entries: Iterable[Mapping[str, Any]]) -> None:
        """What a queue's status has on record; what is known already counts more."""
        known = self._ratios.setdefault(queue, {})
        for entry in entries:
            if entry["owner"] not in known:
                known[entry["owner"]] = min(MOST, max(LEAST, float(entry["ratio"])))
                self._changed = True

    def note(self, run: Run, now: float) -> None:
        """The group has ended."""
        if run.expected <= 0 or now <= run.started:
            return
        known = self._ratios.setdefault(run.queue, {})
        before = known.pop(run.owner, 1.0)
        ratio = min(MOST, max(LEAST, (now - run.started) / run.expected))
        known[run.owner] = math.exp((1 - STEP) * math.log(before) + STEP * math.log(ratio))
        while len(known) > OWNERS:
            del known[next(iter(known))]
        self._changed = True

    def entries(self, queue: str) -> list[Entry]:
        """For the queue's status, by owner."""
        known = self._ratios.get(queue, {})
        return [{"owner": owner, "ratio": round(known[owner], 2)} for owner in sorted(known)]

    def news(self) -> Mapping[str, float] | None:
        """By owner, the mean over the queues; None where nothing changed since the last call."""
        if not self._changed:
            return None
        self._changed = False
        logs: dict[str, list[float]] = {}
        for known in self._ratios.values():
            for owner, ratio in known.items():
                logs.setdefault(owner, []).append(math.log(ratio))
        return {owner: round(math.exp(sum(each) / len(each)), 2) for owner, each in logs.items()}
