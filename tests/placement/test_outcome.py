"""What an answer to a binding means, and how long to wait after it."""

import pytest
from placement.builders import Json, pod, pod_view
from powertrain_operator.kube import errors
from powertrain_operator.placement.execute.outcome import (
    Step,
    after_failure,
    after_reading,
    hold_time,
    retry_wait,
)


def failure(status: int) -> errors.ApiError:
    return errors.from_response(status, b'{"message": "told to"}')


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (failure(404), Step.GONE),
        (failure(409), Step.READ),
        (failure(500), Step.READ),
        (failure(504), Step.READ),
        (errors.Unreachable("cut", sent=True), Step.READ),
        (errors.Unreachable("refused", sent=False), Step.AGAIN),
        (failure(429), Step.AGAIN),
        (failure(422), Step.REFUSED),
        (failure(403), Step.REFUSED),
        (failure(400), Step.REFUSED),
    ],
)
def test_an_answer_of_unknown_outcome_is_read_before_anything_else(
    answer: errors.ApiError, step: Step
) -> None:
    assert after_failure(answer) is step


def seen(**fields: object) -> Json:
    manifest = pod("p", **fields)  # type: ignore[arg-type]
    manifest["metadata"]["uid"] = "u"
    return manifest


@pytest.mark.parametrize(
    ("manifest", "step"),
    [
        (None, Step.GONE),
        (seen() | {"metadata": {"uid": "another"}}, Step.GONE),
        (seen(leaving=True), Step.GONE),
        (seen(phase="Failed"), Step.GONE),
        (seen(node="n1"), Step.BOUND),
        (seen(node="n1", leaving=True), Step.BOUND),
        (seen(node="n2"), Step.TAKEN),
        (seen(), Step.AGAIN),
    ],
)
def test_the_pod_itself_says_what_became_of_it(manifest: Json | None, step: Step) -> None:
    assert after_reading(pod_view(manifest) if manifest else None, "u", "n1") is step


def test_the_servers_wish_goes_before_our_own_pace() -> None:
    asked = errors.from_response(429, b"", retry_after=7.0)
    assert retry_wait(asked, 1) == retry_wait(asked, 9) == 7.0
    assert [retry_wait(failure(500), attempt) for attempt in (1, 2, 3, 100)] == [0.1, 0.2, 0.4, 5.0]


def test_refusals_in_a_row_are_left_alone_longer_and_longer() -> None:
    assert [hold_time(refusals) for refusals in (1, 2, 3, 50)] == [1.0, 2.0, 4.0, 60.0]
