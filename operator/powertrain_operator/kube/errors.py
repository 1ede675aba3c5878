"""What can go wrong between us and the API server.

ApiError                  status, reason, message as the API server's Status object gives them
├── BadRequest            400
├── Unauthorized          401
├── Forbidden             403  a right is missing: the message says which
├── NotFound              404  the object, or its whole kind (the CRD is not there)
├── Conflict              409  a resourceVersion or uid precondition failed, a pod is bound already
│   └── AlreadyExists     409  reason AlreadyExists
├── Gone                  410  a resourceVersion or continue token too old: list anew
├── Invalid               422  refused by validation; the message names field and rule
├── TooManyRequests       429  retry_after in seconds, None where the server named none
├── ServerError           5xx  ambiguous for writes: the request may have been processed
└── Unreachable           no complete answer (status 0); `sent` says whether it may have been processed
ConfigError               no usable login: kubeconfig, in-cluster files, exec plugin
"""

import msgspec


class ConfigError(Exception):
    """There is no usable login; the text says what was tried and what is wrong with it."""


class ApiError(Exception):
    """The API server refused or failed; `message` is its own sentence."""

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{message} ({status} {reason})" if status else message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class BadRequest(ApiError):
    """400."""


class Unauthorized(ApiError):
    """401: the credentials are not (or no longer) accepted."""


class Forbidden(ApiError):
    """403: who we are is known, and may not."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409: the object is not in the state the request assumed."""


class AlreadyExists(Conflict):
    """409 to a create: there is an object of that name."""


class Gone(ApiError):
    """410: what we would continue from is compacted away."""


class Invalid(ApiError):
    """422."""


class TooManyRequests(ApiError):
    """429, after the bounded retries."""


class ServerError(ApiError):
    """5xx, after the bounded retries where the request may be repeated."""


class Unreachable(ApiError):
    """There is no complete answer: refused or cut connection, time-out, broken HTTP."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(0, "Unreachable", message)
        self.sent = sent
        """False where nothing can have reached the API server, so that repeating is always safe."""


class Details(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True, gc=False):
    """The API server's Status object, as error bodies and ERROR watch events carry it."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: Details | None = None


_STATUS = msgspec.json.Decoder(Status)
_BY_CODE: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}
_LONGEST_TEXT = 500


def from_response(code: int, body: bytes, retry_after: float | None = None) -> ApiError:
    """The error for an HTTP status of 400 or more. The body may be anything, a proxy's HTML too."""
    try:
        status = _STATUS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        status = Status(message=body[:_LONGEST_TEXT].decode("utf-8", "replace").strip())
    return from_status(status, code, retry_after)


def from_status(status: Status, code: int = 0, retry_after: float | None = None) -> ApiError:
    """The error for a Status object, e.g. of an ERROR watch event. The HTTP header's delay goes first."""
    code = code or status.code or 500
    if retry_after is None and status.details and status.details.retry_after_seconds > 0:
        retry_after = float(status.details.retry_after_seconds)
    kind = _BY_CODE.get(code, ServerError if code >= 500 else ApiError)
    if kind is Conflict and status.reason == "AlreadyExists":
        kind = AlreadyExists
    message = status.message or f"the API server answered {code} without a message"
    return kind(code, status.reason or kind.__name__, message, retry_after=retry_after)
