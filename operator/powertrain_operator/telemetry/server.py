"""`/metrics`, `/healthz` and `/readyz` of one process, over plain HTTP.

The two checks answer 200 with `ok`, or 503 with the sentence that says why not. They are asked at
each request and must not block: they run in the process's own event loop, so an answer at all
means that the loop turns.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

Check = Callable[[], bool | str]
"""True where all is well; False, or better a sentence with the reason, where not."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen; an empty host is every address of the machine, IPv4 and IPv6."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "ListenAddress":
        """`127.0.0.1:8080`, `:8080`, `[::1]:0`; port 0 lets the system choose. ValueError else."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = host == f"[{bare}]"
        if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ValueError(f"listen address {text!r}: want host:port or :port, the port 0 to 65535")
        if set(bare) & set("[]/ ") or (":" in bare) != bracketed:
            raise ValueError(f"listen address {text!r}: want an IPv6 host in brackets, as [::1]:8080")
        return cls(bare, int(port))

    def bind(self) -> socket.socket:
        """A socket that listens here. OSError naming the address and what to do about it."""
        try:
            if not self.host and socket.has_dualstack_ipv6():
                return socket.create_server(("::", self.port), family=socket.AF_INET6, dualstack_ipv6=True)
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family)
        except OSError as error:  # its own text names the address twice and no way out
            reason = (error.strerror or str(error)).partition(" (")[0]
            text = f"cannot listen on {self}: {reason}; choose another with --listen"
            raise OSError(error.errno, text) from error

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class TelemetryServer:
    """A server that runs until it is closed."""

    def __init__(self, runner: web.AppRunner, address: ListenAddress) -> None:
        self._runner = runner
        self._address = address

    @property
    def port(self) -> int:
        """The port that it listens on, also where the system chose it."""
        return self._address.port

    @property
    def url(self) -> str:
        """An address to reach it from this machine, without a slash at the end."""
        everywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
        return f"http://{ListenAddress(everywhere.get(self._address.host, self._address.host), self.port)}"

    async def close(self) -> None:
        """Stop listening; requests under way get a moment to end."""
        await self._runner.cleanup()


async def serve(
    listen: str, registry: CollectorRegistry, ready: Check, live: Check = lambda: True
) -> TelemetryServer:
    """Serve on `listen` until closed.

    ValueError for an address that is none, OSError for one that cannot be had; both name it.
    """
    wanted = ListenAddress.parse(listen)
    listener = wanted.bind()
    runner = web.AppRunner(_application(registry, ready, live), access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return TelemetryServer(runner, ListenAddress(wanted.host, listener.getsockname()[1]))


def _application(registry: CollectorRegistry, ready: Check, live: Check) -> web.Application:
    application = web.Application()
    application.router.add_get("/metrics", make_aiohttp_handler(registry))
    application.router.add_get("/healthz", _handler(live))
    application.router.add_get("/readyz", _handler(ready))
    return application


def _handler(check: Check) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        verdict = check()
        if verdict is True:
            return web.Response(text="ok\n")
        return web.Response(status=503, text=f"{verdict or 'not ready'}\n")

    return answer
