"""A proxy before the real API server that breaks things on purpose.

A process under test is given a kubeconfig that points here. The proxy passes everything on, counts
the writes by kind (`create pods`, `create pods/binding`, `patch podgroups/status`, ...) and asks a
list of faults about each request. A fault may answer in the API server's place, cut a watch, or act
once the answer is known but before the client gets it: that moment, when the write is done and its
writer does not know yet, is where crashes hurt.
"""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp
import yaml
from aiohttp import web

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "content-encoding", "keep-alive"}


def kind_of(method: str, path: str) -> str:
    """`create pods/binding` for POST /api/v1/namespaces/a/pods/b/binding; reads give `get ...`."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    resource = parts[0] if parts else ""
    subresource = f"/{parts[2]}" if len(parts) > 2 else ""
    return f"{VERBS.get(method, 'get')} {resource}{subresource}"


@dataclass
class Fault:
    """Does something to the requests of one kind, a bounded number of times."""

    kind: str
    """As `kind_of` says; `watch <resource>` for watches."""
    skip: int = 0
    """Let this many through first."""
    times: int = 1
    answer: tuple[int, dict[str, str], dict[str, object]] | None = None
    """Status, headers and body sent instead of asking the API server."""
    after: Callable[[], Awaitable[None] | None] | None = None
    """Called when the API server has answered, before the client hears of it."""
    cut_after_lines: int | None = None
    """For watches: break the connection after this many events."""
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def strikes(self, kind: str) -> bool:
        """Whether this request is one of those to break; counts it."""
        if kind != self.kind:
            return False
        self.seen += 1
        if self.seen <= self.skip or self.fired >= self.times:
            return False
        self.fired += 1
        return True


def status_answer(code: int, reason: str, **headers: str) -> tuple[int, dict[str, str], dict[str, object]]:
    """A metav1.Status as the API server would send it."""
    body: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "message": f"{reason} (a fault of the test)",
    }
    return code, headers, body


class FaultProxy:
    """`async with FaultProxy(kubeconfig, directory) as proxy`: then use `proxy.kubeconfig`."""

    def __init__(self, kubeconfig: Path, directory: Path, faults: Sequence[Fault] = ()) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server: str = cluster["server"]
        self.ssl = ssl_context(cluster)
        self.faults = list(faults)
        self.writes: Counter[str] = Counter()
        self.kubeconfig = directory / f"{kubeconfig.stem}-through-proxy.kubeconfig"
        self._config = config
        self._token: str = user["token"] if "token" in user else Path(user["tokenFile"]).read_text().strip()

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self.ssl, limit=0), auto_decompress=False
        )
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self.handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        host, port = self.runner.addresses[0][:2]
        self._config["clusters"][0]["cluster"] = {"server": f"http://{host}:{port}"}
        self._config["users"][0]["user"] = {"token": self._token}
        self.kubeconfig.write_text(yaml.safe_dump(self._config))
        self.kubeconfig.chmod(0o600)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.runner.cleanup()
        await self.session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on, unless a fault strikes it."""
        watching = request.query.get("watch") in ("1", "true")
        kind = kind_of(request.method, request.path)
        if watching:
            kind = kind.replace("get", "watch", 1)
        elif request.method in VERBS:
            self.writes[kind] += 1
        fault = next((fault for fault in self.faults if fault.strikes(kind)), None)
        if fault and fault.answer:
            code, headers, body = fault.answer
            return web.json_response(body, status=code, headers=headers)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        headers["Authorization"] = f"Bearer {self._token}"
        timeout = aiohttp.ClientTimeout(total=None)
        body_sent = await request.read() or None
        async with self.session.request(
            request.method, self.server + request.raw_path, data=body_sent, headers=headers, timeout=timeout
        ) as answer:
            if watching and answer.status == 200:
                return await self.stream(request, answer, fault)
            content = await answer.read()
            if fault and fault.after and (waited := fault.after()) is not None:
                await waited
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            if "Content-Encoding" in answer.headers:
                kept["Content-Encoding"] = answer.headers["Content-Encoding"]
            return web.Response(body=content, status=answer.status, headers=kept)

    async def stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, fault: Fault | None
    ) -> web.StreamResponse:
        """Pass a watch on, event by event; a fault may cut it in the middle."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        lines = 0
        async for chunk in answer.content.iter_any():
            try:
                await response.write(chunk)
            except aiohttp.ClientConnectionResetError:  # the client was killed
                break
            lines += chunk.count(b"\n")
            if fault and fault.cut_after_lines is not None and lines >= fault.cut_after_lines:
                assert request.transport
                request.transport.abort()
                break
        return response


def ssl_context(cluster: dict[str, str]) -> ssl.SSLContext:
    """Trusts the kubeconfig's certificate authority and no other."""
    if "certificate-authority-data" in cluster:
        import base64

        return ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
    return ssl.create_default_context(cafile=cluster["certificate-authority"])


def gone_line() -> str:
    """The watch event with which the API server says that a resourceVersion is too old."""
    return json.dumps({"type": "ERROR", "object": status_answer(410, "Expired")[2]}) + "\n"


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for the condition; fails with `what` when it does not come in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.05)
