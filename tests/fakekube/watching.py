"""Open watches: what each is told, and how they are broken."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fakekube.objects import Change, Kind
from fakekube.selectors import Matches

CUT = b""
"""In a watcher's queue: break the connection; None there ends the watch properly."""


@dataclass(eq=False)
class Watcher:
    kind: Kind
    matches: Matches
    connected: Callable[[], bool]
    ending: bool = False
    queue: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)

    def tell(self, change: Change) -> None:
        """An object that enters or leaves the selection is added or deleted for this watcher."""
        if change.kind != self.kind:
            return
        was = self.matches(change.before)
        now = change.type != "DELETED" and self.matches(change.object)
        if was or now:
            type = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
            self.queue.put_nowait(line(type, change.object))


class Watchers:
    """All open watches."""

    def __init__(self) -> None:
        self._open: set[Watcher] = set()

    def count(self, kind: Kind | None = None) -> int:
        """Those that are connected and have not been told to end."""
        return sum(w.connected() and not w.ending and kind in (None, w.kind) for w in self._open)

    def open(self, watcher: Watcher, missed: Iterable[Change]) -> None:
        for change in missed:
            watcher.tell(change)
        self._open.add(watcher)

    def close(self, watcher: Watcher) -> None:
        self._open.discard(watcher)

    async def some(self, kind: Kind | None) -> None:
        """Returns when one is open."""
        async with asyncio.timeout(5):
            while not self.count(kind):
                await asyncio.sleep(0.001)

    def tell(self, change: Change) -> None:
        for watcher in self._open:
            watcher.tell(change)

    def send(self, *items: bytes | None) -> None:
        for watcher in self._open:
            for item in items:
                watcher.queue.put_nowait(item)
            watcher.ending = watcher.ending or None in items or CUT in items


def line(type: str, obj: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": type, "object": obj}).encode() + b"\n"
