"""Pods beyond the minimum: what is free when every minimum has been served, step by step."""

from core.builders import (
    RACK,
    bound,
    cluster,
    decide,
    nodes,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Pod, PodGroup, SubGroup


def parted(name: str, min_subgroups: int | None, *parts: tuple[str, int, int, int]) -> PodGroup:
    """A group of parts: (name, pods, minimum, devices of each pod)."""
    waiting = [
        Pod(f"{name}-{part}-{i}", pod_class(gpu), part) for part, pods, _, gpu in parts for i in range(pods)
    ]
    subgroups = tuple(SubGroup(part, least) for part, _, least, _ in parts)
    return PodGroup(
        name,
        "default",
        0,
        created=0.0,
        waiting=tuple(waiting),
        subgroups=subgroups,
        min_subgroups=min_subgroups,
    )


def test_a_group_takes_what_is_free_beyond_its_minimum() -> None:
    plan = decide(cluster(rack("r", nodes=1, gpu=4), pending("a", workers=6, gpu=1, min_member=2)))
    assert bound(plan, "a") == ("a-0", "a-1", "a-2", "a-3")
    assert wait(plan, "a").reason is Reason.DOES_NOT_FIT
    assert wait(plan, "a").message.startswith("needs 1 x 1 nvidia.com/gpu; 1 matching node")


def test_every_minimum_comes_before_any_optional_pod() -> None:
    plan = decide(
        cluster(
            rack("r", nodes=1, gpu=4),
            pending("old", workers=4, gpu=1, min_member=1, created=1.0),
            pending("new", workers=2, gpu=1, created=2.0),
        )
    )
    assert len(bound(plan, "old")) == 2
    assert len(bound(plan, "new")) == 2


def test_an_optional_pod_without_room_holds_up_none_behind_it() -> None:
    plan = decide(
        cluster(
            rack("r", nodes=1, gpu=4),
            pending("a", workers=1, gpu=1, min_member=1, also=[pod_class(gpu=8), pod_class(gpu=2)]),
        )
    )
    assert bound(plan, "a") == ("a-0", "a-2")
    assert "8 nvidia.com/gpu" in wait(plan, "a").message


def test_an_optional_part_starts_whole_or_not_at_all() -> None:
    parts = ("one", 2, 2, 1), ("other", 3, 3, 1)
    plan = decide(cluster(rack("r", nodes=1, gpu=4), parted("a", 1, *parts)))
    assert bound(plan, "a") == ("a-one-0", "a-one-1")
    plan = decide(cluster(rack("r", nodes=1, gpu=5), parted("a", 1, *parts)))
    assert len(bound(plan, "a")) == 5
    assert "a" not in {each.group for each in plan.waits}


def test_optional_pods_of_a_part_come_after_the_part() -> None:
    parts = ("one", 1, 1, 1), ("other", 4, 2, 1)
    plan = decide(cluster(rack("r", nodes=1, gpu=4), parted("a", 1, *parts)))
    assert bound(plan, "a") == ("a-one-0", "a-other-0", "a-other-1", "a-other-2")
    plan = decide(cluster(rack("r", nodes=1, gpu=2), parted("a", 1, *parts)))
    assert bound(plan, "a") == ("a-one-0",)


def test_another_part_starts_where_the_first_does_not_fit() -> None:
    parts = ("large", 1, 1, 8), ("small", 1, 1, 2)
    plan = decide(cluster(rack("r", nodes=1, gpu=4), parted("a", 1, *parts)))
    assert bound(plan, "a") == ("a-small-0",)


def test_queues_take_turns_with_what_is_left() -> None:
    plan = decide(
        cluster(
            rack("r", nodes=1, gpu=8),
            queue("one", 4),
            queue("two", 4),
            pending("a", workers=8, gpu=1, min_member=1, queue="one"),
            pending("b", workers=8, gpu=1, min_member=1, queue="two"),
        )
    )
    assert len(bound(plan, "a")) == len(bound(plan, "b")) == 4


def test_the_first_in_a_queue_has_all_it_can_use_before_the_next() -> None:
    plan = decide(
        cluster(
            rack("r", nodes=1, gpu=6),
            queue("one"),
            queue("two"),
            pending("a", workers=3, gpu=1, min_member=1, queue="one", created=1.0),
            pending("b", workers=3, gpu=1, min_member=1, queue="one", created=2.0),
            pending("c", workers=2, gpu=1, min_member=1, queue="two", created=3.0),
        )
    )
    assert [len(bound(plan, name)) for name in "abc"] == [3, 1, 2]


def test_later_members_join_the_domain_of_those_that_run() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=1, gpu=8),
            rack("r2", nodes=2, gpu=8),
            running("a", ["r2-0"], gpu=8, waiting=1, min_member=1, required=RACK),
            running("x", ["r1-0"], gpu=6),
        )
    )
    assert nodes(plan, "a") == ("r2-1",)


def test_a_group_below_its_minimum_grows_by_no_optional_pod() -> None:
    plan = decide(cluster(rack("r", nodes=1, gpu=3), pending("a", workers=6, gpu=1, min_member=4)))
    assert "a" not in started(plan)
