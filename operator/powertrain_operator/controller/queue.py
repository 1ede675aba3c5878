"""Which object is looked at next.

An object is in the queue at most once, and never looked at by two workers at a time: what happens
to it meanwhile has it looked at again afterwards. Between two looks it rests, in proportion to what the
last one took, so that a gang of thousands whose pods change one by one does not fill a core.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

K = TypeVar("K")


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """What an asyncio event loop has, as far as it is needed here."""

    def time(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[K], None], argument: K, /) -> Timer: ...


FIRST_RETRY = 0.25
LONGEST_RETRY = 300.0
"""Seconds before an object whose reconciliation failed is tried again; doubled for each failure in a row."""


class WorkQueue(Generic[K]):
    """First come, first served, except for what has to wait."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or asyncio.get_running_loop()
        self._ready: deque[K] = deque()
        self._queued: set[K] = set()
        self._busy: set[K] = set()
        self._resting: dict[K, Timer] = {}
        self._again: set[K] = set()
        """Changed while busy or resting."""
        self._due: dict[K, tuple[float, Timer]] = {}
        self._failures: dict[K, int] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def depth(self) -> int:
        """Objects that could be looked at now."""
        return len(self._ready)

    def add(self, key: K) -> None:
        """Have it looked at as soon as may be."""
        if key in self._busy or key in self._resting:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.append(key)
            self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """Have it looked at in so many seconds, if nothing brings it up before. The soonest wish counts."""
        at = self._clock.time() + max(seconds, 0.0)
        wish = self._due.get(key)
        if wish is not None:
            if wish[0] <= at:
                return
            wish[1].cancel()
        self._due[key] = (at, self._clock.call_at(at, self._come_due, key))

    def retry(self, key: K) -> float:
        """Have it looked at after a wait that doubles with each failure in a row; the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        seconds = min(FIRST_RETRY * 2.0 ** min(failures, 30), LONGEST_RETRY)
        self.add_after(key, seconds)
        return seconds

    def succeeded(self, key: K) -> None:
        """Its failures are no longer in a row."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next one. `done` must follow."""
        while not self._ready:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
        key = self._ready.popleft()
        self._queued.discard(key)
        self._busy.add(key)
        if (wish := self._due.pop(key, None)) is not None:
            wish[1].cancel()
        return key

    def done(self, key: K, rest: float = 0.0) -> None:
        """It has been looked at; it is not looked at again for `rest` seconds."""
        self._busy.discard(key)
        if rest > 0:
            self._resting[key] = self._clock.call_at(self._clock.time() + rest, self._rested, key)
        elif key in self._again:
            self._again.discard(key)
            self.add(key)

    def _rested(self, key: K) -> None:
        self._resting.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _come_due(self, key: K) -> None:
        self._due.pop(key, None)
        self.add(key)

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
