"""The work queue on a clock that stands still until it is told to move."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from powertrain_operator.controller.queue import LONGEST_RETRY, WorkQueue


@dataclass(order=True)
class FakeTimer:
    when: float
    number: int
    callback: Callable[[Any], None] = field(compare=False)
    argument: Any = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """As much of an event loop as the queue needs."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[FakeTimer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[Any], None], argument: Any, /) -> FakeTimer:
        timer = FakeTimer(when, len(self._timers), callback, argument)
        heapq.heappush(self._timers, timer)
        return timer

    def move_to(self, now: float) -> None:
        """Time passes; what is due is called."""
        self.now = now
        while self._timers and self._timers[0].when <= now:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.callback(timer.argument)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue[str]:
    return WorkQueue(clock)


async def take(queue: WorkQueue[str]) -> str | None:
    """What a worker would get now; None where it would have to wait."""
    worker = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    if worker.done():
        return worker.result()
    worker.cancel()
    await asyncio.wait([worker])
    return None


async def test_an_object_is_queued_once_however_often_it_changes(queue: WorkQueue[str]) -> None:
    for key in ("a", "b", "a", "a"):
        queue.add(key)
    assert (queue.depth, await take(queue), await take(queue), await take(queue)) == (2, "a", "b", None)


async def test_what_changes_while_it_is_looked_at_is_looked_at_again_afterwards(
    queue: WorkQueue[str],
) -> None:
    queue.add("a")
    assert await take(queue) == "a"
    queue.add("a")
    assert await take(queue) is None, "two workers never look at the same object"
    queue.done("a")
    assert await take(queue) == "a"
    queue.done("a")
    assert await take(queue) is None


async def test_an_object_rests_between_two_looks(queue: WorkQueue[str], clock: FakeClock) -> None:
    queue.add("a")
    assert await take(queue) == "a"
    queue.add("a")
    queue.done("a", rest=2.0)
    queue.add("a")
    assert await take(queue) is None
    clock.move_to(2.0)
    assert await take(queue) == "a"


async def test_an_object_that_did_not_change_is_not_looked_at_after_its_rest(
    queue: WorkQueue[str], clock: FakeClock
) -> None:
    queue.add("a")
    assert await take(queue) == "a"
    queue.done("a", rest=2.0)
    clock.move_to(10.0)
    assert await take(queue) is None
    queue.add("a")
    assert await take(queue) == "a"


async def test_the_soonest_wish_counts_and_a_look_before_it_fulfils_it(
    queue: WorkQueue[str], clock: FakeClock
) -> None:
    queue.add_after("a", 30)
    queue.add_after("a", 10)
    queue.add_after("a", 20)
    clock.move_to(9.9)
    assert await take(queue) is None
    clock.move_to(10)
    assert await take(queue) == "a"
    queue.done("a")
    queue.add_after("a", 5)
    queue.add("a")
    assert await take(queue) == "a"
    queue.done("a")
    clock.move_to(100)
    assert await take(queue) is None


async def test_retries_wait_twice_as_long_each_time_until_one_succeeds(queue: WorkQueue[str]) -> None:
    assert [queue.retry("a") for _ in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert max(queue.retry("a") for _ in range(100)) == LONGEST_RETRY
    queue.succeeded("a")
    assert queue.retry("a") == 0.25


async def test_a_worker_that_waits_gets_what_comes(queue: WorkQueue[str]) -> None:
    workers = [asyncio.ensure_future(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    workers[0].cancel()
    queue.add("a")
    queue.add("b")
    await asyncio.wait(workers)
    assert {worker.result() for worker in workers[1:]} == {"a", "b"}, "a cancelled worker takes nothing along"
