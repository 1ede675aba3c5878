"""Parts of a placement that are tried out: they go into the worlds when the next one has to see them, and out again."""

from collections.abc import Sequence

from powertrain_scheduler.asks import Part
from powertrain_scheduler.session import Change, Session


class Trial:
    """What has been placed so far, as a stack."""

    def __init__(self, queue: str, worlds: Sequence[Session]) -> None:
        self.worlds = worlds
        self.parts: list[Part] = []
        self._queue = queue
        self._marks: list[list[int]] = []
        """Of the parts that are in the worlds, each world's checkpoint before it."""

    def add(self, part: Part) -> None:
        """The part is placed, but is in the worlds only once somebody asks about them."""
        self.parts.append(part)

    def show(self) -> None:
        """All that is placed is in the worlds."""
        for part in self.parts[len(self._marks) :]:
            self._marks.append([world.checkpoint() for world in self.worlds])
            for world in self.worlds:
                world.place(Change(self._queue, False, part.traits, part.rows, part.counts, part.devices))

    def back(self, number: int) -> None:
        """Only the first so many parts are placed."""
        del self.parts[number:]
        if len(self._marks) > number:
            for world, mark in zip(self.worlds, self._marks[number], strict=True):
                world.rollback(mark)
            del self._marks[number:]
