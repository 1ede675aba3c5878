"""List pages and watch lines as typed values; objects that do not decode are named, not fatal."""

import logging
from typing import Any, Generic, TypeVar

import msgspec

from powertrain_operator.api.cluster import Named
from powertrain_operator.kube.client import ListMetadata, Page, decoder
from powertrain_operator.kube.errors import Status
from powertrain_operator.kube.sharing import Sharing
from powertrain_operator.kube.store import key_of

T = TypeVar("T")

_log = logging.getLogger(__name__)


class _Event(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Added(_Event, Generic[T], frozen=True, tag="ADDED"):
    object: T


class Modified(_Event, Generic[T], frozen=True, tag="MODIFIED"):
    object: T


class Deleted(_Event, frozen=True, tag="DELETED"):
    object: Named


class Version(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class Versioned(msgspec.Struct, frozen=True):
    metadata: Version


class Bookmark(_Event, frozen=True, tag="BOOKMARK"):
    """Nothing changed up to this version."""

    object: Versioned


class Failed(_Event, frozen=True, tag="ERROR"):
    object: Status


class Unreadable(msgspec.Struct, frozen=True):
    """An added or changed object whose fields are not what we expect."""

    object: Named


Event = Added[T] | Modified[T] | Deleted | Bookmark | Failed | Unreadable


class Lines:
    """Cuts a stream into whole lines."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, piece: bytes) -> list[bytes]:
        lines = (self._tail + piece).split(b"\n")
        self._tail = lines.pop()
        return [line for line in lines if line]


class Wire(Generic[T]):
    """Decodes what the API server sends of one kind."""

    def __init__(self, what: str, type: type[T]) -> None:
        kind: Any = type
        self._what = what
        self._event = decoder(Added[kind] | Modified[kind] | Deleted | Bookmark | Failed)
        self._page = decoder(Page[kind])
        self._object = decoder(kind)
        self._share = Sharing()

    def event(self, line: bytes) -> Event[T]:
        """One watch line. Raises msgspec.DecodeError where it is cut or no watch event."""
        event: Event[T]
        try:
            event = self._event.decode(line)
        except msgspec.ValidationError as reason:
            unreadable: Unreadable = decoder(Unreadable).decode(line)
            self._complain(unreadable.object, reason)
            return unreadable
        if isinstance(event, Added | Modified):
            self._share(event.object)
        return event

    def page(self, body: bytes) -> tuple[list[T], list[str], ListMetadata]:
        """The objects, the keys of those that could not be read, and how the list goes on."""
        try:
            page: Page[T] = self._page.decode(body)
            items, unreadable, metadata = page.items, list[str](), page.metadata
        except msgspec.ValidationError:
            items, unreadable, metadata = self._page_one_by_one(body)
        for item in items:
            self._share(item)
        return items, unreadable, metadata

    def _page_one_by_one(self, body: bytes) -> tuple[list[T], list[str], ListMetadata]:
        raw = decoder(Page[msgspec.Raw]).decode(body)
        items: list[T] = []
        unreadable: list[str] = []
        for item in raw.items:
            try:
                items.append(self._object.decode(item))
            except msgspec.ValidationError as reason:
                named = decoder(Named).decode(item)
                self._complain(named, reason)
                unreadable.append(key_of(named))
        return items, unreadable, raw.metadata

    def _complain(self, named: Named, reason: Any) -> None:
        _log.warning("%s %s is not read: %s", self._what, key_of(named), reason)
