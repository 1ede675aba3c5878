"""Who is next: between queues the least served, inside a queue the most important, then the oldest.

A queue may have the shortest go first instead of the oldest.

Queues are compared level by level: first the root's children, each by what its subtree would
hold, then the children of the one that comes first, and so on. A group that can't be served is
passed over and never holds up another.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from powertrain_scheduler import shapes
from powertrain_scheduler.snapshot import PodGroup, Queue

Key = tuple[object, ...]
Turn = Callable[[str, PodGroup], Key]
"""Place of a queue among its siblings if the group, of its subtree, were served; least first."""


UNKNOWN_SECONDS = 86_400.0
"""How long work is thought to run where the shortest goes first and nobody says."""

Place = Callable[[PodGroup], Key]


def inside_queue(group: PodGroup) -> Key:
    """Place in its queue's line: priority, then age, then name."""
    return (-group.priority, 0.0, group.created, group.name)


def places(queues: Mapping[str, Queue], now: float, lasts: Callable[[PodGroup], float | None]) -> Place:
    """Places in the lines of all queues, each by its own order.

    The shortest first is by response ratio, the time waited over the time to run: what is short rises
    fast, and nothing waits for ever (Brinch Hansen's highest response ratio next).
    """
    if all(queue.order == "oldest" for queue in queues.values()):
        return inside_queue

    def place(group: PodGroup) -> Key:
        queue = queues.get(group.queue)
        if queue is None or queue.order == "oldest":
            return inside_queue(group)
        seconds = lasts(group) or UNKNOWN_SECONDS
        waited = max(1.0, now - group.created)
        return (
            -group.priority,
            -waited / (seconds * group.speed / shapes.best_speed(group)),
            group.created,
            group.name,
        )

    return place


def line(
    groups: Iterable[PodGroup],
    paths: Mapping[str, tuple[str, ...]],
    turn: Turn,
    place: Place = inside_queue,
) -> Iterator[PodGroup]:
    """The groups in the order they are to be served; `paths` are the queues' names from their own to the root's,
    `place` says who goes first in a queue, least first.

    What was granted counts when the next one is asked for, along the granted queue's path.
    """
    root = _tree(sorted(groups, key=place), paths)
    root.open_all(turn)
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
    waiting: int = 0
    """Children with somebody waiting."""
    keyless: dict[str, None] = field(default_factory=dict)
    """Those of them whose keys nobody has asked for since they last changed."""
    heap: list[tuple[Key, str]] = field(default_factory=list)
    """Places of the others, least first; what is out of date is passed over."""

    def open_all(self, turn: Turn) -> None:
        for child in self.children.values():
            child.open_all(turn)
            self.waiting += 1
            self.keyless[child.name] = None
        self.choose(turn)

    def serve(self, path: tuple[str, ...], turn: Turn) -> None:
        """Take the next group out of the line of the queue at the path's start."""
        if not path:
            self.own.pop()
        else:
            child = self.children[path[-1]]
            child.serve(path[:-1], turn)
            self.keyless.pop(child.name, None)
            if child.best is None:
                self.waiting -= 1
            else:
                self.keyless[child.name] = None
        self.choose(turn)

    def choose(self, turn: Turn) -> None:
        """Who is next, the children being up to date. Keys are asked for only where there is a choice."""
        self.key = None
        if not self.waiting:
            self.best = self.own[-1] if self.own else None
        elif self.waiting == 1 and not self.own:
            self.best = next(child.best for child in self.children.values() if child.best is not None)
        else:
            key, self.best = self._first(turn)
            if self.own and turn(self.name, self.own[-1]) < key:
                self.best = self.own[-1]

    def _first(self, turn: Turn) -> tuple[Key, PodGroup | None]:
        for name in self.keyless:
            child = self.children[name]
            assert child.best is not None  # only those with somebody waiting are compared
            child.key = turn(name, child.best)
            heapq.heappush(self.heap, (child.key, name))
        self.keyless.clear()
        while self.heap[0][0] is not self.children[self.heap[0][1]].key:
            heapq.heappop(self.heap)
        key, name = self.heap[0]
        return key, self.children[name].best


def _tree(waiting: list[PodGroup], paths: Mapping[str, tuple[str, ...]]) -> _Queue:
    root = _Queue("")
    for group in reversed(waiting):
        at = root
        for name in reversed(paths[group.queue]):
            at = at.children.setdefault(name, _Queue(name))
        at.own.append(group)
    return root
