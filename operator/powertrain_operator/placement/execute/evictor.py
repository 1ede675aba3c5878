"""Evictions: the group's owner is told first, then each pod is asked to leave with its own grace.

A PodGroup is told in its status (one write for the whole gang), so that its owner can tell an
eviction from a failure; a plain pod by an Event. A pod that could not be asked stays, and the next
cycle decides anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from powertrain_scheduler.plan import Evict
from powertrain_scheduler.words import counted

from powertrain_operator.kube.errors import ApiError, Conflict, NotFound
from powertrain_operator.telemetry.metrics import SchedulerMetrics

from .. import names
from ..cache import Cache
from .writes import Fenced, Writes

_log = logging.getLogger(__name__)

DELETIONS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Eviction:
    """What one group loses to another."""

    group: str
    for_group: str
    reason: str
    pods: tuple[str, ...]

    @property
    def message(self) -> str:
        """One sentence for the owner of what is evicted."""
        pods, for_whom = counted(len(self.pods), "pod"), "/".join(names.split(self.for_group))
        if self.reason == "Consolidated":
            return f"{pods} had to move to make room for {for_whom}; nodes are held for the new start"
        what = (
            "takes back quota that its queue had lent" if self.reason == "Reclaimed" else "is more important"
        )
        return f"{pods} had to leave for {for_whom}, which {what}"


@dataclass(frozen=True, slots=True)
class Release:
    """A gang that could not be completed, and so gives back what it holds."""

    group: str
    pods: tuple[str, ...]
    """Those that hold nodes."""
    message: str


Tell = Callable[[Eviction], Awaitable[None]]
"""Tells the owner; raises ApiError where that failed and the eviction must not go on."""


class Evictor:
    """Carries out evictions, a few groups at once."""

    def __init__(self, writes: Writes, cache: Cache, metrics: SchedulerMetrics, tell: Tell) -> None:
        self._writes = writes
        self._cache = cache
        self._metrics = metrics
        self._tell = tell
        self._queue: asyncio.Queue[Eviction] = asyncio.Queue()
        self._turns = asyncio.Semaphore(DELETIONS_AT_ONCE)

    def put(self, evicts: Iterable[Evict]) -> None:
        """Carry these out; their pods count as leaving from now on."""
        for eviction in by_group(evicts):
            for pod in eviction.pods:
                self._cache.leaves(pod)
            self._queue.put_nowait(eviction)

    async def run(self, workers: int) -> None:
        """Work for as long as we lead."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            eviction = await self._queue.get()
            try:
                await self._tell(eviction)
            except (ApiError, Fenced) as failure:
                _log.warning("%s is not evicted, since it could not be told: %s", eviction.group, failure)
                for pod in eviction.pods:
                    self._cache.stays(pod)
                continue
            await asyncio.gather(*(self._delete(pod, eviction.reason) for pod in eviction.pods))

    async def _delete(self, pod: str, reason: str) -> None:
        async with self._turns:
            known = self._cache.pods.get(pod)
            if known is None:
                return
            try:
                await self._writes.delete_pod(names.split(pod), known.uid)
            except (Conflict, NotFound):
                return  # another pod by that name: the one we meant is gone
            except (ApiError, Fenced) as failure:
                _log.warning("pod %s could not be told to leave: %s", pod, failure)
                self._cache.stays(pod)
                return
            self._metrics.evicted(reason)


def by_group(evicts: Iterable[Evict]) -> list[Eviction]:
    """One eviction a group that loses pods, in the plan's order."""
    pods: dict[tuple[str, str, str], list[str]] = {}
    for evict in evicts:
        pods.setdefault((evict.group, evict.for_group, evict.reason), []).append(evict.pod)
    return [Eviction(*which, tuple(members)) for which, members in pods.items()]
