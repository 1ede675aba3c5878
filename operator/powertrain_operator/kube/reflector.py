"""A store that follows one kind in the API server: list once, then watch, for as long as it runs.

    list (in pages) ──> store.replace ──> watch from the list's version ──> store.put / remove
         ^                                    │ ended or cut: watch again from the last version
         └──── 410, or a refused version ─────┘

Readers see each change once, in order, through `on_change`, and the present state in `store`.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

import msgspec

from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import (
    ApiError,
    BadRequest,
    Gone,
    Invalid,
    NotFound,
    Unreachable,
    from_status,
)
from powertrain_operator.kube.resources import Resource
from powertrain_operator.kube.retry import REAL, Waiting
from powertrain_operator.kube.store import OnChange, Store, version_of, version_text
from powertrain_operator.kube.wire import Added, Bookmark, Deleted, Failed, Lines, Modified, Unreadable, Wire

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Sizes and seconds of listing and watching."""

    page: int = 500
    watch: float = 300.0
    """The server is asked to end a watch after this long, give or take a tenth."""
    silence: float = 90.0
    """A watch that brings nothing for so long, not even its minutely bookmark, is taken for dead."""
    first_wait: float = 0.1
    longest_wait: float = 30.0
    """Between attempts; doubled for each failure in a row."""


UNHURRIED = Pace()

_LIST_ANEW = (Gone, BadRequest, Invalid, NotFound)
_FROM_THE_FUTURE = "Too large resource version"
"""What the API server says (504) when its store was set back to before our version."""


class Reflector(Generic[T]):
    """Follows one kind. `type` is a struct with `metadata`, or `dict`.

    `on_change` runs in the event loop and must be quick; what it raises is logged and goes no further.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        type: type[T],
        *,
        on_change: OnChange[T],
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
        pace: Pace = UNHURRIED,
        waiting: Waiting = REAL,
    ) -> None:
        self.synced = asyncio.Event()
        """Set once the first list is in the store."""
        self.trouble: str | None = None
        """Why the store may be behind the API server; None while all is well."""
        self._store = Store[T](resource.kind, on_change)
        self._wire = Wire[T](resource.kind, type)
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._pace = pace
        self._waiting = waiting
        self._version = ""
        self._failures = 0

    @property
    def store(self) -> Mapping[str, T]:
        """Objects by `namespace/name`, or `name`; a view of the present, so copy it across an `await`."""
        return self._store.objects

    async def run(self) -> NoReturn:
        """List and watch until cancelled; failures are waited out."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except (ApiError, msgspec.DecodeError) as failure:
                await self._after(failure)

    async def _list(self) -> None:
        try:
            items, unreadable, version = await self._pages(self._pace.page)
        except Gone:  # the pages' moment was compacted away before the last one: all at once, then
            items, unreadable, version = await self._pages(0)
        self._store.replace(items, keep=unreadable)
        self._version = version
        self.synced.set()

    async def _pages(self, limit: int) -> tuple[list[T], set[str], str]:
        items: list[T] = []
        unreadable: set[str] = set()
        cursor = ""
        while True:
            body = await self._client.list_page(
                self._resource,
                self._namespace,
                labels=self._labels,
                fields=self._fields,
                limit=limit,
                cursor=cursor,
            )
            more, skipped, metadata = self._wire.page(body)
            items += more
            unreadable.update(skipped)
            cursor = metadata.continue_
            if not cursor:
                return items, unreadable, metadata.resource_version

    async def _watch(self) -> None:
        """One watch to its end. Raises ApiError or msgspec.DecodeError where that is not a good one."""
        opened = self._waiting.clock()
        heard = False
        lines = Lines()
        async with self._client.watch(
            self._resource,
            self._namespace,
            labels=self._labels,
            fields=self._fields,
            resource_version=self._version,
            seconds=int(self._pace.watch * (0.9 + 0.2 * self._waiting.random())),
            silence=self._pace.silence,
        ) as pieces:
            self._well()
            async for piece in pieces:
                for line in lines.feed(piece):
                    self._take(line)
                    heard = True
                await asyncio.sleep(0)  # a full buffer must not keep the other tasks waiting
        if not heard and self._waiting.clock() - opened < 1.0:
            raise Unreachable("the watch ended as soon as it was opened", sent=True)
        self._failures = 0

    def _take(self, line: bytes) -> None:
        event = self._wire.event(line)
        if isinstance(event, Failed):
            raise from_status(event.object)
        self._failures = 0
        match event:
            case Added() | Modified():
                self._store.put(event.object)
            case Deleted():
                self._store.remove(event.object)
            case Bookmark():
                self._version = event.object.metadata.resource_version
                return
            case Unreadable():
                pass
        self._advance(event.object)

    def _advance(self, obj: object) -> None:
        """Go on from here after a cut; a late event does not take us back."""
        if not version_of(obj) or version_of(obj) > (int(self._version) if self._version.isdecimal() else 0):
            self._version = version_text(obj)

    def _well(self) -> None:
        if self.trouble is not None:
            _log.info("%s: following the API server again", self._resource.plural)
        self.trouble = None

    async def _after(self, failure: ApiError | msgspec.DecodeError) -> None:
        """Note what went wrong, decide whether to list anew, and wait."""
        self._failures += 1
        if isinstance(failure, _LIST_ANEW) or _FROM_THE_FUTURE in str(failure):
            self._version = ""
        if str(failure) != self.trouble:
            _log.warning("%s: %s", self._resource.plural, failure)
        self.trouble = str(failure)
        pace = self._pace
        wait = min(pace.longest_wait, pace.first_wait * 2.0 ** min(self._failures - 1, 30))
        wait *= (1 + self._waiting.random()) / 2
        asked = getattr(failure, "retry_after", None) or 0.0
        await self._waiting.sleep(max(wait, asked))
