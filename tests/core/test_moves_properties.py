"""What holds for every move, on random small clusters."""

from collections import Counter
from random import Random

from core.builders import NOW, RACK, Policy, carry_out, cluster, decide, pending, rack, running, vacated
from core.test_properties import alive
from core.test_properties import bounded as often
from core.worlds import owner
from hypothesis import given, settings
from hypothesis import strategies as st
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.snapshot import Snapshot


def fragments(racks: int, waiting: int, seed: int) -> Snapshot:
    """Nodes of four devices, on most of which small groups run, and groups that want whole nodes or racks."""
    dice = Random(seed)
    nodes = [node for i in range(racks) for node in rack(f"r{i}", nodes=3, gpu=4)]
    free = {node.name: 4 for node in nodes}
    runs = []
    for i in range(3 * racks):
        on = [name for name in dice.sample(sorted(free), dice.choice([1, 1, 2])) if free[name] >= 2]
        for name in on:
            free[name] -= 2 if len(on) == 1 else 1
        if on:
            more = {"min_member": dice.randint(1, len(on)), "created": float(i), **owner(dice, ["default"])}
            runs.append(running(f"run-{i}", on, gpu=2 if len(on) == 1 else 1, **more))
    waits = [
        pending(f"wait-{i}", dice.randint(1, 3), dice.choice([3, 4]), required=dice.choice([None, RACK]))
        for i in range(waiting)
    ]
    return cluster(tuple(nodes), *runs, *waits)


fragmented = st.builds(
    fragments, racks=st.integers(1, 4), waiting=st.integers(1, 3), seed=st.integers(0, 2**32 - 1)
)

bounded = settings(often, max_examples=min(often.max_examples, 30))
MOVES_ONLY = Policy(reclaim=False, preempt=False)


def moves(plan: Plan) -> set[str]:
    return {each.group for each in plan.evicts if each.reason == "Consolidated"}


@bounded
@given(fragmented)
def test_a_move_has_its_target_held_for_it(snapshot: Snapshot) -> None:
    plan = decide(snapshot, MOVES_ONLY)
    held = {each.group: each.nodes for each in plan.reserves if each.start == NOW}
    for each in plan.evicts:
        assert each.to in held[each.group]


@bounded
@given(fragmented)
def test_whoever_moves_starts_again_and_so_does_the_group_he_moved_for(snapshot: Snapshot) -> None:
    plan = decide(snapshot, MOVES_ONLY)
    left = Counter(each.group for each in plan.evicts)
    after = decide(vacated(carry_out(snapshot, plan)), MOVES_ONLY)
    back = Counter(each.group for each in after.binds)
    assert all(back[group] >= number for group, number in left.items())
    assert {each.for_group for each in plan.evicts} <= back.keys()


@bounded
@given(fragmented)
def test_deciding_again_while_they_leave_moves_nobody_else(snapshot: Snapshot) -> None:
    """But what the first plan started: it was not there to be moved before."""
    plan = decide(snapshot, MOVES_ONLY)
    again = decide(carry_out(snapshot, plan), MOVES_ONLY)
    assert moves(again) <= {each.group for each in plan.binds}


@bounded
@given(fragmented)
def test_no_group_is_moved_twice_within_the_rest_time(snapshot: Snapshot) -> None:
    moved: Counter[str] = Counter()
    for _ in range(5):
        plan = decide(snapshot)
        moved.update(moves(plan))
        snapshot = vacated(carry_out(snapshot, plan))
    assert all(count == 1 for count in moved.values())


@bounded
@given(fragmented)
def test_protected_groups_never_move_and_gangs_move_whole(snapshot: Snapshot) -> None:
    plan = decide(snapshot, MOVES_ONLY)
    for name, count in Counter(each.group for each in plan.evicts).items():
        group = snapshot.groups[name]
        left = alive(group) - count
        assert group.preemptible and (left == 0 or left >= group.min_member)


def test_these_clusters_do_move() -> None:
    """So the properties above say something."""
    moved = sum(bool(moves(decide(fragments(3, 2, seed), MOVES_ONLY))) for seed in range(40))
    assert moved >= 8
