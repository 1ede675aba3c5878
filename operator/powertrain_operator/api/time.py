"""Times and durations as the API writes them, and as numbers to reckon with.

Numbers are seconds: durations as they are, times since the Unix epoch. Nothing here reads a
clock.
"""

import re
from datetime import UTC, datetime
from typing import Final

LONGEST_DURATION: Final = float(2**63) / 1e9
"""Seconds; about 292 years. Kubernetes keeps durations in 64-bit nanoseconds."""

_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s|m|h)")
_WHOLE: Final = re.compile(f"({_PART.pattern})+")


def parse_duration(text: str) -> float:
    """Seconds, from Go's syntax without a sign: `1h30m`, `90s`, `1.5h`.

    ValueError, naming the text, where it is no duration or a longer one than 292 years.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m or 1h30m")
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
    if seconds >= LONGEST_DURATION:
        raise ValueError(f"{text!r} is longer than 292 years")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest such text, in whole seconds from a second on: 5400 -> `1h30m`, 0.25 -> `250ms`.

    Negative numbers read as `0s`.
    """
    if 0 < seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "m"), (rest, "s")]
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0s"


def to_rfc3339(epoch: float) -> str:
    """UTC, to the second (rounded down), as Kubernetes writes `metav1.Time`."""
    return datetime.fromtimestamp(epoch // 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_rfc3339(text: str) -> float:
    """Seconds since the epoch. ValueError, naming the text, where it is no time or has no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time such as 2026-11-24T08:00:00Z") from error
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; end it with Z")
    return moment.timestamp()
