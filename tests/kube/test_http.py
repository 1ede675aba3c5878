"""The connection pool against small servers of raw bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trustme
from powertrain_operator.kube.errors import Unreachable
from powertrain_operator.kube.http import MAX_IDLE_SECONDS, Address, Pool

GET = b"GET / HTTP/1.1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Counts connections; `serve` says what happens on each."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    @asynccontextmanager
    async def run(self, serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator["Server"]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)


async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One answer, then the connection is closed without having said so."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK[:-1])


def pool_for(
    server: Server, limit: int = 4, tls: ssl.SSLContext | None = None, name: str | None = None
) -> Pool:
    return Pool(Address("127.0.0.1", server.port, tls, name), limit=limit)


async def connection_dropped(pool: Pool) -> None:
    """Returns when the news has arrived that the idle connection is of no more use."""
    async with asyncio.timeout(5):
        while any(connection.reusable for connection in pool._idle):
            await asyncio.sleep(0.001)


async def test_one_connection_serves_requests_one_after_another() -> None:
    async with Server().run(answering) as server:
        pool = pool_for(server)
        for _ in range(3):
            assert (await pool.exchange(GET, 5)).body == b"ok"
        assert server.connections == 1
        pool.close()


async def test_requests_at_once_never_use_more_connections_than_the_limit() -> None:
    async with Server().run(answering) as server:
        pool = pool_for(server, limit=3)
        answers = await asyncio.gather(*(pool.exchange(GET, 5) for _ in range(50)))
        assert [answer.body for answer in answers] == [b"ok"] * 50
        assert server.connections == 3
        pool.close()


async def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    async with Server().run(once) as server:
        pool = pool_for(server)
        for _ in range(3):
            assert (await pool.exchange(GET, 5)).status == 200
            await connection_dropped(pool)
        assert server.connections == 3
        pool.close()


async def test_a_connection_idle_for_too_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server().run(answering) as server:
        pool = pool_for(server)
        await pool.exchange(GET, 5)
        loop = asyncio.get_running_loop()
        later = loop.time() + MAX_IDLE_SECONDS
        monkeypatch.setattr(loop, "time", lambda: later)
        await pool.exchange(GET, 5)
        assert server.connections == 2
        pool.close()


async def test_no_answer_in_time_is_unreachable_and_maybe_processed() -> None:
    async with Server().run(silent) as server:
        pool = pool_for(server)
        with pytest.raises(Unreachable, match=r"no answer within 0\.02 s") as failure:
            await pool.exchange(GET, 0.02)
        assert failure.value.sent
        pool.close()


async def test_an_answer_cut_short_is_unreachable_and_maybe_processed() -> None:
    async with Server().run(hangs_up) as server:
        pool = pool_for(server)
        with pytest.raises(Unreachable, match="connection lost before the whole answer came") as failure:
            await pool.exchange(GET, 5)
        assert failure.value.sent
        pool.close()


async def test_a_refused_connection_was_surely_not_processed() -> None:
    async with Server().run(silent) as server:
        pass
    with pytest.raises(Unreachable, match="cannot connect to 127") as failure:
        await pool_for(server).exchange(GET, 5)
    assert not failure.value.sent


async def test_a_server_that_never_completes_the_handshake_is_given_up() -> None:
    async with Server().run(silent) as server:
        address = Address("127.0.0.1", server.port, ssl.create_default_context(), "localhost")
        pool = Pool(address, limit=1, connect_seconds=0.05)
        with pytest.raises(Unreachable, match=r"no connection within 0\.05 s") as failure:
            await pool.exchange(GET, 5)
        assert not failure.value.sent


async def test_an_answer_nobody_asked_for_ends_the_connection() -> None:
    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.write(OK)
        await reader.read()

    async with Server().run(chatty) as server:
        pool = pool_for(server)
        for _ in range(2):
            assert (await pool.exchange(GET, 5)).body == b"ok"
            await connection_dropped(pool)
        assert server.connections == 2
        pool.close()


async def test_broken_http_is_unreachable() -> None:
    async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello, this is not HTTP\r\n\r\n")

    async with Server().run(babbling) as server:
        pool = pool_for(server)
        with pytest.raises(Unreachable, match="no HTTP/1.1 status line"):
            await pool.exchange(GET, 5)
        pool.close()


async def test_a_cancelled_request_frees_its_place_and_spoils_no_other() -> None:
    async with Server().run(silent) as server:
        pool = pool_for(server, limit=1)
        waiting = asyncio.create_task(pool.exchange(GET, 5))
        behind = asyncio.create_task(pool.exchange(GET, 0.05))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(Unreachable, match="no answer within"):
            await behind
        assert waiting.cancelled()
        assert server.connections == 2
        pool.close()


async def test_closing_fails_what_is_under_way() -> None:
    async with Server().run(silent) as server:
        pool = pool_for(server)
        waiting = asyncio.create_task(pool.exchange(GET, 5))
        while not server.connections:
            await asyncio.sleep(0)
        pool.close()
        with pytest.raises(Unreachable, match="the client was closed"):
            await waiting


async def test_draining_lets_the_request_under_way_finish_and_keeps_nothing() -> None:
    release = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await release.wait()
            writer.write(OK)

    async with Server().run(slow) as server:
        pool = pool_for(server)
        waiting = asyncio.create_task(pool.exchange(GET, 5))
        while not server.connections:
            await asyncio.sleep(0)
        pool.drain()
        release.set()
        assert (await waiting).body == b"ok"
        await pool.exchange(GET, 5)
        assert server.connections == 2


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    return tls


async def test_tls_checks_the_name_and_the_authority(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with Server().run(answering, server_tls(authority, "kubernetes.default")) as server:
        pool = pool_for(server, tls=trusting, name="kubernetes.default")
        assert (await pool.exchange(GET, 5)).body == b"ok"
        pool.close()
        with pytest.raises(Unreachable, match="Hostname mismatch"):
            await pool_for(server, tls=trusting, name="elsewhere.example").exchange(GET, 5)
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await pool_for(server, tls=ssl.create_default_context(), name="kubernetes.default").exchange(
                GET, 5
            )
