"""Whether a change would really let a group start: the whole cycle is decided again with it."""

from dataclasses import replace

from powertrain_scheduler import changes
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.cycle import Outcome, decide
from powertrain_scheduler.explain.record import Way
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import Snapshot
from powertrain_scheduler.why import telling
from powertrain_scheduler.why.nearest import nearest


class Prover:
    """Looks for ways and proves them, as long as trials are left."""

    def __init__(self, outcome: Outcome, snapshot: Snapshot, policy: Policy, now: float, trials: int) -> None:
        self._outcome = outcome
        self._snapshot = snapshot
        self._policy = replace(policy, nearest_changes=0)
        self._now = now
        self._trials = trials

    def ways(self, wanted: Ask, most: int) -> tuple[Way, ...]:
        """Ways to start the group, the nearest first; those that would first let others start are left out."""
        if self._outcome.draft is None:
            return ()
        found = []
        for way in nearest(self._outcome.draft, wanted, most):
            proved = self._trials > 0
            if proved and not self._starts(way, wanted.group.name):
                continue
            message = telling.sentence(wanted.group, [way])
            found.append(
                Way(way, message if proved else f"{message}, once those before it have theirs", proved)
            )
        return tuple(found)

    def _starts(self, way: tuple[changes.Change, ...], group: str) -> bool:
        self._trials -= 1
        plan = decide(changes.applied(way, self._snapshot, group), self._policy, self._now)
        return gets_room(plan, group, self._now)


def gets_room(plan: Plan, group: str, now: float) -> bool:
    """Whether the group starts by the plan: at once, or as soon as what leaves is gone."""
    held = {reserve.group for reserve in plan.reserves if reserve.start <= now}
    return group in held or any(bind.group == group for bind in plan.binds)
