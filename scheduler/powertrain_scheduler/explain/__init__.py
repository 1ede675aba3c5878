"""The decision record: what was tried for a group and how it ended, what would change that, and why it is where it is.

Made on demand beside a cycle, from the worlds the cycle leaves; a cycle that nobody asks about pays
nothing for it.
"""

from collections.abc import Collection, Iterator

from powertrain_scheduler import minimum, words
from powertrain_scheduler.cycle import Outcome, work_out
from powertrain_scheduler.explain import placed, steps
from powertrain_scheduler.explain.proof import Prover
from powertrain_scheduler.explain.record import Means as Means
from powertrain_scheduler.explain.record import Place as Place
from powertrain_scheduler.explain.record import Record as Record
from powertrain_scheduler.explain.record import Spot as Spot
from powertrain_scheduler.explain.record import Step as Step
from powertrain_scheduler.explain.record import Way as Way
from powertrain_scheduler.plan import Plan, Wait
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodGroup, Snapshot

WAYS = 4
"""Most ways told for a group."""
TRIALS = 64
"""Most cycles decided again to prove ways, for all groups together."""


def explain(snapshot: Snapshot, policy: Policy, now: float, group: str) -> Record | None:
    """The record of one group; None where there is no such group."""
    if group not in snapshot.groups:
        return None
    outcome = work_out(snapshot, policy, now)
    return next(iter(records(outcome, snapshot, policy, now, [group])))


def records(
    outcome: Outcome, snapshot: Snapshot, policy: Policy, now: float, groups: Collection[str] | None = None
) -> Iterator[Record]:
    """The records of these groups, or of all that wait or start, in the order of their names."""
    plan = outcome.plan
    if groups is None:
        groups = {each.group for each in plan.waits} | {each.group for each in plan.binds}
    prover = Prover(outcome, snapshot, policy, now, TRIALS)
    waits = {wait.group: wait for wait in plan.waits}
    for name in sorted(groups):
        group, wait = snapshot.groups[name], waits.get(name)
        if any(bind.group == name for bind in plan.binds):
            yield _starts(outcome, group, _rest(wait))
        elif wait is not None and (not group.placed or minimum.missing(group)):
            yield _waits(outcome, group, wait, prover)
        else:
            yield _neither(group, plan, _rest(wait))


def _rest(wait: Wait | None) -> str:
    """Of a group that has its minimum, what keeps the pods beyond it, as the tail of a sentence."""
    return "" if wait is None else f"; pods beyond its minimum wait ({wait.reason}): {wait.message}"


def _waits(outcome: Outcome, group: PodGroup, wait: Wait, prover: Prover) -> Record:
    ask = next((each for each in outcome.left if each.group.name == group.name), None)
    tried = steps.for_waiting(outcome, group, ask, wait)
    ways = prover.ways(ask, WAYS) if ask is not None else ()
    return Record(
        group=group.name,
        queue=group.queue,
        priority=group.priority,
        outcome="Waits",
        message=wait.message,
        reason=wait.reason,
        estimated_start=wait.estimated_start,
        steps=tried,
        nearest=ways,
    )


def _starts(outcome: Outcome, group: PodGroup, rest: str) -> Record:
    pods = sum(bind.group == group.name for bind in outcome.plan.binds)
    return Record(
        group=group.name,
        queue=group.queue,
        priority=group.priority,
        outcome="Starts",
        message=f"{words.counted(pods, 'pod')} {'gets' if pods == 1 else 'get'} nodes now{rest}",
        steps=steps.for_started(outcome, group),
        place=placed.place(outcome, group),
    )


def _neither(group: PodGroup, plan: Plan, rest: str) -> Record:
    there = [pod for pod in group.placed if not pod.leaving]
    evicted = sum(evict.group == group.name for evict in plan.evicts)
    if not there:
        told = "no pod of it waits or runs"
    elif evicted:
        told = f"{evicted} of its {words.counted(len(there), 'running pod')} must leave for others"
    else:
        nodes = words.counted(len({pod.node for pod in there}), "node")
        told = f"{words.counted(len(there), 'pod')} {'runs' if len(there) == 1 else 'run'} on {nodes}"
    outcome = "Runs" if there else "Stays"
    return Record(group.name, group.queue, group.priority, outcome, told + rest)
