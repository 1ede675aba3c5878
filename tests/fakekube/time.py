"""Time that passes when the test says so."""

import asyncio

from powertrain_operator.kube.retry import Waiting


class FakeTime:
    """Stands in for clock, sleep and chance: `Client.connect(..., waiting=time.waiting)`.

    With `auto` a sleep is over at once, and the clock has moved on by it; `slept` tells how long all
    sleeps were. Without, sleepers wait for `advance`.
    """

    def __init__(self, *, auto: bool = True, now: float = 1000.0, chance: float = 0.5) -> None:
        self.now = now
        self.slept: list[float] = []
        self.waiting = Waiting(clock=lambda: self.now, sleep=self.sleep, random=lambda: chance)
        self._auto = auto
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Condition()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self._auto:
            self.now += seconds
            await asyncio.sleep(0)
            return
        sleeper = (self.now + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        async with self._changed:
            self._changed.notify_all()
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    async def advance(self, seconds: float, *, asleep: int = 0) -> None:
        """Let that much time pass, then wait until `asleep` sleepers have gone to sleep (again)."""
        self.now += seconds
        due = [future for until, future in self._sleepers if until <= self.now and not future.done()]
        for future in due:
            future.set_result(None)
        await asyncio.sleep(0)
        await self.all_asleep(asleep)

    async def all_asleep(self, number: int) -> None:
        """Returns once so many are asleep."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self._sleepers) >= number)
