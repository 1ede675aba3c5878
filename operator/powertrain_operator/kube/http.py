"""A keep-alive HTTP/1.1 client for many small requests to one server.

It exists because of its price: about a quarter of the CPU of aiohttp's client (a third over
TLS), which stays in use for watches. It speaks what an API server answers: bodies by
Content-Length, in chunks, or up to the end of the connection. No redirects, cookies, compression or
proxies. It never repeats a request: `Unreachable.sent` tells the caller whether that would be safe.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

from powertrain_operator.kube.errors import Unreachable
from powertrain_operator.kube.response import Response, ResponseParser

MAX_IDLE_SECONDS = 60.0
"""Below the API server's own 90 s, so that it rarely closes a connection that we are about to use."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is; `tls` None is plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    """The name the certificate must carry, where it differs from `host`."""


class Connection(asyncio.Protocol):
    """One connection with at most one request under way; parses the answer as it comes in."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.reusable = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._parser = ResponseParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, answer: asyncio.Future[Response]) -> None:
        if self._transport is None or self._transport.is_closing():
            raise Unreachable("the server closed the connection before the request", sent=False)
        self._answer = answer
        self._parser = ResponseParser()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.abort("the server sent an answer to no request")
            return
        try:
            response = self._parser.feed(data)
        except ValueError as broken:
            self.abort(f"broken HTTP from the server: {broken}")
            return
        if response is not None:
            self._finish(response)

    def eof_received(self) -> bool:
        """False lets asyncio close the transport, which then calls connection_lost."""
        return False

    def connection_lost(self, cause: Exception | None) -> None:
        self.reusable = False
        self._transport = None
        if self._answer is None:
            return
        response = self._parser.end() if cause is None else None
        if response is not None:
            self._finish(response)
        else:
            self._fail(f"connection lost before the whole answer came: {cause or 'closed by the server'}")

    def abort(self, why: str) -> None:
        """Drop the connection at once; the request under way fails with `why`."""
        self.reusable = False
        self._fail(why)
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, response: Response) -> None:
        answer, self._answer = self._answer, None
        self.reusable = self.reusable and self._parser.keep_alive
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _fail(self, why: str) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(Unreachable(why, sent=True))


class Pool:
    """Connections to one server, at most `limit` at once; requests beyond that wait their turn."""

    def __init__(self, address: Address, *, limit: int, connect_seconds: float = 10.0) -> None:
        self._address = address
        self._connect_seconds = connect_seconds
        self._turns = asyncio.Semaphore(limit)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._draining = False

    async def exchange(self, request: bytes, timeout: float) -> Response:
        """Send the request's bytes and wait for the whole answer, at most `timeout` seconds.

        Raises Unreachable.
        """
        loop = asyncio.get_running_loop()
        async with self._turns:
            connection = self._idle_connection(loop.time()) or await self._connect(loop)
            answer: asyncio.Future[Response] = loop.create_future()
            timer = loop.call_later(timeout, connection.abort, f"no answer within {timeout:g} s")
            self._busy.add(connection)
            try:
                connection.send(request, answer)
                response = await answer
            except asyncio.CancelledError:
                connection.abort("given up")
                raise
            finally:
                timer.cancel()
                self._busy.discard(connection)
            if connection.reusable and not self._draining:
                connection.idle_since = loop.time()
                self._idle.append(connection)
            else:
                connection.abort("not kept alive")
            return response

    def close(self) -> None:
        """Drop all connections; requests under way fail as Unreachable."""
        for connection in (*self._idle, *self._busy):
            connection.abort("the client was closed")
        self._idle.clear()

    def drain(self) -> None:
        """Keep no connection beyond the request it is busy with: another pool takes over."""
        self._draining = True
        while self._idle:
            self._idle.pop().abort("drained")

    def _idle_connection(self, now: float) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and now - connection.idle_since < MAX_IDLE_SECONDS:
                return connection
            connection.abort("idle for too long")
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        to = self._address
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(
                    Connection, to.host, to.port, ssl=to.tls, server_hostname=to.server_name
                )
        except (OSError, ssl.SSLError, TimeoutError) as cause:
            why = str(cause) or f"no connection within {self._connect_seconds:g} s"
            raise Unreachable(f"cannot connect to {to.host}:{to.port}: {why}", sent=False) from cause
        return connection
