"""Times and durations, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from powertrain_operator.api import time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1m1s", 61),
        ("30m1h", 5400),
        ("5us", 5e-6),
        ("7ns", 7e-9),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert time.parse_duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "90", "1d", "-1h", "+1h", "1 h", "h", "1h ", "1h\n", "1,5h", "1hour", "٣h"]
)
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 30s, 5m or 1h30m") as refusal:
        time.parse_duration(text)
    assert repr(text) in str(refusal.value)


def test_a_duration_ends_where_kubernetes_has_no_bits_for_it() -> None:
    assert time.parse_duration("2562047h") == 2562047 * 3600
    with pytest.raises(ValueError, match="'2562048h' is longer than 292 years"):
        time.parse_duration("2562048h")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-5, "0s"),
        (0.25, "250ms"),
        (0.0001, "1ms"),
        (59.6, "1m"),
        (5400, "1h30m"),
        (90061, "25h1m1s"),
    ],
)
def test_a_duration_is_written_as_short_as_it_can_be(seconds: float, text: str) -> None:
    assert time.format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_whole_seconds_come_back_from_a_duration_as_they_were(seconds: int) -> None:
    assert time.parse_duration(time.format_duration(seconds)) == seconds


def test_a_time_is_written_in_utc_and_rounded_down_to_the_second() -> None:
    assert time.to_rfc3339(1795507199.999) == "2026-11-24T07:59:59Z"


@pytest.mark.parametrize(
    "text", ["2026-11-24T08:00:00Z", "2026-11-24T09:00:00+01:00", "2026-11-24T08:00:00.000000Z"]
)
def test_a_time_is_read_in_any_zone(text: str) -> None:
    assert time.from_rfc3339(text) == 1795507200


@pytest.mark.parametrize("text", ["", "soon", "2026-11-24T08:00:00", "2026-13-24T08:00:00Z"])
def test_what_is_no_time_with_a_zone_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time such as|has no time zone") as refusal:
        time.from_rfc3339(text)
    assert repr(text) in str(refusal.value)


@given(st.integers(min_value=0, max_value=4 * 10**9))
def test_whole_seconds_come_back_from_a_time_as_they_were(epoch: int) -> None:
    assert time.from_rfc3339(time.to_rfc3339(epoch)) == epoch
