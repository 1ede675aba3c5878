"""Which pods are a group's minimum, and in what steps it grows beyond that and shrinks to it."""

from collections.abc import Sequence
from dataclasses import replace

from core.builders import pod_class
from powertrain_scheduler import minimum
from powertrain_scheduler.minimum import Leave, Minimum
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodGroup, Slice, SubGroup, Topology

ANY = pod_class(gpu=1)


def group(
    *parts: SubGroup,
    waiting: Sequence[str] = (),
    placed: Sequence[str] = (),
    leaving: Sequence[int] = (),
    least: int = 0,
    **more: int,
) -> PodGroup:
    """A group of parts; `waiting` and `placed` name the part of each pod."""
    return PodGroup(
        "a",
        "default",
        least,
        created=0.0,
        waiting=tuple(Pod(f"w{i}", ANY, part) for i, part in enumerate(waiting)),
        placed=tuple(
            PlacedPod(f"p{i}", ANY, "n0", i in leaving, subgroup=part) for i, part in enumerate(placed)
        ),
        subgroups=parts,
        **more,  # type: ignore[arg-type]
    )


def test_a_group_without_parts_needs_its_first_pods() -> None:
    assert minimum.of(group(waiting=[""] * 4, least=3)) == Minimum((), (0, 1, 2), 0)
    assert minimum.of(group(waiting=[""] * 2, placed=["", ""], leaving=[0], least=3)) == Minimum(
        (1,), (0, 1), 0
    )
    assert minimum.of(group(waiting=[""], placed=[""], least=4)) == Minimum((0,), (0,), 2)


def test_every_part_needs_its_first_pods() -> None:
    two = SubGroup("leader", 1), SubGroup("workers", 2)
    assert minimum.of(group(*two, waiting=["workers"] * 3 + ["leader"] * 2)).waiting == (0, 1, 3)
    assert minimum.missing(group(*two, waiting=["leader"], placed=["workers"])) == 2


def test_the_group_s_own_minimum_is_filled_up_in_rank_order() -> None:
    parts = SubGroup("a", 1), SubGroup("b", 1)
    assert minimum.of(group(*parts, waiting=["a", "a", "b", "b", ""], least=4)).waiting == (0, 1, 2, 3)


def test_a_part_of_parts_needs_what_these_need() -> None:
    replicas = (
        *(SubGroup("one"), SubGroup("one-leader", 1, "one"), SubGroup("one-workers", 2, "one")),
        SubGroup("other", 1),
    )
    waiting = ["one-workers"] * 3 + ["one-leader", "other", "other"]
    assert minimum.of(group(*replicas, waiting=waiting)).waiting == (0, 1, 3, 4)


def test_of_parts_of_which_not_all_are_needed_those_count_that_run() -> None:
    parts = SubGroup("a", 2), SubGroup("b", 2)
    assert minimum.of(group(*parts, waiting=["a"] * 2 + ["b"] * 2, min_subgroups=1)).waiting == (0, 1)
    assert minimum.of(group(*parts, waiting=["a"] * 2, placed=["b"] * 2, min_subgroups=1)) == Minimum(
        (0, 1), (), 0
    )
    begun = group(*parts, waiting=["a", "a", "b"], placed=["b"], min_subgroups=1)
    assert minimum.of(begun) == Minimum((0,), (2,), 0)


def test_a_part_whose_pods_do_not_exist_is_passed_over_where_another_will_do() -> None:
    parts = SubGroup("a", 2), SubGroup("b", 2)
    assert minimum.of(group(*parts, waiting=["a", "b", "b"], min_subgroups=1)).waiting == (1, 2)
    assert minimum.of(group(*parts, waiting=["a", "b", "b"])).short == 1


def test_other_parts_may_do_instead() -> None:
    parts = SubGroup("a", 1), SubGroup("b", 1), SubGroup("c", 1)
    found = minimum.others(group(*parts, waiting=["a", "b", "c"], min_subgroups=1), most=8)
    assert [each.waiting for each in found] == [(1,), (2,)]
    assert minimum.others(group(*parts, waiting=["a", "b", "c"]), most=8) == []


def test_other_pods_may_do_instead_where_some_are_unlike() -> None:
    alike = group(waiting=[""] * 4, least=2)
    assert minimum.others(alike, most=8) == []
    large = Pod("w0", pod_class(gpu=8))
    unlike = replace(alike, waiting=(large, *alike.waiting[1:]))
    assert [each.waiting for each in minimum.others(unlike, most=8)] == [(1, 2)]
    assert minimum.others(replace(unlike, min_member=4), most=8) == []


def test_parents_in_a_circle_or_nowhere_are_taken_for_the_group_s_own() -> None:
    parts = SubGroup("a", 1, parent="b"), SubGroup("b", 1, parent="a"), SubGroup("c", 1, parent="x")
    assert minimum.of(group(*parts, waiting=["a", "b", "c"])).waiting == (0, 1, 2)


def test_optional_pods_start_one_by_one_and_optional_parts_whole() -> None:
    parts = SubGroup("a", 1), SubGroup("b", 2)
    found = minimum.steps(group(*parts, waiting=["a", "a", "b", "b", "b"], min_subgroups=1))
    assert [(step.waiting, step.after) for step in found] == [((1,), None), ((2, 3), None), ((4,), 1)]


def test_slices_are_added_whole() -> None:
    pods = tuple(Pod(f"w{i}", ANY) for i in range(7))
    sliced = PodGroup("a", "default", 2, 0.0, waiting=pods, topology=Topology(slices=(Slice(2, "rack"),)))
    assert [step.waiting for step in minimum.steps(sliced)] == [(2, 3), (4, 5), (6,)]


def test_the_last_pods_leave_first_and_optional_parts_whole() -> None:
    plain = group(placed=[""] * 4, leaving=[3], least=1)
    assert minimum.surplus(plain) == [Leave((2,)), Leave((1,))]
    parts = SubGroup("a", 1), SubGroup("b", 2)
    assert minimum.surplus(group(*parts, placed=["a", "a", "b", "b", "b"], min_subgroups=1)) == [
        Leave((4,), along=1),
        Leave((2, 3)),
        Leave((1,)),
    ]
    assert minimum.surplus(group(*parts, placed=["a", "a", "b", "b", "b"])) == [Leave((4,)), Leave((1,))]
