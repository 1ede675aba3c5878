"""What the answer to a binding means. Pure: an error or a pod in, the next step out."""

from enum import Enum, auto

from powertrain_operator.kube import errors

from ..translate.pods import is_finished
from ..translate.views import Pod

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0
_FIRST_HOLD = 1.0
_LONGEST_HOLD = 60.0


class Step(Enum):
    """What to do next about one binding."""

    BOUND = auto()
    """Done."""
    GONE = auto()
    """The pod is no more, or about to be: nothing to bind."""
    TAKEN = auto()
    """Somebody else gave it another node."""
    READ = auto()
    """The answer leaves it open whether the pod was bound: look before anything else is done."""
    AGAIN = auto()
    """Surely not bound, and worth another try."""
    REFUSED = auto()
    """Surely not bound, and not by trying again right away."""


def after_failure(failure: errors.ApiError) -> Step:
    """What an error to the binding request itself means."""
    match failure:
        case errors.NotFound():
            return Step.GONE
        case errors.Conflict() | errors.ServerError():
            return Step.READ
        case errors.Unreachable():
            return Step.READ if failure.sent else Step.AGAIN
        case errors.TooManyRequests():
            return Step.AGAIN
    return Step.REFUSED


def after_reading(pod: Pod | None, uid: str, node: str) -> Step:
    """What the pod itself says, where the answer did not."""
    if pod is None or pod.metadata.uid != uid:
        return Step.GONE
    if pod.spec.node_name:
        return Step.BOUND if pod.spec.node_name == node else Step.TAKEN
    if pod.metadata.deletion_timestamp is not None or is_finished(pod):
        return Step.GONE
    return Step.AGAIN


def retry_wait(failure: errors.ApiError, attempt: int) -> float:
    """Seconds before the next try after `attempt` of them; the server's own wish goes first."""
    if failure.retry_after is not None:
        return failure.retry_after
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempt - 1, 30))


def hold_time(refusals: int) -> float:
    """Seconds that a pod is left alone after so many refusals in a row."""
    return min(_LONGEST_HOLD, _FIRST_HOLD * 2.0 ** min(refusals - 1, 30))
