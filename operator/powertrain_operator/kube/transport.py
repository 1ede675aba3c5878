"""Requests with login, retries and counts, and watch streams: the client's lower half."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from yarl import URL

from powertrain_operator.kube.errors import (
    ApiError,
    Unauthorized,
    Unreachable,
    from_response,
)
from powertrain_operator.kube.http import Pool
from powertrain_operator.kube.login import Endpoint, Session
from powertrain_operator.kube.response import Response
from powertrain_operator.kube.retry import RetryPolicy, Waiting, retry_delay

Observe = Callable[[str, str, int, float], None]
"""Called for each attempt with verb, resource (`pods`, `pods/binding`), status (0: none) and seconds."""

JSON = "application/json"
JUST_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
"""Spares server, network and us the whole object as the answer to a write that nobody reads."""


def ignore(verb: str, resource: str, status: int, seconds: float) -> None:
    """The observer where nobody counts."""


class Request(NamedTuple):
    verb: str
    resource: str
    method: str
    path: str
    body: bytes = b""
    content_type: str = JSON
    accept: str = JSON
    repeatable: bool = True
    """Doing it twice has the same effect as doing it once."""


class Transport:
    """Sends requests as whom the session says; made and closed by `Client.connect`."""

    def __init__(
        self,
        session: Session,
        *,
        user_agent: str,
        concurrency: int,
        timeout: float,
        observe: Observe,
        retry: RetryPolicy,
        waiting: Waiting,
    ) -> None:
        self._session = session
        self._user_agent = user_agent
        self._concurrency = concurrency
        self._timeout = timeout
        self._observe = observe
        self._retry = retry
        self._waiting = waiting
        self._streams = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, skip_auto_headers=("User-Agent",)
        )
        self._endpoint = session.endpoint
        self._pool = Pool(session.address, limit=concurrency)
        self._sign()

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    async def close(self) -> None:
        self._pool.close()
        await self._streams.close()

    async def renew(self) -> None:
        """Read the credentials anew; connections follow if certificates or server have changed."""
        before = self._endpoint
        await self._session.renew(before)
        self._endpoint = self._session.endpoint
        if _same_place(before) != _same_place(self._endpoint):
            self._pool.drain()
            self._pool = Pool(self._session.address, limit=self._concurrency)
        self._sign()

    async def call(self, request: Request) -> Response:
        """The successful answer. Raises ApiError when refused, or when bounded repeating did not help."""
        attempt, renewed = 0, False
        while True:
            if self._session.due:
                await self.renew()
            attempt += 1
            try:
                return await self._attempt(request)
            except Unauthorized:
                if renewed:
                    raise
                renewed = True
                await self.renew()
            except ApiError as failure:
                delay = retry_delay(self._retry, failure, attempt, request.repeatable, self._waiting.random())
                if delay is None:
                    raise
                await self._waiting.sleep(delay)

    async def _attempt(self, request: Request) -> Response:
        started = self._waiting.clock()
        try:
            response = await self._pool.exchange(self._bytes(request), self._timeout)
        except Unreachable:
            self._observe(request.verb, request.resource, 0, self._waiting.clock() - started)
            raise
        self._observe(request.verb, request.resource, response.status, self._waiting.clock() - started)
        if response.status >= 300:
            raise from_response(*response)
        return response

    def _bytes(self, request: Request) -> bytes:
        head = f"{request.method} {self._base_path}{request.path} HTTP/1.1\r\nAccept: {request.accept}\r\n"
        if not request.body:
            return b"%b%b\r\n" % (head.encode("latin-1"), self._headers)
        entity = f"Content-Type: {request.content_type}\r\nContent-Length: {len(request.body)}\r\n\r\n"
        return b"".join((head.encode("latin-1"), self._headers, entity.encode("latin-1"), request.body))

    def _sign(self) -> None:
        """Make the header lines that all requests share, once for as long as the token lasts."""
        headers = {
            "Host": URL(self._endpoint.server).host_port_subcomponent or "",
            "User-Agent": self._user_agent,
        }
        if self._endpoint.authorization:
            headers["Authorization"] = self._endpoint.authorization
        self._base_path = self._endpoint.base_path
        self._stream_headers = {**headers, "Accept": JSON}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")

    @asynccontextmanager
    async def stream(
        self, resource: str, path: str, *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A watch's bytes as they come, in pieces cut anywhere; never repeated by itself.

        Raises Unreachable when cut, or when nothing came for `silence` seconds; other ApiErrors when
        refused.
        """
        if self._session.due:
            await self.renew()
        started = self._waiting.clock()
        status = 0
        try:
            async with self._streams.get(
                URL(self._endpoint.server + path, encoded=True),
                headers=self._stream_headers,
                ssl=self._session.address.tls or True,
                server_hostname=self._session.address.server_name,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=silence),
            ) as response:
                status = response.status
                self._observe("watch", resource, status, self._waiting.clock() - started)
                if status >= 300:
                    raise from_response(status, await response.read())
                yield response.content.iter_any()
        except Unauthorized:
            await self.renew()
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            if not status:
                self._observe("watch", resource, status, self._waiting.clock() - started)
            raise Unreachable(f"watch of {resource}: {cause or 'timed out'}", sent=True) from cause


def _same_place(endpoint: Endpoint) -> tuple[object, ...]:
    """What connections depend on: all but the token."""
    at = endpoint
    return at.server, at.ca_file, at.cert_file, at.key_file, at.insecure, at.server_name
