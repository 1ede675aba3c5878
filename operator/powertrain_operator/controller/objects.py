"""TrainingJobs and InferenceServices as they were last seen: by kopf, or in the answer to a write of ours.

Whichever is newer counts, so that a decision is never taken on a status older than the one we
wrote ourselves. kopf does not tell of deletions that happen while its watch is down: whoever acts
on an object that is not there learns it from the API server and calls `forget`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from powertrain_operator.controller.keys import RESOURCES, Key, key_of
from powertrain_operator.kube.store import version_of

Json = dict[str, Any]


class Objects:
    """`changed` is called with the key of whatever somebody else has changed."""

    def __init__(self, changed: Callable[[Key], None]) -> None:
        self._changed = changed
        self._objects: dict[Key, Json] = {}

    def __iter__(self) -> Iterator[tuple[Key, Json]]:
        return iter(list(self._objects.items()))

    def get(self, key: Key) -> Json | None:
        """The object as the API server had it; not to be changed."""
        return self._objects.get(key)

    def seen(self, type: str | None, manifest: Json) -> None:
        """An event of kopf's; `type` is None for what it has listed."""
        if manifest.get("kind") not in RESOURCES:
            return
        key = key_of(manifest)
        known = self._objects.get(key)
        if type == "DELETED":
            if known is None or _uid(known) == _uid(manifest):
                self._objects.pop(key, None)
            self._changed(key)
        elif known is None or _is_newer(manifest, known):
            self._objects[key] = _lean(manifest)
            self._changed(key)

    def wrote(self, manifest: Json) -> None:
        """The API server's answer to a read or a write of ours."""
        key = key_of(manifest)
        known = self._objects.get(key)
        if known is None or _is_newer(manifest, known):
            self._objects[key] = _lean(manifest)

    def forget(self, key: Key, uid: str) -> None:
        """The API server says that the object of that uid is not there."""
        known = self._objects.get(key)
        if known is not None and _uid(known) == uid:
            del self._objects[key]


def _is_newer(one: Json, other: Json) -> bool:
    """Another object of the name, or a later version of the same."""
    return _uid(one) != _uid(other) or not version_of(one) or version_of(one) > version_of(other)


def _uid(manifest: Json) -> str:
    return str(manifest["metadata"].get("uid", ""))


def _lean(manifest: Json) -> Json:
    """Without what nobody reads and what is often the largest part of an object."""
    metadata = {field: value for field, value in manifest["metadata"].items() if field != "managedFields"}
    return {**manifest, "metadata": metadata}
