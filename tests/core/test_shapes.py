"""Jobs that would run in one of several shapes: which one they get, when, and what becomes of the others."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from core.builders import (
    NOW,
    Policy,
    Pool,
    Power,
    carry_out,
    cluster,
    decide,
    evicted,
    nodes,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.plan import Choice, Plan, Reserve
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Alternative, Pod, PodGroup, Snapshot

FAST = Pool("fast", "fast", "nvidia.com/gpu", Power(50.0, 1000.0, 500.0, 4.0), price=8.0)
SLOW = Pool("slow", "slow", "nvidia.com/gpu", Power(50.0, 250.0, 500.0, 1.0), price=1.0)
LABEL = "accelerator"
FASTS = rack("f", 1, 4, pool="fast", labels={LABEL: "fast"})
SLOWS = rack("s", 1, 4, pool="slow", labels={LABEL: "slow"})


def shape(
    name: str, group: str = "job", *, workers: int = 1, gpu: int = 4, speed: float = 1.0
) -> Alternative:
    """So many pods on nodes of the accelerator `name`."""
    of = pod_class(gpu, selector={LABEL: name})
    return Alternative(name, workers, tuple(Pod(f"{group}-{name}-{i}", of) for i in range(workers)), speed)


def job(*shapes: Alternative, name: str = "job", seconds: float | None = 1000.0, **more: Any) -> PodGroup:
    """Waits in the first of the shapes; `seconds` are expected at its speed."""
    first, *others = shapes
    return pending(
        name,
        waiting=first.pods,
        min_member=first.min_member,
        shape=first.name,
        speed=first.speed,
        alternatives=tuple(others),
        expected_seconds=seconds,
        **more,
    )


def busy(node: str, seconds: float | None, name: str = "busy", **more: Any) -> PodGroup:
    """A whole node is in use for so long."""
    return running(name, [node], gpu=4, started=NOW, expected_seconds=seconds, **more)


def remade(snapshot: Snapshot, plan: Plan, name: str = "job") -> Snapshot:
    """The cluster once the plan is carried out and the pods of the chosen shape are there."""
    choice = next(each for each in plan.choices if each.group == name)
    after = carry_out(snapshot, plan)
    group = after.groups[name]
    to = next(each for each in group.alternatives if each.name == choice.shape)
    old = Alternative(group.shape, group.min_member, group.waiting, group.speed)
    expected = group.expected_seconds
    new = replace(
        group,
        shape=to.name,
        chosen=to.name,
        speed=to.speed,
        waiting=to.pods,
        min_member=to.min_member,
        alternatives=(*(each for each in group.alternatives if each is not to), old),
        expected_seconds=None if expected is None else expected * group.speed / to.speed,
    )
    return replace(after, groups={**after.groups, name: new})


WORLD = (FASTS, SLOWS, FAST, SLOW)
BOTH = (shape("slow", speed=1.0), shape("fast", speed=4.0))


def test_the_present_shape_starts_at_once_where_it_is_the_best() -> None:
    plan = decide(cluster(*WORLD, job(*reversed(BOTH))))
    assert nodes(plan, "job") == ("f-0",)
    assert not plan.choices


def test_room_is_held_in_a_better_shape_until_its_pods_are_made() -> None:
    snapshot = cluster(*WORLD, job(*BOTH), pending("next", 1, gpu=4, created=1.0, selector={LABEL: "fast"}))
    plan = decide(snapshot)
    assert plan.choices == (
        Choice(
            "job",
            "fast",
            "fast now until about 1970-01-12T13:50:50Z, rather than slow now until about 1970-01-12T14:03:20Z",
        ),
    )
    assert Reserve("job", NOW, ("f-0",), (("job-fast-0", "f-0"),)) in plan.reserves
    assert not started(plan), "the next one does not get what is held"
    assert wait(plan, "job").reason is Reason.CHANGING_SHAPE
    plan = decide(remade(snapshot, plan))
    assert nodes(plan, "job") == ("f-0",)
    assert not plan.choices


def test_room_is_held_on_while_the_pods_are_being_made() -> None:
    snapshot = cluster(*WORLD, job(*BOTH), pending("first", 1, gpu=4, created=-1.0, selector={LABEL: "slow"}))
    first = decide(snapshot)
    after = carry_out(snapshot, first)
    half = replace(after.groups["job"], waiting=(), chosen="fast")
    again = decide(replace(after, groups={**after.groups, "job": half}))
    assert [(each.group, each.shape) for each in again.choices] == [("job", "fast")]
    assert Reserve("job", NOW, ("f-0",), (("job-fast-0", "f-0"),)) in again.reserves
    assert wait(again, "job").reason is Reason.CHANGING_SHAPE
    assert not again.binds, "pods that are not there are not bound"


@pytest.mark.parametrize(
    ("busy_for", "shape_now"),
    [(100.0, None), (749.0, None), (2000.0, "slow"), (None, "slow")],
    ids=["soon free", "just soon enough", "much later", "nobody knows when"],
)
def test_a_worse_shape_now_where_the_better_one_would_end_later(
    busy_for: float | None, shape_now: str | None
) -> None:
    """On slow devices 1000 s, on fast ones 250 s once they are free."""
    group = job(*reversed(BOTH), seconds=250.0, objective="time")
    plan = decide(cluster(*WORLD, busy("f-0", busy_for), group))
    assert [each.shape for each in plan.choices] == ([shape_now] if shape_now else [])
    if shape_now is None:
        told = wait(plan, "job")
        assert told.reason is Reason.WAITING_FOR_SHAPE
        assert told.message.startswith("fits now, but waits for a better shape: fast from about 1970-01-12T")


def test_nobody_waits_for_nodes_that_are_not_to_come_free() -> None:
    """Devices of the accelerator are free, but not on the nodes that the better shape may use: these are in
    use, nobody knows for how long."""
    only = rack("x", 1, 4, pool="fast", labels={LABEL: "special"})
    special = replace(shape("special", speed=4.0), name="special")
    group = job(special, shape("slow"), seconds=250.0, objective="time")
    plan = decide(cluster(*WORLD, only, running("busy", ["x-0"], gpu=4), group))
    assert [each.shape for each in plan.choices] == ["slow"]


def test_everyone_ahead_counts_when_a_shape_is_expected() -> None:
    """The fast node is free in 100 s, but four jobs wait for it already: the fifth is done sooner elsewhere."""
    ahead = [
        pending(f"a{i}", 1, gpu=4, created=-10.0 + i, selector={LABEL: "fast"}, expected_seconds=500.0)
        for i in range(4)
    ]
    group = job(*reversed(BOTH), seconds=250.0, objective="time")
    alone = decide(cluster(*WORLD, busy("f-0", 100.0), group))
    behind = decide(cluster(*WORLD, busy("f-0", 100.0), group, *ahead))
    assert not alone.choices
    assert [each.shape for each in behind.choices] == ["slow"]


@pytest.mark.parametrize(
    ("objective", "shape_now"),
    [("time", "fast"), ("energy", "slow"), ("cost", "slow"), ("balanced", "fast")],
)
def test_the_objective_decides(objective: Any, shape_now: str) -> None:
    """Fast: 4 x 950 W and 32 an hour at speed 4; slow: 4 x 200 W and 4 an hour at speed 3. Time by energy:
    1/4 x 950 against 1/3 x 267."""
    speeds = {"time": 3.0, "energy": 3.0, "cost": 3.0, "balanced": 1.5}
    shapes = (shape("third", speed=0.1), shape("fast", speed=4.0), shape("slow", speed=speeds[objective]))
    plan = decide(cluster(*WORLD, job(*shapes, seconds=1000.0, objective=objective)))
    assert [each.shape for each in plan.choices] == [shape_now]


def test_frugal_work_ends_at_most_twice_as_late() -> None:
    frugal = job(shape("fast", speed=4.0), shape("slow", speed=1.0), seconds=250.0, objective="energy")
    assert nodes(decide(cluster(*WORLD, frugal)), "job") == ("f-0",), "four times as late is too late"
    near = job(shape("fast", speed=4.0), shape("slow", speed=2.0), seconds=250.0, objective="energy")
    assert [each.shape for each in decide(cluster(*WORLD, near)).choices] == ["slow"]


def test_a_little_better_is_not_worth_new_pods() -> None:
    nearly = (shape("slow", speed=1.0), shape("fast", speed=1.05))
    assert nodes(decide(cluster(*WORLD, job(*nearly, objective="time"))), "job") == ("s-0",)


def test_shapes_do_not_flip_while_a_job_waits() -> None:
    """Ends of the work that it waits for move to and fro; the shape in which it waits does not."""
    dice, group = Random(3), job(shape("slow"), shape("fast"), objective="time")
    for _ in range(20):
        ends = [1000.0 + dice.uniform(-40.0, 40.0) for _ in range(2)]
        plan = decide(cluster(*WORLD, busy("f-0", ends[0], "a"), busy("s-0", ends[1], "b"), group))
        assert not plan.choices
        assert plan.reserves[0].nodes == ("s-0",)


def test_a_chosen_shape_is_not_left_for_a_little() -> None:
    """Its pods are being made for fast devices; as many slow ones of nearly that speed come free."""
    group = job(shape("slow", speed=1.05), shape("fast", speed=1.0), objective="time", chosen="fast")
    plan = decide(cluster(*WORLD, group))
    assert [each.shape for each in plan.choices] == ["fast"]


def test_the_shape_is_chosen_anew_while_it_waits() -> None:
    group = job(*reversed(BOTH), seconds=250.0, objective="time")
    waiting = decide(cluster(*WORLD, busy("f-0", 400.0), busy("s-0", 300.0, "b"), group))
    assert wait(waiting, "job").estimated_start == NOW + 400.0
    later = decide(cluster(*WORLD, busy("f-0", 4000.0), busy("s-0", 300.0, "b"), group))
    assert later.reserves == (Reserve("job", NOW + 300.0, ("s-0",)),)
    assert not later.choices, "nothing is made anew before there is room"


def test_running_work_keeps_its_shape() -> None:
    group = replace(job(*BOTH), waiting=(), placed=running("job", ["s-0"], gpu=4).placed, started=NOW - 10.0)
    assert decide(cluster(*WORLD, group)) == Plan()


def test_a_shape_that_its_queue_may_not_have_is_none() -> None:
    quotas = queue("team", {"fast": 0, "slow": 8}, parent="root")
    root = queue("root", {"fast": 0})
    limited = replace(
        quotas, quotas={**quotas.quotas, "fast": replace(quotas.quotas["fast"], borrowing_limit=0)}
    )
    plan = decide(cluster(*WORLD, root, limited, job(*reversed(BOTH), queue="team")))
    assert [each.shape for each in plan.choices] == ["slow"]


def test_nobody_is_evicted_for_a_job_that_would_fit_in_another_shape() -> None:
    low = busy("f-0", 50.0, preemptible=True, priority=0)
    group = job(*reversed(BOTH), seconds=250.0, priority=5, objective="time")
    plan = decide(cluster(*WORLD, low, group))
    assert not evicted(plan)
    assert wait(plan, "job").reason is Reason.WAITING_FOR_SHAPE


def test_others_are_evicted_for_the_shape_in_which_that_gives_room() -> None:
    """The fast one is not to be had at all, the slow one by preemption."""
    fixed = busy("f-0", 50.0, "fixed", preemptible=False)
    low = busy("s-0", None, "low", priority=0)
    group = job(*reversed(BOTH), seconds=2500.0, priority=5)
    plan = decide(cluster(*WORLD, fixed, low, group))
    assert evicted(plan) == {"low-0"}
    assert [each.shape for each in plan.choices] == ["slow"]


def test_unlike_numbers_of_pods_are_shapes_too() -> None:
    wide, narrow = shape("slow", workers=4, gpu=1, speed=1.5), shape("slow", gpu=1, speed=1.0)
    group = job(replace(narrow, name="narrow"), replace(wide, name="wide"), objective="time")
    plan = decide(cluster(*WORLD, group))
    assert [each.shape for each in plan.choices] == ["wide"]
    again = decide(remade(cluster(*WORLD, group), plan))
    assert nodes(again, "job") == ("s-0",) * 4


def test_without_known_run_times_the_fastest_that_fits_starts() -> None:
    plan = decide(cluster(*WORLD, job(*BOTH, seconds=None)))
    assert [each.shape for each in plan.choices] == ["fast"]
    plan = decide(cluster(*WORLD, busy("f-0", None), job(*BOTH, seconds=None)))
    assert nodes(plan, "job") == ("s-0",)


def test_the_objective_decides_between_accelerators_of_one_request_too() -> None:
    """Fast: 950 W at speed 4, price 8. Slow: 200 W at speed 1, price 1."""

    def accelerator(objective: Any) -> str:
        return nodes(decide(cluster(*WORLD, pending("job", 1, gpu=1, objective=objective))), "job")[0]

    assert [accelerator(each) for each in ("time", "energy", "cost")] == ["f-0", "s-0", "s-0"]
    frugal = replace(FAST, price=3.0)
    world = (FASTS, SLOWS, frugal, SLOW)
    assert nodes(decide(cluster(*world, pending("job", 1, gpu=1, objective="cost"))), "job") == ("f-0",)


def test_the_same_plan_for_shuffled_groups() -> None:
    groups = [
        job(shape("slow", f"j{i}"), shape("fast", f"j{i}", speed=4.0), name=f"j{i}", created=float(i % 3))
        for i in range(6)
    ]
    plan = decide(cluster(*WORLD, *groups))
    for seed in range(5):
        Random(seed).shuffle(groups)
        assert decide(cluster(*WORLD, *groups), Policy()) == plan
