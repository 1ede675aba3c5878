"""A group in each of the shapes that it would run in.

In each of them it is a group like any other, so that whatever answers for one shape answers for all.
"""

from dataclasses import replace

from powertrain_scheduler.snapshot import Alternative, PodGroup


def of(group: PodGroup) -> tuple[PodGroup, ...]:
    """The group in its present shape, if its pods are there, and in the others.

    Work that holds nodes stays what it is: its pods are not made anew for another shape.
    """
    if not group.alternatives or group.placed:
        return (group,)
    others = tuple(_changed(group, each) for each in group.alternatives)
    return (group, *others) if len(group.waiting) >= group.min_member else others


def chosen(group: PodGroup) -> PodGroup:
    """The group in the shape that an earlier cycle chose for it, whose pods may have yet to be made."""
    if not group.chosen or group.chosen == group.shape:
        return group
    return next((each for each in of(group) if each.shape == group.chosen), group)


def best_speed(group: PodGroup) -> float:
    """Of the fastest of its shapes."""
    return max([group.speed, *(each.speed for each in group.alternatives)])


def awaits_pods(group: PodGroup) -> bool:
    """Whether pods of another shape are being made for it."""
    return chosen(group) is not group


def _changed(group: PodGroup, to: Alternative) -> PodGroup:
    """What it would be in another shape; a time that its owner expects is for the speed of the present one."""
    expected = group.expected_seconds
    return replace(
        group,
        waiting=to.pods,
        gated=0,
        min_member=to.min_member,
        topology=to.topology,
        subgroups=(),
        min_subgroups=None,
        shape=to.name,
        speed=to.speed,
        expected_seconds=None if expected is None else expected * group.speed / to.speed,
        alternatives=(),
    )
