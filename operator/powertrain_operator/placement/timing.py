"""Clocks and sleep in one hand, so that tests can let time pass as they like."""

import asyncio
import time


class Timing:
    """The time as the placement process knows it."""

    def now(self) -> float:
        """Seconds since the epoch: for what the core and objects reckon with."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that no clock change bends: for what is measured here."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Returns once the event is set, or after so many seconds; None: however long it takes."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return


REAL = Timing()
