"""Which pods of a group are its minimum, and in what steps it grows beyond that and shrinks to it.

The one place that knows. A group is a tree of parts; every part needs so many of its parts and so
many pods, and is all or nothing by itself. Leaving pods count nowhere.
"""

from typing import NamedTuple

from powertrain_scheduler.minimum.problems import problem as problem
from powertrain_scheduler.minimum.tree import Branch, tree
from powertrain_scheduler.minimum.tree import circular as circular
from powertrain_scheduler.snapshot import PodGroup


class Minimum(NamedTuple):
    """The pods without which the group does not run."""

    placed: tuple[int, ...]
    """Positions in the group's `placed`."""
    waiting: tuple[int, ...]
    """Positions in the group's `waiting`: these want nodes together."""
    short: int
    """Pods that it would need beside all that exist."""


class Step(NamedTuple):
    """Pods beyond the minimum that start together or not at all."""

    waiting: tuple[int, ...]
    """Positions in the group's `waiting`."""
    after: int | None = None
    """The number of the step that must have been made before; None: none."""


class Leave(NamedTuple):
    """Pods beyond the minimum that leave together or not at all."""

    placed: tuple[int, ...]
    """Positions in the group's `placed`."""
    along: int | None = None
    """The number of the unit that takes it along when it leaves; None: only the minimum does."""


def missing(group: PodGroup) -> int:
    """Pods that it still needs for its minimum, those that do not exist included."""
    if not group.subgroups:
        return max(0, group.min_member - sum(not pod.leaving for pod in group.placed))
    found = of(group)
    return len(found.waiting) + found.short


def of(group: PodGroup) -> Minimum:
    """The group's minimum."""
    if group.subgroups:
        return _minimum(group, tree(group))
    placed = [i for i, pod in enumerate(group.placed) if not pod.leaving][: max(0, group.min_member)]
    needed = max(0, group.min_member - len(placed))
    waiting = range(min(needed, len(group.waiting)))
    return Minimum(tuple(placed), tuple(waiting), needed - len(waiting))


def others(group: PodGroup, most: int) -> list[Minimum]:
    """Up to `most` other minimums that would do as well, where not all parts, or not all of unlike pods, are needed."""
    if not group.subgroups:
        return _of_other_classes(group)[:most]
    first = tree(group)
    found = [_minimum(group, first)]
    for branch in first.every():
        for part in branch.parts if branch.min_subgroups is not None else ():
            if len(found) <= most and part not in branch.counted and not part.short:
                other = _minimum(group, tree(group, favoured=part.name))
                found += [other] if other not in found and not other.short else []
    return found[1:]


def _of_other_classes(group: PodGroup) -> list[Minimum]:
    """For each class of waiting pods the minimum without it and the one of it alone, where there are as many."""
    first = of(group)
    needed = len(first.waiting)
    if first.short or not 0 < needed < len(group.waiting):
        return []
    classes: dict[int, list[int]] = {}
    for i, pod in enumerate(group.waiting):
        classes.setdefault(id(pod.pod_class), []).append(i)
    found = [first]
    for mine in classes.values() if len(classes) > 1 else ():
        rest = sorted(set(range(len(group.waiting))) - set(mine))
        for pods in (rest, mine):
            other = Minimum(first.placed, tuple(pods[:needed]), 0)
            found += [other] if len(pods) >= needed and other not in found else []
    return found[1:]


# -- more than the minimum --------------------------------------------------------------------------


def steps(group: PodGroup) -> list[Step]:
    """How the group grows once it has its minimum: pod by pod, slice by slice, optional parts whole."""
    if not group.subgroups:
        size = group.topology.slices[0].size if group.topology.slices else 1
        first, all_of_them = len(of(group).waiting), len(group.waiting)
        return [Step(tuple(range(i, min(i + size, all_of_them)))) for i in range(first, all_of_them, size)]
    root = tree(group)
    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    _grow(root, root.least, len(group.placed), (), found)
    found.sort()
    number = {path: i for i, (path, _) in enumerate(found)}
    return [Step(waiting, number.get(path[:-1])) for path, waiting in found]


def _grow(
    branch: Branch,
    taken: frozenset[int],
    offset: int,
    behind: tuple[int, ...],
    found: list[tuple[tuple[int, ...], tuple[int, ...]]],
) -> None:
    """Adds the steps of a branch that has what is `taken`: each by its path, first pods of those it is behind."""
    left = [pod - offset for pod in branch.own if pod >= offset and pod not in taken]
    size = branch.topology.slices[0].size if branch.topology.slices else 1
    found.extend(((*behind, left[i]), tuple(left[i : i + size])) for i in range(0, len(left), size))
    for part in branch.parts:
        new = tuple(sorted(pod - offset for pod in part.least if pod >= offset and pod not in taken))
        if part.short:
            continue
        if new:
            found.append(((*behind, new[0]), new))
        _grow(part, taken | part.least, offset, (*behind, new[0]) if new else behind, found)


def surplus(group: PodGroup) -> list[Leave]:
    """The pods beyond the minimum, in units that may leave by themselves.

    The first to go come first: the last in rank order, and of a part its optional pods before the rest.
    """
    if not group.subgroups:
        here = [i for i, pod in enumerate(group.placed) if not pod.leaving]
        return [Leave((i,)) for i in reversed(here[max(0, group.min_member) :])]
    root = tree(group)
    found: list[Leave] = []
    _shrink(root, root.least, len(group.placed), found)
    return found


def _shrink(branch: Branch, kept: frozenset[int], offset: int, found: list[Leave]) -> None:
    for part in reversed(branch.parts):
        unit = tuple(sorted(pod for pod in part.least if pod < offset and pod not in kept))
        first = len(found)
        _shrink(part, kept | part.least, offset, found)
        if unit:
            last = len(found)
            found[first:] = [
                leave if leave.along is not None else Leave(leave.placed, last) for leave in found[first:]
            ]
            found.append(Leave(unit))
    found.extend(Leave((pod,)) for pod in reversed(branch.own) if pod < offset and pod not in kept)


def _minimum(group: PodGroup, root: Branch) -> Minimum:
    pods, offset = sorted(root.least), len(group.placed)
    placed = tuple(pod for pod in pods if pod < offset)
    return Minimum(placed, tuple(pod - offset for pod in pods[len(placed) :]), root.short)
