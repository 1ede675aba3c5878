"""Kubernetes Events: what a person sees under `kubectl describe`.

Telling costs little and never blocks: events wait in a bounded queue for one writer. The same event
about the same object within `window` is not written again but counted; the count is written as the
event's series each time it has doubled, so that a thousand repetitions cost ten writes.
"""

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NoReturn

from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import ApiError, NotFound
from powertrain_operator.kube.lease import micro_time, wall_clock
from powertrain_operator.kube.resources import EVENTS
from powertrain_operator.kube.retry import REAL, Waiting

_log = logging.getLogger(__name__)

Type = Literal["Normal", "Warning"]
NOTE_BYTES = 1024
"""The API's limit; longer messages are cut."""
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The object an event is about; `namespace` is empty for cluster-wide kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class _Told:
    ref: ObjectRef
    type: Type
    reason: str
    message: str


@dataclass(slots=True)
class _Series:
    name: str
    until: float
    count: int = 1
    written: bool = False


class EventRecorder:
    """Call `record` from anywhere in the event loop, and keep `run()` running."""

    def __init__(
        self,
        client: Client,
        component: str,
        *,
        instance: str = "",
        window: float = 600.0,
        capacity: int = 1000,
        waiting: Waiting = REAL,
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        self.dropped = 0
        """Events lost because the queue was full."""
        self._client = client
        self._component = component
        self._instance = instance or f"{component}-{socket.gethostname()}"[:128]
        self._window = window
        self._waiting = waiting
        self._now = now
        self._series: dict[_Told, _Series] = {}
        self._queue: asyncio.Queue[tuple[_Told, _Series, datetime, int]] = asyncio.Queue(capacity)

    def record(self, ref: ObjectRef, type: Type, reason: str, message: str) -> None:
        """Queue the event; a repetition is only counted. `reason` is one CamelCase word."""
        told = _Told(ref, type, reason, message)
        series = self._series.get(told)
        if series is None or self._waiting.clock() >= series.until:
            series = self._begin(told)
        else:
            series.count += 1
            if series.count & (series.count - 1):  # not a power of two
                return
        try:
            self._queue.put_nowait((told, series, self._now(), series.count))
        except asyncio.QueueFull:
            self._drop(told)

    async def run(self) -> NoReturn:
        """Write the queued events one after another until cancelled; those that fail are dropped."""
        while True:
            told, series, when, count = await self._queue.get()
            try:
                await self._write(told, series, when, count)
            except ApiError as failure:
                _log.warning("event %s about %s %s was not written: %s", *_words(told), failure)
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        """Returns when all that was recorded has been written or dropped; `run()` must be running."""
        await self._queue.join()

    def _begin(self, told: _Told) -> _Series:
        name = f"{told.ref.name[:200]}.{uuid.uuid4().hex[:16]}"
        series = _Series(name, self._waiting.clock() + self._window)
        self._series.pop(told, None)
        self._series[told] = series
        if len(self._series) > REMEMBERED:
            del self._series[next(iter(self._series))]
        return series

    def _drop(self, told: _Told) -> None:
        self._series.pop(told, None)
        self.dropped += 1
        if not self.dropped & (self.dropped - 1):
            _log.warning("events come faster than they are written: %d dropped so far", self.dropped)

    async def _write(self, told: _Told, series: _Series, when: datetime, count: int) -> None:
        namespace = told.ref.namespace or "default"
        if series.written:
            update = {"series": {"count": count, "lastObservedTime": micro_time(when)}}
            try:
                await self._client.merge_patch(EVENTS, namespace, series.name, update)
                return
            except NotFound:  # it outlived the API server's own time limit for events
                series.name = f"{told.ref.name[:200]}.{uuid.uuid4().hex[:16]}"
        await self._client.create(EVENTS, self._event(told, series.name, when), namespace)
        series.written = True

    def _event(self, told: _Told, name: str, when: datetime) -> dict[str, Any]:
        ref = told.ref
        regarding = {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name, "uid": ref.uid}
        if ref.namespace:
            regarding["namespace"] = ref.namespace
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": name, "namespace": ref.namespace or "default"},
            "eventTime": micro_time(when),
            "reportingController": f"powertrain.dev/{self._component}",
            "reportingInstance": self._instance,
            "action": told.reason,
            "reason": told.reason,
            "type": told.type,
            "note": told.message.encode()[:NOTE_BYTES].decode(errors="ignore"),
            "regarding": regarding,
        }


def _words(told: _Told) -> tuple[str, str, str]:
    ref = told.ref
    return told.reason, ref.kind, f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
