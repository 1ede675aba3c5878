"""What is known of one kind: objects by key, and who is told when they change.

No I/O. Whatever order and repetition the changes arrive in, a newer version never gives way to an
older one, and a deleted object does not come back by a late event.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

OnChange = Callable[[str, T | None, T | None], None]
"""Called with key, what was known (None: new) and what is so now (None: gone)."""

REMEMBERED_DELETIONS = 4096

_log = logging.getLogger(__name__)


class Store(Generic[T]):
    """Objects by `namespace/name`, or by `name` where there are no namespaces."""

    def __init__(self, what: str, on_change: OnChange[T]) -> None:
        self._what = what
        self._on_change = on_change
        self._objects: dict[str, T] = {}
        self._deleted: dict[str, int] = {}
        self.objects: Mapping[str, T] = MappingProxyType(self._objects)
        """The present state, for reading; a view that changes under an `await`."""

    def replace(self, listed: Iterable[T], keep: Collection[str] = ()) -> None:
        """Take a complete list as the truth and tell the differences, deletions first.

        `keep` names objects that the list has in a form we cannot read: what was known of them stays.
        """
        self._deleted.clear()
        now = {key_of(obj): obj for obj in listed}
        for key in [key for key in self._objects if key not in now and key not in keep]:
            self._tell(key, self._objects.pop(key), None)
        for key, obj in now.items():
            old = self._objects.get(key)
            if old is None or version_text(old) != version_text(obj):
                self._put(key, old, obj)

    def put(self, obj: T) -> None:
        """An object was added or changed."""
        key = key_of(obj)
        old = self._objects.get(key)
        known = version_of(old) if old is not None else self._deleted.get(key, 0)
        if 0 < version_of(obj) <= known:
            return
        self._put(key, old, obj)

    def remove(self, obj: Any) -> None:
        """An object was deleted, or no longer matches the selectors; only its metadata is looked at."""
        key, version = key_of(obj), version_of(obj)
        old = self._objects.get(key)
        if old is not None and 0 < version < version_of(old):
            return
        self._remember_deletion(key, version)
        if old is not None:
            del self._objects[key]
            self._tell(key, old, None)

    def _put(self, key: str, old: T | None, new: T) -> None:
        if old is not None and _uid(old) != _uid(new):  # its deletion was never seen
            del self._objects[key]
            self._tell(key, old, None)
            old = None
        self._objects[key] = new
        self._tell(key, old, new)

    def _remember_deletion(self, key: str, version: int) -> None:
        self._deleted.pop(key, None)
        self._deleted[key] = version
        if len(self._deleted) > REMEMBERED_DELETIONS:
            del self._deleted[next(iter(self._deleted))]

    def _tell(self, key: str, old: T | None, new: T | None) -> None:
        try:
            self._on_change(key, old, new)
        except Exception:  # noqa: BLE001 - a fault with one object must not end the stream for all others
            _log.exception("%s %s: the change was not taken in", self._what, key)


def key_of(obj: Any) -> str:
    """`namespace/name`, or `name`, of a struct with `metadata` or of a plain dict."""
    if isinstance(obj, dict):
        metadata = obj["metadata"]
        namespace, name = metadata.get("namespace"), metadata["name"]
    else:
        namespace, name = obj.metadata.namespace, obj.metadata.name
    return f"{namespace}/{name}" if namespace else name


def version_of(obj: Any) -> int:
    """The resourceVersion, which orders changes of one kind; 0 where it is no number."""
    text = version_text(obj)
    return int(text) if text.isdecimal() else 0


def version_text(obj: Any) -> str:
    if isinstance(obj, dict):
        return str(obj["metadata"].get("resourceVersion", ""))
    return str(obj.metadata.resource_version)


def _uid(obj: Any) -> str:
    return str(obj["metadata"].get("uid", "") if isinstance(obj, dict) else obj.metadata.uid)
