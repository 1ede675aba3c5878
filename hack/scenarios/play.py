"""A case carried out: as many rounds as its stage says, by the means that it allows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from powertrain_scheduler import cycle
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.virtual import VirtualCluster

from scenarios import world
from scenarios.case import Case
from scenarios.outcome import Fates

_NEVER = Policy(reclaim=False, preempt=False, consolidate=False)
_MOVE = replace(_NEVER, consolidate=True)
POLICIES = {
    "allocate": _NEVER,
    "reclaim": replace(_MOVE, reclaim=True),
    "preempt": replace(_MOVE, preempt=True),
    "evict": replace(_MOVE, reclaim=True, preempt=True),
    "consolidate": _MOVE,
    "settled": Policy(),
}
"""By stage, the means that it allows: where groups may be evicted they may be moved, too."""
SETTLED = "settled"
ROUNDS = 60
"""Most rounds until nothing changes any more."""


class NeverSettles(Exception):
    """Every round changed something again; says how often that was tried."""


@dataclass
class Played:
    """What came of a case."""

    plans: list[Plan]
    fates: Fates


def play(case: Case) -> Played:
    """Raises NeverSettles, and whatever `decide()` raises."""
    cluster, policy = world.build(case), POLICIES[case.stage]
    if case.stage != SETTLED:
        plan = cycle.decide(cluster.snapshot(), policy, cluster.time)
        return Played([plan], _after(cluster, plan))
    plans, finished = [], set[str]()
    for _ in range(ROUNDS):
        plan = cycle.decide(cluster.snapshot(), policy, cluster.time)
        plans.append(plan)
        leaving = bool(cluster.snapshot().leaving.any())
        cluster.apply(plan)
        cluster.vacate()
        if not (plan.binds or plan.evicts or leaving or _time_passes(case, cluster, finished)):
            return Played(plans, Fates(dict(_nodes(cluster)), finished=finished))
    raise NeverSettles(f"round {ROUNDS} still changes something")


def _after(cluster: VirtualCluster, plan: Plan) -> Fates:
    """One round: what the plan wants, whether or not it has to wait for pods to leave."""
    cluster.apply(plan)
    moved = {evict.pod: evict.to for evict in plan.evicts if evict.to}
    held = [pair for each in plan.reserves if each.start <= cluster.time for pair in each.pods]
    room = {pod: node for pod, node in held if pod not in moved}
    return Fates(dict(_nodes(cluster)) | moved, room)


def _nodes(cluster: VirtualCluster) -> Iterator[tuple[str, str]]:
    """Pods that hold nodes and are not leaving, with their nodes."""
    for group in cluster.snapshot().groups.values():
        yield from ((pod.name, pod.node) for pod in group.placed if not pod.leaving)


def _time_passes(case: Case, cluster: VirtualCluster, finished: set[str]) -> bool:
    """The job that ends first ends, where any says how long it runs."""
    runtimes = {job.name: job.runtime for job in case.jobs if job.runtime is not None}
    ends = [
        (group.started + seconds, name)
        for name, seconds in runtimes.items()
        if name not in finished and (group := cluster.group(name)).started is not None
    ]
    if not ends:
        return False
    until, name = min(ends)
    cluster.advance(max(until, cluster.time))
    cluster.finish(name)
    finished.add(name)
    return True
