"""Nodes in trouble: they take nothing new, who lost members is named at once, and what fails a group is avoided for it."""

from dataclasses import replace

import numpy as np
import pytest
from core.builders import cluster, decide, nodes, pending, rack, running, started, wait
from powertrain_scheduler.plan import Lost
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PodGroup, Snapshot

FLEET = rack("r", nodes=3, gpu=8)


def silent(snapshot: Snapshot, *names: str) -> Snapshot:
    """These nodes' kubelets no longer report."""
    facts = snapshot.nodes
    ready = np.array([name not in names for name in facts.names], dtype=np.bool_)
    return replace(
        snapshot, nodes=replace(facts, ready=ready, schedulable=facts.schedulable & ready, memo={})
    )


def failed(group: PodGroup, **times: int) -> PodGroup:
    return replace(group, failures={name.replace("_", "-"): count for name, count in times.items()})


def test_a_group_that_lost_members_is_named_with_its_pods_and_nodes() -> None:
    world = cluster(FLEET, running("gang", ["r-0", "r-1", "r-1"], gpu=2), running("safe", ["r-2"], gpu=2))
    assert decide(silent(world, "r-1")).lost == (Lost("gang", ("gang-1", "gang-2"), ("r-1",)),)


@pytest.mark.parametrize("others", [(), (pending("p", 1, 2),), (pending("p", 0, min_member=2),)])
def test_it_is_named_whatever_else_there_is_to_decide(others: tuple[PodGroup, ...]) -> None:
    world = cluster(FLEET, running("gang", ["r-1"], gpu=2), *others)
    assert [lost.group for lost in decide(silent(world, "r-1")).lost] == ["gang"]


def test_pods_that_leave_already_are_not_lost_and_nobody_is_where_all_nodes_report() -> None:
    world = cluster(FLEET, running("gang", ["r-1"], gpu=2, leaving=True))
    assert decide(silent(world, "r-1")).lost == ()
    assert decide(silent(cluster(FLEET, running("gang", ["r-1"], gpu=2)))).lost == ()


def test_a_silent_node_and_a_cordoned_one_take_nothing_new() -> None:
    world = cluster(
        FLEET, rack("s", nodes=1, gpu=8, cordoned=True), *(pending(f"p{i}", 1, 8) for i in range(4))
    )
    plan = decide(silent(world, "r-1"))
    assert {bind.node for bind in plan.binds} == {"r-0", "r-2"}


def test_a_node_that_failed_a_group_twice_is_avoided_for_it_alone() -> None:
    world = cluster(
        rack("r", nodes=2, gpu=8), failed(pending("burnt", 1, 8), r_0=2), pending("other", 1, 8, created=1)
    )
    plan = decide(world)
    assert nodes(plan, "burnt") == ("r-1",)
    assert nodes(plan, "other") == ("r-0",)


def test_one_failure_is_forgiven_and_the_policy_says_how_many_are() -> None:
    world = cluster(rack("r", nodes=1, gpu=8), failed(pending("burnt", 1, 8), r_0=1))
    assert started(decide(world)) == {"burnt"}
    assert started(decide(world, Policy(node_failures=1))) == set()


def test_the_reason_tells_of_nodes_that_failed_it() -> None:
    world = cluster(rack("r", nodes=1, gpu=8), failed(pending("burnt", 1, 8), r_0=2))
    told = wait(decide(world), "burnt")
    assert told.reason is Reason.NO_MATCHING_NODES
    assert told.message == "0/1 node match: 1 failed this group before"
    assert told.nearest.startswith("would start with leave to go to r-0")
    two = cluster(
        rack("r", nodes=2, gpu=8), running("x", ["r-1"], gpu=8), failed(pending("burnt", 1, 8), r_0=2)
    )
    assert "1 matching node beside 1 that failed it" in wait(decide(two), "burnt").message


def test_members_beyond_the_minimum_avoid_it_too() -> None:
    grows = failed(running("grows", ["r-1"], gpu=8, waiting=2, min_member=1), r_0=2)
    assert nodes(decide(cluster(FLEET, grows)), "grows") == ("r-2",)


def test_pods_whose_pod_group_was_deleted_while_others_run_are_told_so() -> None:
    orphans = replace(running("g", ["r-0"], gpu=2, waiting=1, min_member=1), exists=False)
    plan = decide(cluster(FLEET, orphans))
    assert plan.binds == ()
    assert wait(plan, "g").reason is Reason.POD_GROUP_NOT_FOUND
