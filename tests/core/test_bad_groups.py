"""Groups that can't be meant as they are wait with a reason, and stop nobody else."""

from dataclasses import replace

import pytest
from core.builders import NOW, RACK, cluster, decide, nodes, pending, queue, rack, running, wait
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import (
    Pod,
    PodGroup,
    PodSelector,
    PodTerm,
    Quota,
    Requirement,
    Slice,
    SubGroup,
    Topology,
)

IN_A_RACK = Topology(required=RACK)


def with_parts(*parts: SubGroup) -> PodGroup:
    group = pending("bad", 2, gpu=1)
    pods = tuple(replace(pod, subgroup="a") for pod in group.waiting)
    return replace(group, waiting=pods, subgroups=parts)


def with_slices(*sizes: int) -> PodGroup:
    slices = tuple(Slice(size, RACK) for size in sizes)
    return replace(pending("bad", 12, gpu=1), topology=Topology(slices=slices))


BAD = {
    "its parts lie in each other: a in b in a": with_parts(
        SubGroup("a", 1, "b", topology=IN_A_RACK), SubGroup("b", 1, "a", topology=IN_A_RACK)
    ),
    "its parts lie in each other: a in a": with_parts(SubGroup("a", 1, "a")),
    "part a lies in part z, which does not exist": with_parts(SubGroup("a", 1, "z")),
    "two of its parts have the name a": with_parts(SubGroup("a", 1), SubGroup("a", 1)),
    "one of its parts has no name": with_parts(SubGroup("", 1)),
    "part a needs -1 pods, which is less than 0": with_parts(SubGroup("a", -1)),
    "part a needs -2 of its parts, which is less than 0": with_parts(SubGroup("a", 1, min_subgroups=-2)),
    "it needs -1 pods, which is less than 0": replace(pending("bad", 2, gpu=1), min_member=-1),
    "it asks for slices of 0 pods": with_slices(0),
    "it asks for slices of 4 pods in slices of 6, which does not come out even": with_slices(6, 4),
    "its expected run time is nan s": replace(pending("bad", 1), expected_seconds=float("nan")),
    "its maximum run time is -1 s": replace(pending("bad", 1), maximum_seconds=-1.0),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_group_that_cant_be_meant_says_why_and_the_others_go_on(problem: str) -> None:
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), BAD[problem], pending("good", 1, gpu=8)))
    told = wait(plan, "bad")
    assert (told.reason, told.message) == (
        Reason.INVALID_POD_GROUP,
        f"the group can't be meant as it is: {problem}",
    )
    assert [bind.group for bind in plan.binds] == ["good"]


@pytest.mark.parametrize("problem", BAD)
def test_one_that_runs_stays_and_does_not_grow(problem: str) -> None:
    bad = BAD[problem]
    here = running("bad", ["r1-0"], gpu=1).placed
    grown = replace(bad, placed=here, waiting=bad.waiting[1:], started=NOW - 5.0)
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), grown, pending("good", 1, gpu=8)))
    assert {bind.group for bind in plan.binds} == {"good"}
    assert not plan.evicts


def test_queues_that_lie_in_each_other_do_not_hinder_others_that_lend() -> None:
    """What runs in them is counted, and members of such a group that are missing wait."""
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8),
            queue("a", Quota(4, lending_limit=0), parent="b"),
            queue("b", Quota(4, lending_limit=0), parent="a"),
            queue("c", Quota(2, lending_limit=1)),
            queue("d", Quota(1), parent="a"),
            running("lasting", ["r1-0"], gpu=4, queue="a", waiting=1, min_member=2),
            running("growing", ["r1-0"], gpu=2, queue="d", waiting=1),
            pending("good", 1, gpu=2, queue="c"),
        )
    )
    assert wait(plan, "lasting").reason is Reason.INVALID_QUEUE
    assert "good" in {bind.group for bind in plan.binds}


def test_a_group_that_is_evicted_and_avoids_nodes_is_looked_at_once() -> None:
    """It has another pod to start anew with, and a node failed it: what it asks then is made anew."""
    plan: Plan = decide(
        cluster(
            rack("r1", nodes=1, gpu=8),
            running("lower", ["r1-0"], gpu=8, waiting=1, failures={"elsewhere": 5}),
            pending("higher", 1, gpu=8, priority=5),
        )
    )
    assert [evict.for_group for evict in plan.evicts] == ["higher"]


def test_a_preferred_level_inside_the_required_one_does_not_excuse_from_it() -> None:
    """No node carries the label of the required level, though each lies in a rack."""
    group = replace(pending("a", 2, gpu=1), topology=Topology(required="zone", preferred=RACK))
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), group))
    assert not plan.binds
    assert wait(plan, "a").reason is Reason.NEVER_FITS


def shy(group: PodGroup, level: str, slices: Slice) -> PodGroup:
    """Its pods keep away from each other, and come in slices."""
    selector = PodSelector(("team",), (Requirement("app", "In", ("shy",)),))
    apart = (PodTerm(selector, level),)
    worker = replace(group.waiting[0].pod_class, matched=(selector,), apart=apart)
    pods = tuple(Pod(pod.name, worker) for pod in group.waiting)
    return replace(group, waiting=pods, topology=Topology(slices=(slices,)))


def test_pods_that_keep_apart_keep_to_their_slices() -> None:
    group = shy(pending("a", 4, gpu=1), "kubernetes.io/hostname", Slice(2, RACK))
    racks = [rack(name, nodes=nodes, gpu=8) for name, nodes in (("r1", 1), ("r2", 2), ("r3", 1), ("r4", 3))]
    places = [name.split("-")[0] for name in nodes(decide(cluster(*racks, group)), "a")]
    assert [set(places[:2]), set(places[2:])] in ([{"r2"}, {"r4"}], [{"r4"}, {"r2"}])


def test_pods_that_keep_apart_by_rack_are_no_slice_of_a_rack() -> None:
    group = shy(pending("a", 2, gpu=1), RACK, Slice(2, RACK))
    racks = [rack(name, nodes=2, gpu=8) for name in ("r1", "r2")]
    assert not decide(cluster(*racks, group)).binds
