import pytest
from hypothesis import given
from hypothesis import strategies as st
from powertrain_operator.kube.response import MAX_HEAD_BYTES, Response, ResponseParser

LENGTH = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
TRAILERS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def parse(*pieces: bytes) -> tuple[Response | None, ResponseParser]:
    parser, response = ResponseParser(), None
    for piece in pieces:
        assert response is None, "whole before its last piece"
        response = parser.feed(piece)
    return response, parser


@pytest.mark.parametrize("raw", [LENGTH, CHUNKS, TRAILERS, CONTINUED])
@given(data=st.data())
def test_a_response_is_whole_wherever_its_pieces_are_cut(raw: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=8)))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    response, parser = parse(*pieces)
    assert response is not None and response.body == b"hello"
    assert parser.keep_alive


def test_status_and_retry_after_are_read() -> None:
    response, _ = parse(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n")
    assert response == Response(429, b"", 7.0)


def test_a_retry_after_that_is_a_date_counts_as_none() -> None:
    response, _ = parse(
        b"HTTP/1.1 503 X\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n"
    )
    assert response == Response(503, b"", None)


def test_an_answer_without_a_body_needs_no_length() -> None:
    assert parse(EMPTY)[0] == Response(204, b"", None)


def test_a_body_without_length_ends_with_the_connection() -> None:
    response, parser = parse(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")
    assert response is None
    assert parser.end() == Response(200, b"hello", None)
    assert not parser.keep_alive


@pytest.mark.parametrize("cut", [LENGTH[:-1], CHUNKS[:-2], b"HTTP/1.1 200 OK\r\nContent-Le", b""])
def test_a_cut_response_is_no_response(cut: bytes) -> None:
    response, parser = parse(cut)
    assert response is None and parser.end() is None


@pytest.mark.parametrize(
    "raw",
    [
        LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"),
        LENGTH + b"more than was said",
    ],
)
def test_a_connection_is_not_used_again_when_it_should_not_be(raw: bytes) -> None:
    response, parser = parse(raw)
    assert response is not None and response.body == b"hello"
    assert not parser.keep_alive


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 5),
    ],
)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        ResponseParser().feed(raw)
