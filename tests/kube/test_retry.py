import pytest
from powertrain_operator.kube.errors import (
    ApiError,
    Conflict,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from powertrain_operator.kube.retry import RetryPolicy, retry_delay

POLICY = RetryPolicy(attempts=5, first=0.1, longest=0.5, longest_retry_after=30.0)

REFUSED = Unreachable("cannot connect", sent=False)
CUT = Unreachable("connection lost", sent=True)
BUSY = TooManyRequests(429, "TooManyRequests", "try later")
FAILED = ServerError(503, "ServiceUnavailable", "etcd is away")


def delay(
    failure: ApiError, *, repeatable: bool = True, attempt: int = 1, jitter: float = 0.0
) -> float | None:
    return retry_delay(POLICY, failure, attempt, repeatable, jitter)


@pytest.mark.parametrize("failure", [REFUSED, BUSY])
def test_what_was_surely_not_processed_is_repeated_even_for_a_bind(failure: ApiError) -> None:
    assert delay(failure, repeatable=False) is not None


@pytest.mark.parametrize("failure", [CUT, FAILED])
def test_what_may_have_been_processed_is_repeated_only_if_twice_is_as_good_as_once(failure: ApiError) -> None:
    assert delay(failure, repeatable=False) is None
    assert delay(failure, repeatable=True) is not None


@pytest.mark.parametrize(
    "failure",
    [
        Conflict(409, "Conflict", ""),
        Unauthorized(401, "", ""),
        ServerError(501, "", ""),
        ServerError(505, "", ""),
    ],
)
def test_an_answer_that_will_not_change_is_not_asked_for_again(failure: ApiError) -> None:
    assert delay(failure) is None


def test_delays_double_up_to_the_longest_and_end_with_the_last_attempt() -> None:
    delays = [delay(FAILED, attempt=n, jitter=0.999999) for n in range(1, 6)]
    assert delays == [pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.4), pytest.approx(0.5), None]


def test_chance_takes_up_to_half_of_a_delay() -> None:
    assert delay(FAILED, attempt=3, jitter=0.0) == pytest.approx(0.2)
    assert delay(FAILED, attempt=3, jitter=0.5) == pytest.approx(0.3)


def test_retry_after_is_honoured_and_never_undercut() -> None:
    asked = TooManyRequests(429, "", "", retry_after=7.0)
    assert delay(asked, jitter=0.0) == 7.0
    assert delay(asked, jitter=0.5) == pytest.approx(7.05)


def test_a_retry_after_beyond_our_patience_is_left_to_the_caller() -> None:
    assert delay(TooManyRequests(429, "", "", retry_after=31.0)) is None
