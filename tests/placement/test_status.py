"""What statuses say, and when they are worth a request."""

from dataclasses import replace

import msgspec
import pytest
from placement.builders import group_view, pod_group
from powertrain_operator.api.cluster import PodGroupView
from powertrain_operator.api.podgroup import PodGroupStatus
from powertrain_operator.placement.outlook import Outlook, Waiting
from powertrain_operator.placement.status.podgroup import (
    Status,
    Told,
    Urgency,
    comparable,
    known,
    steadied,
    urgency,
    wanted,
)
from powertrain_scheduler.plan import Wait
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodClass, PodGroup

NOW = 1_795_521_600.0  # 2026-11-24T12:00:00Z
ONE = PodClass((("pods", 1),))
WAITS = Waiting("DoesNotFit", "needs 2 x 8; there is room for 1", NOW, NOW + 3600)


def group(*, placed: int = 0, waiting: int = 0, minimum: int = 2, leaving: int = 0) -> PodGroup:
    return PodGroup(
        name="team/g",
        queue="default",
        min_member=minimum,
        created=NOW,
        waiting=tuple(Pod(f"w{number}", ONE) for number in range(waiting)),
        placed=tuple(PlacedPod(f"p{number}", ONE, "n", number < leaving) for number in range(placed)),
        started=NOW if placed - leaving >= minimum else None,
    )


def view(status: Status | None = None) -> PodGroupView:
    manifest = pod_group("g", minimum=2)
    manifest["metadata"]["generation"] = 3
    return group_view(manifest | ({"status": status} if status else {}))


def status_of(core: PodGroup, waiting: Waiting | None = None, seen: PodGroupView | None = None) -> Status:
    status = wanted(seen or view(), core, Told(waiting), NOW)
    assert status is not None
    return status


def test_a_waiting_group_is_told_why_and_until_when() -> None:
    status = status_of(group(waiting=2), WAITS)
    assert (status["phase"], status["reason"], status["members"]) == ("Pending", "DoesNotFit", "0/2")
    assert status["estimatedStart"] == "2026-11-24T13:00:00Z"
    assert status["conditions"][0] == {
        "type": "Scheduled",
        "status": "False",
        "reason": "DoesNotFit",
        "message": WAITS.message,
        "lastTransitionTime": "2026-11-24T12:00:00Z",
        "observedGeneration": 3,
    }


def test_a_placed_group_is_told_since_when() -> None:
    status = status_of(group(placed=2))
    assert (status["phase"], status["scheduledTime"]) == ("Scheduled", "2026-11-24T12:00:00Z")
    assert "estimatedStart" not in status


def test_members_beyond_the_minimum_that_wait_are_told_in_the_message() -> None:
    assert "1 more wait: needs 2 x 8" in status_of(group(placed=2, waiting=1), WAITS)["message"]


def test_pods_that_leave_do_not_count_as_placed() -> None:
    assert status_of(group(placed=2, leaving=1), WAITS)["members"] == "1/2"


def test_nothing_is_said_of_a_group_of_which_nothing_is_known() -> None:
    assert wanted(view(), group(placed=1, waiting=1), Told(None), NOW) is None


def test_an_earlier_start_stays_on_record_while_the_group_waits_again() -> None:
    seen = view({"phase": "Scheduled", "scheduledTime": "2026-11-24T08:00:00Z"})
    assert status_of(group(waiting=2), WAITS, seen)["scheduledTime"] == "2026-11-24T08:00:00Z"


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    before = {"type": "Scheduled", "status": "False", "lastTransitionTime": "2026-11-24T08:00:00Z"}
    status = status_of(group(waiting=2), WAITS, view({"conditions": [before]}))
    assert status["conditions"][0]["lastTransitionTime"] == "2026-11-24T08:00:00Z"


def test_what_is_written_is_what_the_schema_admits_and_what_is_read_back() -> None:
    for status in (status_of(group(waiting=2), WAITS), status_of(group(placed=2))):
        assert PodGroupStatus.model_validate_json(msgspec.json.encode(status)).phase == status["phase"]
        assert known(view(status)) == comparable(status)


def test_a_message_of_any_length_is_cut_to_what_the_schema_admits() -> None:
    status = status_of(group(waiting=2), Waiting("DoesNotFit", "x" * 10_000, NOW))
    assert PodGroupStatus.model_validate_json(msgspec.json.encode(status))


@pytest.mark.parametrize(
    ("change", "how_much"),
    [
        ({}, Urgency.NONE),
        ({"message": "other numbers"}, Urgency.SLIGHT),
        ({"members": "1/2", "placed": 1}, Urgency.SLIGHT),
        ({"reason": "QuotaExceeded"}, Urgency.REASON),
        ({"phase": "Scheduled"}, Urgency.PHASE),
        ({"evicted": {"forGroup": "a/b", "reason": "Preempted"}}, Urgency.PHASE),
    ],
)
def test_how_much_a_difference_matters(change: Status, how_much: Urgency) -> None:
    before = comparable(status_of(group(waiting=2), WAITS))
    assert urgency(before, before | change) is how_much


def test_an_estimate_that_moves_a_little_is_no_difference() -> None:
    before = {"estimatedStart": "2026-11-24T13:00:00Z"}
    assert steadied(before, {"estimatedStart": "2026-11-24T13:05:00Z"}, NOW) == before
    later = {"estimatedStart": "2026-11-24T13:10:00Z"}
    assert steadied(before, later, NOW) == later
    assert steadied(before, later, NOW + 7200) == later, "an estimate that has passed is replaced"
    assert steadied(before, {}, NOW) == {}


# --- the nearest change


def test_the_nearest_change_is_told_beside_the_reason_while_the_group_waits() -> None:
    nearer = Waiting(WAITS.reason, WAITS.message, NOW, None, "would start with 8 more")
    assert status_of(group(waiting=2), nearer)["nearest"] == "would start with 8 more"
    assert "nearest" not in status_of(group(placed=2), nearer)
    assert "nearest" not in status_of(group(waiting=2), WAITS)


def test_another_nearest_change_can_wait() -> None:
    before = comparable(status_of(group(waiting=2), WAITS))
    assert urgency(before, before | {"nearest": "would start with 8 more"}) is Urgency.SLIGHT


def test_a_nearest_change_that_was_not_looked_for_again_stays_as_long_as_the_reason_does() -> None:
    outlook = Outlook(lambda group, now: now)
    wait = Wait("g", Reason.DOES_NOT_FIT, "too little", None, "would start with 8 more")
    outlook.take([wait], {}, NOW)
    unlooked = outlook.take([replace(wait, nearest="")], {}, NOW)
    assert outlook.waiting["g"].nearest == "would start with 8 more"
    assert not unlooked.urgent and not unlooked.slight
    outlook.take([replace(wait, nearest="", message="less still")], {}, NOW)
    assert outlook.waiting["g"].nearest == ""
