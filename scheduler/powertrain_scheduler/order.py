"""Who is next: between queues the least served, inside a queue the most important, then the oldest.

Queues are compared level by level: first the root's children, each by what its subtree would
hold, then the children of the one that comes first, and so on. A group that can't be served is
passed over and never holds up another.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from powertrain_scheduler.snapshot import PodGroup

Key = tuple[object, ...]
Turn = Callable[[str, PodGroup], Key]
"""Place of a queue among its siblings if the group, of its subtree, were served; least first."""


def inside_queue(group: PodGroup) -> tuple[int, float, str]:
    """Place in its queue's line: priority, then age, then name."""
    return (-group.priority, group.created, group.name)


def line(groups: Iterable[PodGroup], paths: Mapping[str, tuple[str, ...]], turn: Turn) -> Iterator[PodGroup]:
    """The groups in the order they are to be served; `paths` are the queues' names from their own to the root's.

    What was granted counts when the next one is asked for, along the granted queue's path.
    """
    root = _tree(sorted(groups, key=inside_queue), paths)
    root.refresh_all(turn)
    while (group := root.best) is not None:
        yield group
        root.serve(paths[group.queue], turn)


@dataclass(slots=True)
class _Queue:
    """A queue of the tree with the groups that wait in it; the nameless root holds the tree together."""

    name: str
    own: list[PodGroup] = field(default_factory=list)
    """The next one is the last."""
    children: dict[str, "_Queue"] = field(default_factory=dict)
    best: PodGroup | None = None
    """The group of its subtree that is next."""
    key: Key | None = None
    """Its place among its siblings with that group; None until somebody asks."""

    def refresh_all(self, turn: Turn) -> None:
        for child in self.children.values():
            child.refresh_all(turn)
        self.refresh(turn)

    def refresh(self, turn: Turn) -> None:
        """Choose again, the children being up to date. Keys are asked for only where there is a choice."""
        candidates = [child for child in self.children.values() if child.best is not None]
        self.key = None
        if self.own and candidates:
            keyed = [(child.place(turn), child.best) for child in candidates]
            keyed.append((turn(self.name, self.own[-1]), self.own[-1]))
            self.best = min(keyed, key=lambda each: each[0])[1]
        elif self.own:
            self.best = self.own[-1]
        elif len(candidates) > 1:
            self.best = min(candidates, key=lambda child: child.place(turn)).best
        else:
            self.best = candidates[0].best if candidates else None

    def place(self, turn: Turn) -> Key:
        if self.key is None:
            assert self.best is not None  # only those with somebody waiting are compared
            self.key = turn(self.name, self.best)
        return self.key

    def serve(self, path: tuple[str, ...], turn: Turn) -> None:
        """Take the next group out of the line of the queue at the path's start."""
        if path:
            self.children[path[-1]].serve(path[:-1], turn)
        else:
            self.own.pop()
        self.refresh(turn)


def _tree(waiting: list[PodGroup], paths: Mapping[str, tuple[str, ...]]) -> _Queue:
    root = _Queue("")
    for group in reversed(waiting):
        at = root
        for name in reversed(paths[group.queue]):
            at = at.children.setdefault(name, _Queue(name))
        at.own.append(group)
    return root
