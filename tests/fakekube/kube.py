"""The fake API server as the tests hold it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from powertrain_operator.kube.resources import BY_KIND, Resource

from fakekube.faults import Faults
from fakekube.http import Call, Server
from fakekube.objects import Json, Key, Kind, Objects, merge
from fakekube.watching import CUT, Watchers, line


class FakeKube:
    """A fake API server on loopback; `async with FakeKube.start() as kube`.

    `put`, `change`, `remove`, `object`, `objects` act as another client would, without HTTP.
    `faults` makes requests fail. `calls` and `count` tell what was requested.
    """

    def __init__(self) -> None:
        self.url = ""
        self.faults = Faults()
        self._watchers = Watchers()
        self._objects = Objects(self._watchers.tell)
        self._server = Server(self._objects, self._watchers, self.faults)

    @classmethod
    @asynccontextmanager
    async def start(cls, port: int = 0) -> AsyncIterator[Self]:
        kube = cls()
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", kube._server.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        kube.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield kube
        finally:
            kube.end_watches()
            await runner.cleanup()

    def kubeconfig(self, directory: Path) -> str:
        """Write a kubeconfig for this server, with the token now in force, into the directory; its path."""
        path = directory / f"{self.token}.kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "users": [{"name": "fake", "user": {"token": self.token}}],
        }
        path.write_text(json.dumps(config))
        return str(path)

    # --- acting as another client

    def put(self, manifest: Mapping[str, Any]) -> Json:
        """Create the object, or put it in place of the one of its name, status included."""
        resource = BY_KIND[manifest["kind"]]
        kind, metadata = Kind.of(resource), manifest["metadata"]
        key = Key(metadata.get("namespace", ""), metadata["name"])
        if key in self._objects.of(kind):
            return self._objects.write(kind, key, dict(manifest), "*")
        return self._objects.create(kind, {"apiVersion": resource.api_version, **manifest}, with_status=True)

    def change(self, resource: Resource, namespace: str | None, name: str, patch: Mapping[str, Any]) -> Json:
        """JSON merge patch, status included."""
        kind, key = Kind.of(resource), Key(namespace or "", name)
        old = json.loads(json.dumps(self._objects.find(kind, key)))
        return self._objects.write(kind, key, merge(old, patch, drop_null=True), "*")

    def remove(self, resource: Resource, namespace: str | None, name: str, grace_seconds: int = 0) -> None:
        """Delete; with grace 0 also a pod that is leaving gracefully."""
        options = {"gracePeriodSeconds": grace_seconds}
        self._objects.delete(Kind.of(resource), Key(namespace or "", name), options)

    def object(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        return self._objects.of(Kind.of(resource)).get(Key(namespace or "", name))

    def objects(self, resource: Resource, namespace: str | None = None) -> list[Json]:
        found = self._objects.of(Kind.of(resource))
        return [obj for key, obj in found.items() if namespace in (None, key.namespace)]

    def collect_garbage(self) -> None:
        """Delete all that has owners of which none is left, as the controller manager does."""
        self._objects.collect_garbage()

    # --- settings

    @property
    def token(self) -> str:
        """What requests must carry; set it to turn the old one invalid (401)."""
        return self._server.token

    @token.setter
    def token(self, value: str) -> None:
        self._server.token = value

    @property
    def graceful(self) -> bool:
        """Whether deleted pods that have a node stay, leaving, until `remove` ends them."""
        return self._objects.graceful

    @graceful.setter
    def graceful(self, value: bool) -> None:
        self._objects.graceful = value

    @property
    def gone_by_event(self) -> bool:
        """410 for a watch comes as an ERROR event (True, as from the watch cache) or as HTTP status."""
        return self._server.gone_by_event

    @gone_by_event.setter
    def gone_by_event(self, value: bool) -> None:
        self._server.gone_by_event = value

    # --- what was asked

    @property
    def calls(self) -> list[Call]:
        return self._server.calls

    def count(self, verb: str, resource: Resource | None = None, subresource: str | None = None) -> int:
        """Requests so far of that verb, kind and subresource; failed ones too."""
        return sum(
            call.verb == verb
            and (resource is None or call.plural == resource.plural)
            and (subresource is None or call.subresource == subresource)
            for call in self.calls
        )

    # --- watches and their faults

    def watchers(self, resource: Resource | None = None) -> int:
        return self._watchers.count(Kind.of(resource) if resource else None)

    async def watched(self, resource: Resource | None = None) -> None:
        """Returns when at least one watch (of that kind) is open."""
        await self._watchers.some(Kind.of(resource) if resource else None)

    def compact(self) -> None:
        """Forget the history: watching or paging from before now is answered 410."""
        self._server.compact()

    def cut_watches(self, half_line: bytes = b"") -> None:
        """Break all watch connections, after these last bytes."""
        self._watchers.send(*([half_line, CUT] if half_line else [CUT]))

    def end_watches(self) -> None:
        """End all watches properly, as at their timeout."""
        self._watchers.send(None)

    def bookmark(self) -> None:
        """Tell all watchers the present version, in a body as empty as the real one's."""
        metadata = {"resourceVersion": str(self._objects.version), "creationTimestamp": None}
        self.send("BOOKMARK", {"metadata": metadata, "spec": {"containers": None}, "status": {}})

    def send(self, type: str, obj: Mapping[str, Any]) -> None:
        """Send all watchers this event, true or not; an ERROR is the last of its stream."""
        self._watchers.send(*([line(type, obj), None] if type == "ERROR" else [line(type, obj)]))

    def send_raw(self, data: bytes) -> None:
        self._watchers.send(data)
