"""The HTTP side of the fake API server: paths and verbs onto `Objects`, and the faults."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import web
from powertrain_operator.kube.resources import BY_KIND

from fakekube.faults import Fault, Faults
from fakekube.objects import Json, Key, Kind, Objects, Refused, merge
from fakekube.selectors import Matches, selecting
from fakekube.watching import CUT, Watcher, Watchers, line

SUBRESOURCES = {"status", "binding", "scale", "finalize"}
_KIND_NAMES = {Kind.of(resource): resource.kind for resource in BY_KIND.values()}


class Call(NamedTuple):
    """One request as the tests count them."""

    verb: str
    plural: str
    namespace: str
    name: str
    subresource: str
    body: Any
    query: Mapping[str, str]


class Server:
    """Answers requests out of `objects`."""

    def __init__(self, objects: Objects, watchers: Watchers, faults: Faults) -> None:
        self.token = "fake-token"
        self.gone_by_event = True
        self.calls: list[Call] = []
        self._objects = objects
        self._watchers = watchers
        self._faults = faults
        self._snapshots: dict[str, tuple[int, list[Json]]] = {}

    def compact(self) -> None:
        self._objects.compact()
        self._snapshots.clear()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _failure(Refused(401, "Unauthorized", "Unauthorized"))
        kind, key, subresource = _parts(request.path)
        verb = _verb(request, key.name, subresource)
        raw = await request.read()
        body = json.loads(raw) if raw else {}
        self.calls.append(Call(verb, kind.plural, *key, subresource, body, dict(request.query)))
        fault = self._faults.take(verb, kind.plural, key.name)
        if fault and fault.gate:
            await fault.gate.wait()
        elif fault and not fault.after:
            return _broken(request, fault)
        try:
            if verb == "watch":
                return await self._watch(request, kind, key.namespace)
            status, answer = self._answer(verb, kind, key, subresource, body, request.query)
        except Refused as refused:
            return _failure(refused)
        return _broken(request, fault) if fault and fault.after else web.json_response(answer, status=status)

    def _answer(
        self, verb: str, kind: Kind, key: Key, subresource: str, body: Json, query: Mapping[str, str]
    ) -> tuple[int, Json]:
        objects = self._objects
        match verb:
            case "get":
                return 200, objects.find(kind, key)
            case "list":
                return 200, self._list(kind, key.namespace, query)
            case "create":
                if key.namespace:
                    body["metadata"]["namespace"] = key.namespace
                return 201, objects.create(kind, body)
            case "update":
                return 200, objects.write(kind, key, body, subresource)
            case "apply":
                manager, force = query["fieldManager"], query.get("force") == "true"
                obj, new = objects.apply(
                    kind, key, body, manager=manager, force=force, subresource=subresource
                )
                return 201 if new else 200, obj
            case "patch":
                old = json.loads(json.dumps(objects.find(kind, key)))
                return 200, objects.write(kind, key, merge(old, body, drop_null=True), subresource)
            case "delete":
                return 200, objects.delete(kind, key, body)
            case "bind":
                objects.bind(kind, key, body)
                return 201, {"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201}
        raise Refused(405, "MethodNotAllowed", f"{verb} is not supported here")

    def _list(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> Json:
        """A page; further pages are of the moment of the first."""
        limit = int(query.get("limit", 0))
        if token := query.get("continue"):
            name, _, offset = token.partition(":")
            if name not in self._snapshots:
                raise Refused(410, "Expired", "The provided continue parameter is too old")
            (version, found), start = self._snapshots[name], int(offset)
        else:
            matches, start = _selection(namespace, query), 0
            ordered = sorted(self._objects.of(kind).items())
            name = str(len(self._snapshots))
            version, found = self._objects.version, [obj for _, obj in ordered if matches(obj)]
            self._snapshots[name] = (version, found)
        end = start + limit if limit else len(found)
        metadata = {"resourceVersion": str(version)}
        if end < len(found):
            metadata["continue"] = f"{name}:{end}"
        return {
            "kind": _KIND_NAMES.get(kind, "Unknown") + "List",
            "apiVersion": kind.api_version,
            "metadata": metadata,
            "items": found[start:end],
        }

    async def _watch(self, request: web.Request, kind: Kind, namespace: str) -> web.StreamResponse:
        since = int(request.query.get("resourceVersion") or self._objects.version)
        too_old = since < self._objects.compacted
        gone = Refused(410, "Expired", f"too old resource version: {since} ({self._objects.compacted})")
        if too_old and not self.gone_by_event:
            raise gone
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        if too_old:
            await response.write(line("ERROR", _status(gone)))
            return response
        watcher = Watcher(kind, _selection(namespace, request.query), lambda: request.transport is not None)
        self._watchers.open(watcher, self._objects.since(since))
        try:
            while (item := await watcher.queue.get()) is not None:
                if item == CUT:
                    return _broken(request, None)
                await response.write(item)
        finally:
            self._watchers.close(watcher)
        return response


def _selection(namespace: str, query: Mapping[str, str]) -> Matches:
    return selecting(namespace, query.get("labelSelector", ""), query.get("fieldSelector", ""))


def _parts(path: str) -> tuple[Kind, Key, str]:
    parts = path.strip("/").split("/")
    group = "" if parts[0] == "api" else parts.pop(1)
    version, rest = parts[1], parts[2:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in SUBRESOURCES:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest, "", "")[:3]
    return Kind(group, version, plural), Key(namespace, name), subresource


def _verb(request: web.Request, name: str, subresource: str) -> str:
    match request.method:
        case "GET":
            return "get" if name else "watch" if request.query.get("watch") else "list"
        case "POST":
            return "bind" if subresource == "binding" else "create"
        case "PATCH":
            return "apply" if "apply-patch" in request.content_type else "patch"
    verbs: Mapping[str, str] = {"PUT": "update", "DELETE": "delete"}
    return verbs.get(request.method, request.method)


def _broken(request: web.Request, fault: Fault | None) -> web.StreamResponse:
    """The fault's answer; without one (or when it says reset) the connection is dropped."""
    if fault and not fault.reset:
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.json_response(fault.body(), status=fault.status, headers=headers)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _status(refused: Refused) -> Json:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": refused.status}
    return status | {"reason": refused.reason, "message": refused.message}


def _failure(refused: Refused) -> web.Response:
    return web.json_response(_status(refused), status=refused.status)
