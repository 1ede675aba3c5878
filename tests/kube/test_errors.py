import pytest
from powertrain_operator.kube import errors


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Gone),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.ServerError),
        (418, "Teapot", errors.ApiError),
    ],
)
def test_each_status_has_its_error(code: int, reason: str, kind: type[errors.ApiError]) -> None:
    body = f'{{"kind":"Status","code":{code},"reason":"{reason}","message":"no"}}'.encode()
    failure = errors.from_response(code, body)
    assert type(failure) is kind
    assert (failure.status, failure.reason, failure.message) == (code, reason, "no")
    assert str(failure) == f"no ({code} {reason})"


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"\xff\xfe", b"", b"[]", b'{"message": 7}'])
def test_a_body_that_is_no_status_still_makes_an_error(body: bytes) -> None:
    failure = errors.from_response(502, body)
    assert type(failure) is errors.ServerError
    assert failure.message


def test_retry_after_comes_from_the_header_or_else_from_the_body() -> None:
    body = b'{"code":429,"message":"later","details":{"retryAfterSeconds":3}}'
    assert errors.from_response(429, body).retry_after == 3.0
    assert errors.from_response(429, body, 5.0).retry_after == 5.0
    assert errors.from_response(429, b"").retry_after is None


def test_an_error_event_has_its_code_in_the_status() -> None:
    gone = errors.from_status(errors.Status(code=410, reason="Expired", message="too old resource version"))
    assert type(gone) is errors.Gone
