"""How the models behave in the hands of the processes that fill them in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from powertrain_operator.api import quantity, time
from powertrain_operator.api.acceleratorpool import AcceleratorPoolStatus
from powertrain_operator.api.fields import DURATION_PATTERN, MESSAGE_LENGTH, QUANTITY_PATTERN
from powertrain_operator.api.meta import Condition, next_conditions
from powertrain_operator.api.queue import QueueStatus
from powertrain_operator.api.trainingjob import TrainingJobStatus
from pydantic import ValidationError

NOON, LATER = 1795521600.0, 1795521660.0


def running(holds: bool, now: float, before: tuple[Condition, ...] = ()) -> tuple[Condition, ...]:
    return next_conditions(before, now, 2, ("Running", holds, "Because", "because"))


def test_a_condition_that_stays_as_it_is_keeps_the_time_of_its_last_change() -> None:
    first = running(True, NOON)
    assert running(True, LATER, first) == first
    assert first[0].last_transition_time == "2026-11-24T12:00:00Z"


def test_a_condition_that_changes_has_changed_now() -> None:
    (condition,) = running(False, LATER, running(True, NOON))
    assert (condition.status, condition.last_transition_time) == ("False", "2026-11-24T12:01:00Z")


def test_a_condition_that_nobody_states_any_more_goes() -> None:
    assert next_conditions(running(True, NOON), LATER, 3) == ()


def test_a_status_is_written_without_what_is_not_known() -> None:
    status = TrainingJobStatus(phase="Running", ready=0, nodes=("n-1",))
    assert status.manifest() == {
        "phase": "Running",
        "ready": 0,
        "conditions": [],
        "nodes": ["n-1"],
        "failedNodes": [],
    }


def test_a_sentence_that_is_too_long_is_cut_rather_than_refused() -> None:
    message = QueueStatus(message="x" * 10_000).message
    assert message is not None
    assert len(message) == MESSAGE_LENGTH
    assert message.endswith("x…")


def test_watts_and_energy_are_rounded_to_what_a_column_shows() -> None:
    status = AcceleratorPoolStatus(watts=1234.5678, kilowatt_hours=0.12345)
    assert (status.watts, status.kilowatt_hours) == (1234.6, 0.123)


def test_a_status_does_not_change_in_place() -> None:
    status = QueueStatus(phase="Ready")
    with pytest.raises(ValidationError, match="frozen"):
        status.phase = "Invalid"  # type: ignore[misc]


@given(st.from_regex(QUANTITY_PATTERN, fullmatch=True, alphabet=st.characters(max_codepoint=127)))
def test_every_quantity_that_the_schema_admits_is_an_amount(text: str) -> None:
    assert quantity.amount("cpu", text) >= 0
    assert quantity.amount("memory", text) >= 0


@given(st.from_regex(DURATION_PATTERN, fullmatch=True).filter(lambda text: 2 <= len(text) <= 32))
def test_every_duration_that_the_schema_admits_is_one_that_can_be_reckoned_with(text: str) -> None:
    assert 0 <= time.parse_duration(text) < time.LONGEST_DURATION


@pytest.mark.parametrize("reason", ["two words", "lower", "", "Dash-ed"])
def test_a_reason_is_one_camel_case_word(reason: str) -> None:
    with pytest.raises(ValidationError):
        QueueStatus(reason=reason)
