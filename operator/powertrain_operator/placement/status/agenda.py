"""Which groups are to be looked at when: each once, at the earliest time anyone asked for."""

import asyncio
import heapq

from ..timing import Timing


class Agenda:
    """Keys by due time. Asking again for a later time changes nothing, for an earlier one moves it up."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._earlier = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def put(self, key: str, after: float) -> None:
        """Have the key come up `after` seconds from now, or before."""
        due = self._timing.monotonic() + after
        if due >= self._due.get(key, float("inf")):
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))
        if self._heap[0] == (due, key):
            self._earlier.set()

    def drop(self, key: str) -> None:
        """There is nothing to look at any more."""
        self._due.pop(key, None)

    async def take(self) -> str:
        """The next key, when its time has come."""
        while True:
            while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
                heapq.heappop(self._heap)  # moved up, dropped or taken since
            wait = self._heap[0][0] - self._timing.monotonic() if self._heap else None
            if wait is not None and wait <= 0:
                _, key = heapq.heappop(self._heap)
                del self._due[key]
                return key
            self._earlier.clear()
            await self._timing.wait(self._earlier, wait)
