"""Nobody is evicted while others are just leaving by themselves.

The pods of a job that ends or is deleted go one by one within a second or so. In the middle of that a
waiting group sees half of the room that it is about to have, and would evict somebody for the rest.
"""

from dataclasses import replace

from powertrain_scheduler.policy import Policy

SECONDS = 1.0
"""Without a departure for so long, those who were leaving have left."""
LONGEST = 3.0
"""On a cluster where somebody always leaves, evictions wait no longer than this."""


class Settling:
    """The policy of the moment: without evictions from a departure until things have settled."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._gentle = replace(policy, reclaim=False, preempt=False, consolidate=False)
        self._departures = 0
        self._began = 0.0
        self._until = 0.0

    def policy(self, departures: int, now: float) -> Policy:
        """`departures` is a count that only grows; `now` in seconds since the epoch."""
        if departures != self._departures:
            self._departures = departures
            at_last = now >= self._until == self._began + LONGEST
            if now >= self._until:
                self._began = now
            self._until = now if at_last else min(now + SECONDS, self._began + LONGEST)
        return self._gentle if now < self._until else self._policy

    def next_look(self, planned: float | None, waits: bool, now: float) -> float | None:
        """The time of the next look, brought forward to the end of the settling if somebody waits."""
        if not waits or now >= self._until:
            return planned
        return self._until if planned is None else min(planned, self._until)
