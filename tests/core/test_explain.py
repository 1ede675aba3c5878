"""The decision record: what was tried, what would help, and why a group is where it is."""

from dataclasses import replace

from core.builders import (
    BLOCK,
    NOW,
    RACK,
    cluster,
    decide,
    pending,
    pod_class,
    queue,
    rack,
    running,
)
from core.profiles import examples
from core.worlds import H200, clusters
from hypothesis import given
from powertrain_scheduler import changes, cycle, explain
from powertrain_scheduler.explain import Means, Record
from powertrain_scheduler.explain.proof import gets_room
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import Quota, Snapshot

FLEET = rack("r1", nodes=2, gpu=8, block="b") + rack("r2", nodes=2, gpu=8, block="b")


def record(group: str, *parts: object, policy: Policy | None = None) -> Record:
    found = explain.explain(cluster(*parts), policy or Policy(), NOW, group)  # type: ignore[arg-type]
    assert found is not None
    return found


def steps(found: Record) -> dict[Means, tuple[bool, str]]:
    return {step.means: (step.done, step.message) for step in found.steps}


# -- what was tried ---------------------------------------------------------------------------------


def test_every_means_is_told_with_its_end() -> None:
    busy = running("x", ["r1-0", "r1-1", "r2-0"], gpu=8, preemptible=False)
    found = record("p", FLEET, busy, pending("p", 2, 8))
    assert found.outcome == "Waits"
    assert steps(found) == {
        Means.START: (False, found.message),
        Means.AWAIT: (False, "no pod is leaving"),
        Means.MOVE: (False, "nobody in its way may be moved"),
        Means.RECLAIM: (False, "neither queue default nor a parent of it owns h100-sxm"),
        Means.PREEMPT: (False, "nobody of a priority below 0 that may be evicted runs in queue default"),
        Means.RESERVE: (False, "the running work in its way does not say when it ends"),
    }


def test_a_queue_over_its_own_is_told_that_nothing_is_owed_to_it() -> None:
    queues = queue("a", 4, weight=0), queue("b", 0)
    busy = running("x", ["r1-0", "r1-1", "r2-0", "r2-1"], gpu=8, queue="b")
    told = steps(record("p", FLEET, *queues, busy, pending("p", 1, 8, queue="a")))[Means.RECLAIM]
    assert told == (False, "queue a holds 0 of the 4 h100-sxm that are its own, so 8 more are not owed to it")
    shares = queue("a", 4), queue("b", 0)
    told = steps(record("p", FLEET, *shares, busy, pending("p", 3, 8, queue="a")))[Means.RECLAIM]
    assert told == (False, "queue a holds 0 of the 18 h100-sxm of its share, so 24 more are not owed to it")


def test_an_eviction_is_told_with_whom_it_hits() -> None:
    queues = queue("a", 32), queue("b", 0)
    busy = running("x", ["r1-0", "r1-1", "r2-0", "r2-1"], gpu=8, queue="b", min_member=1)
    found = record("p", FLEET, *queues, busy, pending("p", 1, 8, queue="a"))
    assert steps(found)[Means.RECLAIM] == (True, "1 pod of 1 group must leave for it: x")


def test_a_reservation_is_told_with_its_start() -> None:
    busy = running("x", ["r1-0", "r1-1", "r2-0"], gpu=8, started=NOW, expected_seconds=600.0)
    found = record("p", FLEET, busy, pending("p", 2, 8))
    assert steps(found)[Means.RESERVE] == (True, "2 nodes are kept for it from 1970-01-12T13:56:40Z on")
    assert found.estimated_start == NOW + 600.0


def test_what_the_policy_switches_off_is_told_so() -> None:
    busy = running("x", ["r1-0", "r1-1", "r2-0", "r2-1"], gpu=8)
    told = steps(record("p", FLEET, busy, pending("p", 1, 8), policy=NOTHING))
    off = (Means.MOVE, Means.RECLAIM, Means.PREEMPT, Means.RESERVE)
    assert {told[means][1] for means in off} == {"switched off"}


NOTHING = Policy(consolidate=False, reclaim=False, preempt=False, backfill=False)


def test_a_move_is_told_with_whom_it_concerns() -> None:
    fleet = rack("r1", nodes=2, gpu=8)
    busy = running("x", ["r1-0"], gpu=4, started=NOW), running("y", ["r1-1"], gpu=4, started=NOW)
    found = record("p", fleet, *busy, pending("p", 1, 8))
    assert steps(found)[Means.MOVE][0]
    assert "1 pod of 1 group move out of its way" in steps(found)[Means.MOVE][1]


def test_a_group_with_its_minimum_is_told_as_such_and_what_the_rest_waits_for() -> None:
    four = rack("r1", nodes=1, gpu=4)
    found = record("p", four, pending("p", 6, 1, min_member=2))
    assert found.outcome == "Starts" and found.reason is None
    rest = "; pods beyond its minimum wait (DoesNotFit): needs 1 x 1 nvidia.com/gpu; "
    assert found.message.startswith(f"4 pods get nodes now{rest}")
    one_more = replace(running("p", ["r1-0"], gpu=4), waiting=pending("p", 2, 4).waiting[1:])
    found = record("p", four, one_more)
    assert found.outcome == "Runs"
    assert found.message.startswith("1 pod runs on 1 node; pods beyond its minimum wait (DoesNotFit): ")


def test_a_group_that_nobody_knows_has_no_record() -> None:
    assert explain.explain(cluster(FLEET), Policy(), NOW, "nobody") is None


def test_a_group_that_runs_is_told_where() -> None:
    found = record("x", FLEET, running("x", ["r1-0", "r1-1"], gpu=8))
    assert (found.outcome, found.message) == ("Runs", "2 pods run on 2 nodes")


# -- what would help --------------------------------------------------------------------------------


def test_a_way_that_would_let_another_start_first_is_left_out() -> None:
    """More quota for its queue also makes it the turn of a group before it, which takes the room."""
    queues = queue("a", Quota(0, 0)), queue("b", Quota(8, 0))
    busy = running("x", ["r1-0", "r1-1", "r2-0"], gpu=8, queue="b", preemptible=False)
    line = (
        pending("first", 1, 8, queue="a", priority=5),
        pending("second", 1, 8, queue="a", preemptible=True),
    )
    found = record("second", FLEET, *queues, busy, *line)
    assert all(way.proved for way in found.nearest)
    assert [way.message for way in record("first", FLEET, *queues, busy, *line).nearest] == [
        "would start with the borrowing limit of queue a for h100-sxm raised by 8"
    ]
    assert found.nearest == ()


@examples(20)
@given(clusters)
def test_every_proved_way_lets_the_group_start(snapshot: Snapshot) -> None:
    outcome = cycle.work_out(snapshot, Policy(), NOW)
    for found in explain.records(outcome, snapshot, Policy(), NOW):
        for way in found.nearest:
            plan = decide(changes.applied(way.changes, snapshot, found.group))
            assert not way.proved or gets_room(plan, found.group, NOW)


# -- why there --------------------------------------------------------------------------------------


def test_the_only_place_is_told_to_be_it() -> None:
    busy = running("x", ["r1-0", "r2-0", "r2-1"], gpu=8)
    place = record("p", FLEET, busy, pending("p", 1, 8)).place
    assert place is not None and place.runner_up is None
    assert (place.decided_by, place.message) == (
        "Only",
        "on r1-1 in rack r1 (h100-sxm); nowhere else would it fit",
    )


def test_a_gang_in_one_rack_is_told_what_another_place_would_be() -> None:
    busy = running("x", ["r2-0"], gpu=8)
    place = record(
        "p", FLEET, rack("r3", nodes=1, gpu=8, block="c"), busy, pending("p", 2, 8, preferred=RACK)
    ).place
    assert place is not None and place.decided_by == "Topology"
    assert place.message == (
        "on 2 nodes in rack r1 (h100-sxm); next best would be 2 nodes (h100-sxm), which lies in "
        "2 blocks and 2 racks and 2 nodes instead of 1 block and 1 rack and 2 nodes"
    )
    assert place.spot.domains == ((BLOCK, ("b",)), (RACK, ("r1",)))


def test_the_fuller_node_is_told_what_the_emptier_would_leave_idle() -> None:
    busy = running("x", ["r1-0"], gpu=6)
    place = record("p", rack("r1", nodes=2, gpu=8, block="b"), busy, pending("p", 1, 2)).place
    assert place is not None and place.spot.nodes == ("r1-0",)
    assert place.decided_by in ("Packing", "Energy")


def test_what_one_accelerator_costs_more_than_another_is_told() -> None:
    """Same speed asked for, unlike watts: the objective is energy."""
    fleet = rack("r1", nodes=1, gpu=8), rack("r2", nodes=1, gpu=8, pool="h200")
    place = record("p", *fleet, H200, pending("p", of=pod_class(8), objective="energy")).place
    assert place is not None and place.runner_up is not None
    assert place.decided_by == "Energy" and "more watts per unit of work" in place.message
    assert place.spot.joules < place.runner_up.joules
