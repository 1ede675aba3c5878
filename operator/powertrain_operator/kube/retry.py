"""When a failed request is tried again, and after how long.

`retry_delay` is pure: a request that surely was not processed (429, no connection) may always be
repeated, one of unknown outcome only if doing it twice does no harm.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from powertrain_operator.kube.errors import ApiError, ServerError, TooManyRequests, Unreachable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of repeating; seconds."""

    attempts: int = 5
    first: float = 0.1
    longest: float = 5.0
    longest_retry_after: float = 30.0
    """A longer Retry-After is not waited for: the caller gets the error and may do something else."""


def retry_delay(
    policy: RetryPolicy, failure: ApiError, attempt: int, repeatable: bool, jitter: float
) -> float | None:
    """Seconds to wait before the next attempt after `attempt` of them failed; None: give up.

    `jitter` is a random number in [0, 1).
    """
    if attempt >= policy.attempts or not _may_repeat(failure, repeatable):
        return None
    if failure.retry_after is None:
        return min(policy.longest, policy.first * 2.0 ** (attempt - 1)) * (1 + jitter) / 2
    if failure.retry_after > policy.longest_retry_after:
        return None
    return failure.retry_after + policy.first * jitter


def _may_repeat(failure: ApiError, repeatable: bool) -> bool:
    match failure:
        case TooManyRequests():
            return True
        case Unreachable():
            return repeatable or not failure.sent
        case ServerError():
            return repeatable and failure.status in (500, 502, 503, 504)
    return False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Time and chance, so that tests can stand in for them."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


BOUNDED = RetryPolicy()
REAL = Waiting()
