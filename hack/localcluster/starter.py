"""The one thread of this process that starts programs, and that lives as long as it does.

A program is tied to its parent by the kernel, which means the *thread* that
started it: a pool's thread that ends would take its programs along. And a
KeyboardInterrupt reaches the main thread only: whatever moment a Ctrl-C comes
at, a program is either not started or written down as started.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def run(errand: Callable[[], _T]) -> _T:
    """The errand's result; it is done in full even if the caller is interrupted while waiting."""
    return _thread.run(errand)


class _Thread:
    """Does one errand after another until this process ends."""

    def __init__(self) -> None:
        self._errands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, errand: Callable[[], _T]) -> _T:
        future: Future[_T] = Future()

        def settle() -> None:
            try:
                future.set_result(errand())
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for it
                future.set_exception(error)

        self._errands.put(settle)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="program-starter", daemon=True)
                self._thread.start()
        return future.result()

    def _work(self) -> None:
        while True:
            self._errands.get()()


_thread = _Thread()
