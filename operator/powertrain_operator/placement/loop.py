"""The placement loop: something changed, a short pause, decide, carry out.

The pause lets changes that come together be decided together, and grows with what a decision costs,
so that deciding never takes more than a fraction of a core. Between changes the loop sleeps until the
time that the last plan speaks of: a reservation's start, an estimated start.
"""

import asyncio
from collections.abc import Callable

from powertrain_scheduler.cycle import decide
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import Snapshot

from powertrain_operator.telemetry.metrics import SchedulerMetrics

from .cache import Cache
from .settling import Settling
from .timing import Timing

SHORTEST_PAUSE = 0.005
LONGEST_PAUSE = 0.5
PAUSES_PER_DECISION = 20.0
"""The pause in units of what the last decision took. Small clusters are answered in milliseconds; under a
steady stream of pods a longer pause decides more of them at once, which costs less for each."""
UNSURE_PAUSE = 0.5
"""Between looks at whether we still lead, while that is not sure."""
LEAST_LOOK_AHEAD = 1.0
"""Seconds that pass at least until time alone is a reason to decide again."""


class Loop:
    """Decides whenever the kept snapshot has changed, or its plan said so."""

    def __init__(
        self,
        cache: Cache,
        policy: Policy,
        carry_out: Callable[[Plan, float], None],
        leads: Callable[[], bool],
        metrics: SchedulerMetrics,
        timing: Timing,
    ) -> None:
        self._cache = cache
        self._settling = Settling(policy)
        self._patience = policy.patience_seconds
        self._carry_out = carry_out
        self._leads = leads
        self._metrics = metrics
        self._timing = timing
        self._woken = asyncio.Event()
        self._known: Snapshot | None = None
        self._again: float | None = None
        self._pause = SHORTEST_PAUSE
        self._stopped = False

    def stop(self) -> None:
        """Decide nothing more."""
        self._stopped = True

    def wake(self) -> None:
        """Something may have changed."""
        self._woken.set()

    async def run(self) -> None:
        """Decide for as long as we lead."""
        while True:
            self.cycle()
            await self._news()
            await self._timing.sleep(self._pause)
            self._woken.clear()

    def cycle(self) -> None:
        """Decide and carry out, if there is anything new to decide on."""
        if self._stopped:
            return
        now = self._timing.now()
        if not self._leads():  # nothing could be carried out; either we lead again soon, or our term ends
            self._again = now + UNSURE_PAUSE
            return
        self._cache.end_holds(now)
        started = self._timing.monotonic()
        snapshot = self._cache.snapshot()
        if snapshot is self._known and not self._is_time(now):
            return
        plan = decide(snapshot, self._settling.policy(self._cache.departures, now), now)
        took = self._timing.monotonic() - started
        self._metrics.decided(took)
        self._pause = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, PAUSES_PER_DECISION * took))
        self._carry_out(plan, now)
        self._known = self._cache.snapshot()  # what the plan itself changed is no news ...
        planned = next_look(plan, now, self._end_of_patience(plan, now))
        self._again = self._settling.next_look(planned, bool(plan.waits), now)
        if plan.waits and (plan.binds or plan.evicts):
            # ... but to those who wait: what was given a place in this cycle may be evicted in the next.
            self._known = None
            self.wake()

    def _end_of_patience(self, plan: Plan, now: float) -> float | None:
        """When the next of those who wait has waited long enough to go first."""
        waiting = (self._cache.group(wait.group) for wait in plan.waits)
        ends = [group.since + self._patience for group in waiting if group and group.since is not None]
        return min((end for end in ends if end > now), default=None)

    def _is_time(self, now: float) -> bool:
        return self._again is not None and now >= self._again

    async def _news(self) -> None:
        """Returns when woken, or when it is time to look again."""
        times = [time for time in (self._again, self._cache.next_hold_end()) if time is not None]
        wait = max(0.0, min(times) - self._timing.now()) if times else None
        await self._timing.wait(self._woken, wait)


def next_look(plan: Plan, now: float, patience: float | None = None) -> float | None:
    """When time alone may change the plan: the next moment it speaks of, or the end of somebody's patience;
    None where there is none.

    Work that outruns its expected end moves those moments on, and so the next look with them.
    """
    times = [reserve.start for reserve in plan.reserves]
    times += [wait.estimated_start for wait in plan.waits if wait.estimated_start is not None]
    times += [patience] if patience is not None else []
    coming = [time for time in times if time > now]
    return max(min(coming), now + LEAST_LOOK_AHEAD) if coming else None
