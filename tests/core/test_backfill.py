"""When the first group that waits will start, what may go before it, and what the others are told."""

import pytest
from core.builders import (
    NOW,
    RACK,
    Policy,
    cluster,
    decide,
    nodes,
    pending,
    queue,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.plan import Reserve
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Quota
from powertrain_scheduler.timeline import expected_end

TWO = rack("r1", nodes=2, gpu=8)
BUSY = running("busy", ["r1-0"], gpu=8, started=NOW - 100, expected_seconds=600.0)


def test_the_first_group_that_waits_gets_a_start_and_its_nodes() -> None:
    plan = decide(cluster(TWO, BUSY, pending("big", 2, 8)))
    assert plan.reserves == (Reserve("big", NOW + 500, ("r1-0", "r1-1")),)
    assert wait(plan, "big").estimated_start == NOW + 500


def test_work_that_ends_before_goes_first() -> None:
    plan = decide(
        cluster(TWO, BUSY, pending("big", 2, 8), pending("short", 1, 8, expected_seconds=500.0, created=1.0))
    )
    assert started(plan) == {"short"}
    assert plan.reserves[0].start == NOW + 500


@pytest.mark.parametrize("seconds", [501.0, None])
def test_work_that_would_still_run_then_does_not(seconds: float | None) -> None:
    plan = decide(
        cluster(TWO, BUSY, pending("big", 2, 8), pending("long", 1, 8, expected_seconds=seconds, created=1.0))
    )
    assert not started(plan)
    assert wait(plan, "long").reason is Reason.RESERVED
    assert wait(plan, "long").message == (
        "would fit now, but might still run at 1970-01-12T13:55:00Z, when big is to start on 2 nodes"
    )


def test_the_shortest_goes_first_where_the_queue_says_so_until_the_long_has_waited_enough() -> None:
    """8 h of work that came an hour before half an hour of work: 1/8 of its time waited against almost none;
    when both have waited on for an hour, 2/8 against 2; after 9 h more new short work comes behind it."""
    hour = 3600.0
    short_first = queue("default", order="shortest")
    long = pending("long", 1, 8, expected_seconds=8 * hour, created=NOW - hour)

    def first(now: float, short_created: float, which: object = short_first) -> set[str]:
        short = pending("short", 1, 8, expected_seconds=hour / 2, created=short_created)
        return started(decide(cluster(rack("r1", nodes=1, gpu=8), which, long, short), now=now))  # type: ignore[arg-type]

    assert first(NOW + hour, NOW) == {"short"}
    assert first(NOW + hour, NOW, queue("default")) == {"long"}
    assert first(NOW + 10 * hour, NOW + 9.8 * hour) == {"long"}, "its turn comes"


def test_long_work_goes_where_the_reservation_leaves_room() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=3, gpu=8),
            running("busy", ["r1-0", "r1-1"], gpu=8, started=NOW, expected_seconds=100.0),
            pending("big", 2, 8),
            pending("long", 1, 8, created=1.0),
        )
    )
    assert started(plan) == {"long"}
    assert plan.reserves == (Reserve("big", NOW + 100, ("r1-0", "r1-1")),)


def test_the_reservation_respects_the_required_rack() -> None:
    plan = decide(
        cluster(
            *(rack("r1", nodes=2, gpu=8), rack("r2", nodes=2, gpu=8)),
            running("a", ["r1-0"], gpu=8, started=NOW, expected_seconds=900.0, preemptible=False),
            running("b", ["r2-0"], gpu=8, started=NOW, expected_seconds=300.0, preemptible=False),
            pending("big", 2, 8, required=RACK),
            pending("long", 1, 8, created=1.0),
        )
    )
    assert plan.reserves == (Reserve("big", NOW + 300, ("r2-0", "r2-1")),)
    assert nodes(plan, "long") == ("r1-1",), "the other rack is not needed"


def test_without_known_ends_there_is_no_estimate_and_nobody_is_held_up() -> None:
    endless = running("busy", ["r1-0"], gpu=8)
    plan = decide(cluster(TWO, endless, pending("big", 2, 8), pending("small", 1, 8, created=1.0)))
    assert started(plan) == {"small"}
    assert plan.reserves == () and wait(plan, "big").estimated_start is None


def test_a_group_that_never_fits_holds_up_nobody() -> None:
    plan = decide(cluster(TWO, BUSY, pending("huge", 3, 8), pending("small", 1, 8, created=1.0)))
    assert started(plan) == {"small"}
    assert plan.reserves == ()
    assert wait(plan, "huge").reason is Reason.NEVER_FITS


def test_a_group_kept_back_by_its_quota_reserves_nothing_but_is_told_its_start() -> None:
    plan = decide(
        cluster(
            *(TWO, queue("a", Quota(8, borrowing_limit=0)), queue("b")),
            running("x", ["r1-0"], gpu=8, queue="a", started=NOW, expected_seconds=100.0),
            pending("next", 1, 8, queue="a"),
            pending("other", 1, 8, queue="b"),
        )
    )
    assert started(plan) == {"other"}
    assert plan.reserves == ()
    assert wait(plan, "next").reason is Reason.QUOTA_EXCEEDED
    assert wait(plan, "next").estimated_start == NOW + 100


def test_everyone_in_line_is_told_a_start_that_counts_those_ahead() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=1, gpu=8),
            running("busy", ["r1-0"], gpu=8, started=NOW, expected_seconds=100.0),
            *(pending(f"p{i}", 1, 8, created=float(i), expected_seconds=1000.0) for i in range(3)),
        )
    )
    assert [wait(plan, f"p{i}").estimated_start for i in range(3)] == [NOW + 100, NOW + 1100, NOW + 2100]


def test_work_started_in_this_cycle_counts_for_the_estimate() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=1, gpu=8),
            pending("a", 1, 8, expected_seconds=60.0),
            pending("b", 1, 8, created=1.0),
        )
    )
    assert started(plan) == {"a"}
    assert wait(plan, "b").estimated_start == NOW + 60


def test_it_can_be_switched_off() -> None:
    world = cluster(TWO, BUSY, pending("big", 2, 8), pending("long", 1, 8, created=1.0))
    plan = decide(world, Policy(backfill=False))
    assert started(plan) == {"long"} and plan.reserves == ()


@pytest.mark.parametrize(
    ("expected", "maximum", "ran", "ends_in"),
    [
        pytest.param(600.0, None, 100.0, 500.0, id="as its owner says"),
        pytest.param(600.0, 300.0, 100.0, 200.0, id="never beyond the time at which it is ended"),
        pytest.param(None, 300.0, 100.0, 200.0, id="that time alone says something, too"),
        pytest.param(None, None, 100.0, None, id="nobody says"),
        pytest.param(600.0, None, 620.0, 60.0, id="a little late: soon"),
        pytest.param(600.0, None, 1600.0, 500.0, id="very late: half as long again"),
        pytest.param(600.0, 1700.0, 1600.0, 100.0, id="late, but ended by then"),
        pytest.param(600.0, 1000.0, 1600.0, 500.0, id="past its end in every way"),
    ],
)
def test_expected_ends(
    expected: float | None, maximum: float | None, ran: float, ends_in: float | None
) -> None:
    group = running("x", ["n"], started=NOW - ran, expected_seconds=expected, maximum_seconds=maximum)
    end = expected_end(group, NOW, Policy().overrun_seconds)
    assert end == (None if ends_in is None else NOW + ends_in)
