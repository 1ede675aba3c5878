"""What holds for every plan, on random clusters with everything that there is to say.

One plan an example, and everything that it must keep asked of it: see `audit`.
"""

import random
from dataclasses import replace

from core.audit import violations
from core.builders import NOW, carry_out, decide, vacated
from core.profiles import examples
from core.richworlds import rich_clusters
from core.test_properties import assert_claimants_start
from hypothesis import given
from hypothesis import strategies as st
from powertrain_scheduler import changes, cycle
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import Snapshot
from powertrain_scheduler.why.nearest import nearest


@examples(80)
@given(rich_clusters)
def test_a_plan_keeps_every_promise(snapshot: Snapshot) -> None:
    assert violations(snapshot, decide(snapshot)) == []


@examples(15)
@given(rich_clusters)
def test_so_do_the_plans_that_follow_it_until_the_cluster_comes_to_rest(snapshot: Snapshot) -> None:
    for _ in range(2 * len(snapshot.groups) + 2):
        plan = decide(snapshot)
        assert violations(snapshot, plan) == []
        if not plan.binds and not plan.evicts:
            return
        snapshot = vacated(carry_out(snapshot, plan))
    raise AssertionError("still binding and evicting")


@examples(30)
@given(rich_clusters, st.integers(0, 1000))
def test_the_order_in_which_things_are_listed_changes_nothing(snapshot: Snapshot, seed: int) -> None:
    plan = decide(snapshot)
    shuffle = random.Random(seed)
    groups, queues = list(snapshot.groups.items()), list(snapshot.queues.items())
    shuffle.shuffle(groups)
    shuffle.shuffle(queues)
    facts = replace(snapshot.nodes, memo={})
    assert decide(replace(snapshot, nodes=facts, groups=dict(groups), queues=dict(queues))) == plan


@examples(30)
@given(rich_clusters)
def test_who_evicts_others_starts_once_they_are_gone(snapshot: Snapshot) -> None:
    plan = decide(snapshot)
    after = decide(vacated(carry_out(snapshot, plan)))
    assert_claimants_start(snapshot, plan, after)


@examples(15)
@given(rich_clusters)
def test_every_change_that_is_told_can_be_made(snapshot: Snapshot) -> None:
    """Each applies to the snapshot, and what it leads to is a plan like any other."""
    outcome = cycle.work_out(snapshot, Policy(), NOW)
    for wanted in outcome.left:
        assert outcome.draft is not None
        for way in nearest(outcome.draft, wanted, most=3):
            changed = changes.applied(way, snapshot, wanted.group.name)
            assert violations(changed, decide(changed)) == []
