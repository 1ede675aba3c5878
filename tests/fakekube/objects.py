"""The fake's memory: objects with versions, their history, and the rules of writing them. No I/O.

Like the real one in what our code leans on: one growing resourceVersion, generations, no write where
nothing changes, the status subresource, server-side apply that takes back what its manager no longer
names, deletion with preconditions, finalizers and grace, binding. Simplified: lists are replaced as a
whole by apply, and nothing is validated.
"""

import copy
import uuid
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from powertrain_operator.kube.resources import OURS, Resource

Json = dict[str, Any]
SPEC_AND_STATUS_APART = {"pods", "nodes", *(resource.plural for resource in OURS)}


class Kind(NamedTuple):
    """A collection as paths name it."""

    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def of(cls, resource: Resource) -> "Kind":
        return cls(resource.group, resource.version, resource.plural)


class Key(NamedTuple):
    namespace: str
    name: str


class Change(NamedTuple):
    version: int
    kind: Kind
    type: str
    object: Json
    before: Json | None


class Refused(Exception):
    """An answer of 4xx."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class Objects:
    """All objects of the fake cluster; `listen` hears each change."""

    def __init__(self, listen: Callable[[Change], None]) -> None:
        self.version = 1000
        self.compacted = 0
        self.history: list[Change] = []
        self.graceful = False
        self._listen = listen
        self._kinds: dict[Kind, dict[Key, Json]] = {}
        self._applied: dict[tuple[Kind, Key, str, str], Json] = {}

    def of(self, kind: Kind) -> dict[Key, Json]:
        return self._kinds.setdefault(kind, {})

    def since(self, version: int) -> list[Change]:
        return self.history[bisect_right(self.history, version, key=lambda change: change.version) :]

    def compact(self) -> None:
        self.compacted = self.version
        self.history.clear()

    def collect_garbage(self) -> None:
        everything = [(k, key, obj) for k, found in self._kinds.items() for key, obj in found.items()]
        uids = {obj["metadata"]["uid"] for _, _, obj in everything}
        orphans = [
            (kind, key)
            for kind, key, obj in everything
            if (owners := obj["metadata"].get("ownerReferences"))
            and uids.isdisjoint(o["uid"] for o in owners)
        ]
        for kind, key in orphans:
            self.delete(kind, key, {})
        if any(key not in self.of(kind) for kind, key in orphans):
            self.collect_garbage()

    def find(self, kind: Kind, key: Key) -> Json:
        if key not in self.of(kind):
            raise Refused(404, "NotFound", f'{kind.plural} "{key.name}" not found')
        return self.of(kind)[key]

    def create(self, kind: Kind, obj: Json, *, with_status: bool = False) -> Json:
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        if "name" not in metadata:
            metadata["name"] = metadata.get("generateName", "") + uuid.uuid4().hex[:5]
        key = Key(metadata.get("namespace", ""), metadata["name"])
        if key in self.of(kind):
            raise Refused(409, "AlreadyExists", f'{kind.plural} "{key.name}" already exists')
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now, "generation": 1}
        if kind.plural in SPEC_AND_STATUS_APART and not with_status:
            obj.pop("status", None)
        if kind.plural == "pods":
            obj.setdefault("status", {}).setdefault("phase", "Pending")
        return self._store(kind, key, "ADDED", obj, None)

    def write(self, kind: Kind, key: Key, new: Json, subresource: str = "") -> Json:
        """Put `new` in place of what is there, each subresource writing its own part only."""
        old = self.find(kind, key)
        given = new.get("metadata", {})
        for field in ("resourceVersion", "uid"):
            if given.get(field, old["metadata"][field]) != old["metadata"][field]:
                raise Refused(409, "Conflict", f'{kind.plural} "{key.name}": the {field} is another one')
        new = copy.deepcopy(new)
        if subresource == "status":
            new = {**old, "status": new.get("status", {})}
        elif kind.plural in SPEC_AND_STATUS_APART and subresource != "*":
            new = {**new, "status": old["status"]} if "status" in old else _without(new, "status")
        kept = ("uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp")
        new["metadata"] = {**new["metadata"], **{k: old["metadata"][k] for k in kept if k in old["metadata"]}}
        new = {"apiVersion": old.get("apiVersion"), "kind": old.get("kind")} | new
        if new == old:
            return old
        if _without(new, "status", "metadata") != _without(old, "status", "metadata"):
            new["metadata"]["generation"] += 1
        if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers"):
            return self._remove(kind, key)
        return self._store(kind, key, "MODIFIED", new, old)

    def apply(
        self, kind: Kind, key: Key, config: Json, *, manager: str, force: bool, subresource: str
    ) -> tuple[Json, bool]:
        """The object after server-side apply, and whether it is new."""
        place = (kind, key, manager, subresource)
        exists = key in self.of(kind)
        if not exists and subresource:
            raise Refused(404, "NotFound", f'{kind.plural} "{key.name}" not found')
        self._refuse_conflicts(place, config, force)
        before = self._applied.get(place, {})
        self._applied[place] = copy.deepcopy(config)
        if not exists:
            return self.create(kind, config), True
        merged = merge(take_back(copy.deepcopy(self.find(kind, key)), before, config), config)
        return self.write(kind, key, merged, subresource), False

    def _refuse_conflicts(self, place: tuple[Kind, Key, str, str], config: Json, force: bool) -> None:
        kind, key, manager, _ = place
        if force or key not in self.of(kind):
            return
        ours = dict(leaves(_without(config, "apiVersion", "kind", "metadata")))
        for (its_kind, its_key, its_manager, _), theirs in self._applied.items():
            if (its_kind, its_key) == (kind, key) and its_manager != manager:
                for path, value in leaves(theirs):
                    if path in ours and ours[path] != value:
                        raise Refused(409, "Conflict", f'conflict with "{its_manager}": .{".".join(path)}')

    def delete(self, kind: Kind, key: Key, options: Json) -> Json:
        obj = self.find(kind, key)
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != obj["metadata"]["uid"]:
            raise Refused(409, "Conflict", f'{kind.plural} "{key.name}": the uid in the precondition differs')
        grace = options.get("gracePeriodSeconds", 30) if kind.plural == "pods" else 0
        runs = self.graceful and grace and obj.get("spec", {}).get("nodeName")
        if not runs and not obj["metadata"].get("finalizers"):
            return self._remove(kind, key)
        if "deletionTimestamp" in obj["metadata"]:
            return obj
        leaving = copy.deepcopy(obj)
        leaving["metadata"]["deletionTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        leaving["metadata"]["deletionGracePeriodSeconds"] = grace
        return self._store(kind, key, "MODIFIED", leaving, obj)

    def bind(self, kind: Kind, key: Key, binding: Json) -> None:
        pod = self.find(kind, key)
        wanted = binding.get("metadata", {}).get("uid")
        if wanted and wanted != pod["metadata"]["uid"]:
            raise Refused(409, "Conflict", f'pod "{key.name}": the uid in the precondition differs')
        if "deletionTimestamp" in pod["metadata"]:
            raise Refused(409, "Conflict", f"pod {key.name} is being deleted, cannot be assigned to a host")
        if node := pod.get("spec", {}).get("nodeName"):
            raise Refused(409, "Conflict", f"pod {key.name} is already assigned to node {node!r}")
        bound = copy.deepcopy(pod)
        bound.setdefault("spec", {})["nodeName"] = binding["target"]["name"]
        if annotations := binding["metadata"].get("annotations"):
            bound["metadata"].setdefault("annotations", {}).update(annotations)
        condition = {"type": "PodScheduled", "status": "True"}
        bound.setdefault("status", {}).setdefault("conditions", []).append(condition)
        self._store(kind, key, "MODIFIED", bound, pod)

    def _remove(self, kind: Kind, key: Key) -> Json:
        old = self.of(kind).pop(key)
        for place in [place for place in self._applied if place[:2] == (kind, key)]:
            del self._applied[place]
        return self._tell(kind, "DELETED", copy.deepcopy(old), old)

    def _store(self, kind: Kind, key: Key, type: str, obj: Json, before: Json | None) -> Json:
        self.of(kind)[key] = obj
        return self._tell(kind, type, obj, before)

    def _tell(self, kind: Kind, type: str, obj: Json, before: Json | None) -> Json:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        change = Change(self.version, kind, type, obj, before)
        self.history.append(change)
        self._listen(change)
        return obj


def merge(old: Any, new: Any, *, drop_null: bool = False) -> Any:
    """`old` with the fields of `new`; with `drop_null` as a JSON merge patch."""
    if not isinstance(old, dict) or not isinstance(new, Mapping):
        return copy.deepcopy(new)
    for field, value in new.items():
        if value is None and drop_null:
            old.pop(field, None)
        else:
            old[field] = merge(old.get(field, {}), value, drop_null=drop_null)
    return old


def take_back(obj: Json, before: Mapping[str, Any], now: Mapping[str, Any]) -> Json:
    """`obj` without the fields that the manager applied before and does not name now."""
    for field, value in before.items():
        if isinstance(value, dict) and isinstance(obj.get(field), dict):
            take_back(obj[field], value, now.get(field) or {})
            if field not in now and not obj[field]:
                del obj[field]
        elif field not in now:
            obj.pop(field, None)
    return obj


def leaves(obj: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for field, value in obj.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, field))
        else:
            yield (*path, field), value


def _without(obj: Json, *fields: str) -> Json:
    return {key: value for key, value in obj.items() if key not in fields}
