"""Our own requests to the local API server, as its administrator.

kubectl takes a tenth of a second to start; a cluster of 500 nodes is 500
requests. The standard library's HTTP client keeps this room free of the
operator's client, which is one of the things that the cluster is there to test.
"""

from __future__ import annotations

import http.client
import json
import queue
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from localcluster.errors import ApiFailed

_SECONDS = 30.0
_PROBE_SECONDS = 2.0
# The API server closes a connection that was idle for 90 s.
_IDLE_SECONDS = 30.0


class Api:
    """Requests from any thread; idle connections are kept for the next one."""

    def __init__(self, port: int, ca: Path, certificate: Path, key: Path) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(certificate, key)
        self._idle: queue.SimpleQueue[tuple[float, http.client.HTTPSConnection]] = queue.SimpleQueue()

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.request("POST", path, body)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def merge_patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.request("PATCH", path, body)

    def answers(self, path: str) -> bool:
        """Whether a GET is a success now; no answer at all is a no."""
        try:
            self._send("GET", path, None, _PROBE_SECONDS)
        except (OSError, http.client.HTTPException, ApiFailed):
            return False
        return True

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer; ApiFailed for any status but a success."""
        return json.loads(self._send(method, path, body))

    def each(self, calls: Iterable[Callable[[], object]], workers: int = 8) -> None:
        """Makes the calls side by side; the first failure is raised when all are done."""
        with ThreadPoolExecutor(workers) as pool:
            for future in [pool.submit(call) for call in calls]:
                future.result()

    def close(self) -> None:
        """Forgets the idle connections; a later request makes new ones."""
        for _, connection in iter(self._take, None):
            connection.close()

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float = _SECONDS
    ) -> bytes:
        connection = self._kept() or http.client.HTTPSConnection("127.0.0.1", self._port, context=self._tls)
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), {"Content-Type": kind}
            )
            answer = connection.getresponse()
            text = answer.read()
        except BaseException:
            connection.close()
            raise
        self._idle.put((time.monotonic(), connection))
        if answer.status >= 300:
            raise ApiFailed(f"{method} {path}", answer.status, text.decode(errors="replace"))
        return text

    def _kept(self) -> http.client.HTTPSConnection | None:
        for since, connection in iter(self._take, None):
            if time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.close()
        return None

    def _take(self) -> tuple[float, http.client.HTTPSConnection] | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None
