"""What holds for every plan where queues have rules of their own, on random small clusters."""

from collections import Counter
from dataclasses import replace
from random import Random

from core.builders import NOW, carry_out, decide, vacated
from core.test_properties import alive, assert_claimants_start, bounded
from core.worlds import clusters
from hypothesis import given
from hypothesis import strategies as st
from powertrain_scheduler.plan import Evict
from powertrain_scheduler.snapshot import PodGroup, Preemption, Queue, Quota, Snapshot


def with_rules(snapshot: Snapshot, seed: int) -> Snapshot:
    """The same, but queues have rules, quotas of CPU and limits of running groups, and some pods stay."""
    dice = Random(seed)
    queues = {name: _ruled(dice, queue) for name, queue in sorted(snapshot.queues.items())}
    groups = {name: _pinned(dice, group) for name, group in sorted(snapshot.groups.items())}
    return replace(snapshot, queues=queues, groups=groups)


ruled = st.builds(with_rules, clusters, st.integers(0, 2**32 - 1))


def _ruled(dice: Random, queue: Queue) -> Queue:
    quotas = dict(queue.quotas)
    if dice.random() < 0.3:
        quotas["cpu"] = Quota(dice.choice([0, 1000, 4000]), dice.choice([None, 0, 1000]))
    return replace(
        queue,
        quotas=quotas,
        priority=dice.choice([0, 0, 1]),
        minimum_runtime=dice.choice([0.0, 0.0, 30.0]),
        max_running=dice.choice([None, None, None, 1, 2]),
        preemption=Preemption(
            dice.choice(["lower", "lower", "never"]),
            dice.choice(["any", "any", "lower", "never"]),
            dice.choice([None, None, 1]),
        ),
    )


def _pinned(dice: Random, group: PodGroup) -> PodGroup:
    placed = tuple(replace(pod, fixed=dice.random() < 0.1) for pod in group.placed)
    return replace(group, placed=placed, checkpoint_seconds=dice.choice([None, 15.0]))


def above(snapshot: Snapshot, queue: str) -> list[Queue]:
    """The queue and those above it, nearest first."""
    found = []
    at: str | None = queue
    while at is not None and at in snapshot.queues:
        found.append(snapshot.queues[at])
        at = snapshot.queues[at].parent
    return found


@bounded
@given(ruled)
def test_no_more_groups_of_a_queue_start_than_it_lets_run(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    starts = {bind.group for bind in plan.binds}
    new, there = Counter[str](), Counter[str]()
    for group in snapshot.groups.values():
        for queue in above(snapshot, group.queue):
            there[queue.name] += bool(group.placed) or group.name in starts
            new[queue.name] += not group.placed and group.name in starts
    for name, queue in snapshot.queues.items():
        assert queue.max_running is None or not new[name] or there[name] <= queue.max_running


@bounded
@given(ruled)
def test_no_queue_takes_more_cpu_than_its_limit(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    everybody = snapshot.groups.values()
    classes = {pod.name: pod.pod_class for group in everybody for pod in group.waiting}
    classes |= {pod.name: pod.pod_class for group in everybody for pod in group.placed}
    cpu = {name: dict(of.request).get("cpu", 0) for name, of in classes.items()}
    new, there = Counter[str](), Counter[str]()
    bound = {bind.pod for bind in plan.binds}
    for group in snapshot.groups.values():
        for queue in above(snapshot, group.queue):
            mine = sum(cpu[pod.name] for pod in group.waiting if pod.name in bound)
            new[queue.name] += mine
            there[queue.name] += mine + sum(cpu[pod.name] for pod in group.placed)
    for name, queue in snapshot.queues.items():
        quota = queue.quotas.get("cpu")
        if quota is not None and quota.borrowing_limit is not None and new[name]:
            assert there[name] <= quota.nominal + quota.borrowing_limit


@bounded
@given(ruled)
def test_queues_evict_only_whom_their_rules_allow(snapshot: Snapshot) -> None:
    for evict in decide(snapshot).evicts:
        victim, claimant = snapshot.groups[evict.group], snapshot.groups[evict.for_group]
        rules = (
            snapshot.queues[claimant.queue].preemption if claimant.queue in snapshot.queues else Preemption()
        )
        if evict.reason == "Preempted":
            assert rules.within == "lower"
        elif evict.reason == "Reclaimed":
            threshold = rules.borrowing is not None and victim.priority <= rules.borrowing
            low = victim.priority < claimant.priority
            allowed = rules.across == "any" or (rules.across == "lower" and low) or (threshold and low)
            assert allowed


@bounded
@given(ruled)
def test_nobody_goes_that_stays_or_has_yet_to_run(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    gone = Counter(evict.group for evict in plan.evicts)
    fixed = {pod.name for group in snapshot.groups.values() for pod in group.placed if pod.fixed}
    assert not fixed & {evict.pod for evict in plan.evicts}
    for name, count in gone.items():
        group = snapshot.groups[name]
        promised = next((q.minimum_runtime for q in above(snapshot, group.queue) if q.minimum_runtime), 0.0)
        whole = alive(group) - count < group.min_member
        evicting = any(_evicts(each, name) for each in plan.evicts)
        assert not (whole and evicting and group.started is not None and NOW - group.started < promised)


def _evicts(evict: Evict, group: str) -> bool:
    return evict.group == group and not evict.to


@bounded
@given(ruled)
def test_nobody_is_evicted_unless_the_claimant_then_starts(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    after = decide(vacated(carry_out(snapshot, plan)))
    assert_claimants_start(snapshot, plan, after)


@bounded
@given(ruled)
def test_queues_with_rules_come_to_rest(snapshot: Snapshot) -> None:
    for _ in range(3 * len(snapshot.groups) + 3):
        plan = decide(snapshot)
        if not plan.binds and not plan.evicts:
            return
        snapshot = vacated(carry_out(snapshot, plan))
    raise AssertionError("still binding and evicting")
