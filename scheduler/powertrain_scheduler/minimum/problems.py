"""Groups that can't be meant as they are: parts in a circle or without a parent, amounts below what makes sense."""

from collections.abc import Iterator
from math import isfinite

from powertrain_scheduler.snapshot import PodGroup, SubGroup, Topology


def problem(group: PodGroup) -> str | None:
    """What is wrong with what the group says of itself, in words, or None; the others go on."""
    return next(_problems(group), None)


def _problems(group: PodGroup) -> Iterator[str]:
    yield from _amounts("it", group.min_member, group.min_subgroups)
    for name, seconds in (
        ("expected run time", group.expected_seconds),
        ("maximum run time", group.maximum_seconds),
    ):
        if seconds is not None and not (isfinite(seconds) and seconds >= 0):
            yield f"its {name} is {seconds:g} s"
    if group.topology.slices:
        yield from _slices("it", group.topology)
    if group.subgroups:
        yield from _parts(group)


def _amounts(who: str, members: int, parts: int | None) -> Iterator[str]:
    if members < 0:
        yield f"{who} needs {members} pods, which is less than 0"
    if parts is not None and parts < 0:
        yield f"{who} needs {parts} of its parts, which is less than 0"


def _slices(who: str, topology: Topology) -> Iterator[str]:
    before = None
    for each in topology.slices:
        if each.size < 1:
            yield f"{who} asks for slices of {each.size} pods"
        elif before is not None and before % each.size:
            yield f"{who} asks for slices of {each.size} pods in slices of {before}, which does not come out even"
        before = each.size


def _parts(group: PodGroup) -> Iterator[str]:
    said: dict[str, SubGroup] = {}
    for part in group.subgroups:
        if not part.name:
            yield "one of its parts has no name"
        elif part.name in said:
            yield f"two of its parts have the name {part.name}"
        said[part.name] = part
    for part in group.subgroups:
        who = f"part {part.name}"
        if part.parent and part.parent not in said:
            yield f"{who} lies in part {part.parent}, which does not exist"
        yield from _circle(said, part)
        yield from _amounts(who, part.min_member, part.min_subgroups)
        yield from _slices(who, part.topology)


def _circle(said: dict[str, SubGroup], part: SubGroup) -> Iterator[str]:
    path, at = [part.name], part.parent
    while at in said:
        path.append(at)
        if at == part.name:
            yield f"its parts lie in each other: {' in '.join(path)}"
        if path.count(at) > 1:
            return
        at = said[at].parent
