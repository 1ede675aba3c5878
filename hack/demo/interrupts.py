"""One way out for Ctrl-C, SIGTERM and a closed terminal.

The first signal unwinds the stack, so that every `with` and `finally` on it stops what it started;
those that come meanwhile are ignored, for each stop has its own bound.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked us to end. A KeyboardInterrupt, since asyncio lets only those through."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number
        """What a shell expects as the exit status."""


@contextmanager
def interruptible() -> Iterator[None]:
    """While inside, the first signal raises Interrupted. For the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
