"""HTTP/1.1 responses put together from pieces. No I/O."""

from typing import Literal, NamedTuple

MAX_HEAD_BYTES = 64 * 1024


class Response(NamedTuple):
    status: int
    body: bytes
    retry_after: float | None


class ResponseParser:
    """Puts one response together from pieces cut anywhere. Raises ValueError where it is not HTTP/1.1."""

    def __init__(self) -> None:
        self.keep_alive = True
        self._buffer = bytearray()
        self._at = 0
        self._status = 0
        self._retry_after: float | None = None
        self._framing: Literal["length", "chunks", "end"] = "end"
        self._length = 0
        self._chunks: list[bytes] = []

    def feed(self, data: bytes) -> Response | None:
        """The response once it is whole, None as long as more must come."""
        self._buffer += data
        if not self._status and not self._read_head():
            return None
        body = self._read_body()
        if body is None:
            return None
        if self._at < len(self._buffer):  # more than was asked for: nothing after it can be trusted
            self.keep_alive = False
        return Response(self._status, body, self._retry_after)

    def end(self) -> Response | None:
        """What the end of the connection makes of it: a whole response only if it had no stated length."""
        if not self._status or self._framing != "end":
            return None
        return Response(self._status, bytes(self._buffer[self._at :]), self._retry_after)

    def _read_body(self) -> bytes | None:
        if self._framing == "length":
            return self._by_length()
        return self._in_chunks() if self._framing == "chunks" else None

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", self._at)
        if end < 0:
            if len(self._buffer) - self._at > MAX_HEAD_BYTES:
                raise ValueError("endless headers")
            return False
        lines = self._buffer[self._at : end].decode("latin-1").split("\r\n")
        self._at = end + 4
        status = _status_of(lines[0])
        if 100 <= status < 200:
            return self._read_head()
        self._status = status
        self._read_headers(lines)
        return True

    def _read_headers(self, lines: list[str]) -> None:
        self.keep_alive = lines[0].startswith("HTTP/1.1")
        for line in lines[1:]:
            name, _, value = line.partition(":")
            match name.lower():
                case "content-length" if self._framing != "chunks":
                    self._framing, self._length = "length", int(value)
                case "transfer-encoding" if value.strip().lower() == "chunked":
                    self._framing = "chunks"
                case "connection":
                    self.keep_alive = self.keep_alive and value.strip().lower() != "close"
                case "retry-after":
                    self._retry_after = _seconds(value)
        if self._status in (204, 304):
            self._framing, self._length = "length", 0
        if self._framing == "end":
            self.keep_alive = False

    def _by_length(self) -> bytes | None:
        end = self._at + self._length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[self._at : end])
        self._at = end
        return body

    def _in_chunks(self) -> bytes | None:
        while (eol := self._buffer.find(b"\r\n", self._at)) >= 0:
            size = int(self._buffer[self._at : eol].split(b";")[0], 16)
            if size == 0:
                return self._after_last_chunk(eol)
            start, end = eol + 2, eol + 2 + size
            if len(self._buffer) < end + 2:
                return None
            if self._buffer[end : end + 2] != b"\r\n":
                raise ValueError("a chunk longer than it says")
            self._chunks.append(bytes(self._buffer[start:end]))
            self._at = end + 2
        return None

    def _after_last_chunk(self, eol: int) -> bytes | None:
        """The body, once the trailers (header lines up to an empty one) are in too."""
        end = self._buffer.find(b"\r\n\r\n", eol)
        if end < 0:
            return None
        self._at = end + 4
        return b"".join(self._chunks)


def _status_of(line: str) -> int:
    version, _, rest = line.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise ValueError(f"{line[:80]!r} is no HTTP/1.1 status line")
    return int(rest[:3])


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds; a date (which no API server sends) counts as none named."""
    return float(retry_after) if retry_after.strip().isdigit() else None
