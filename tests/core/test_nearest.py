"""The nearest change that would let a waiting group start: what is told, and that it is true."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from core.builders import (
    BLOCK,
    NOW,
    RACK,
    carry_out,
    cluster,
    decide,
    pending,
    queue,
    rack,
    running,
    vacated,
    wait,
)
from core.profiles import examples
from core.worlds import clusters
from hypothesis import given
from powertrain_scheduler import changes, cycle
from powertrain_scheduler.asks import Placement
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodSelector, PodTerm, Quota, Requirement, Snapshot, Taint
from powertrain_scheduler.why.nearest import nearest

FLEET = rack("r1", nodes=3, gpu=8, block="b") + rack("r2", nodes=3, gpu=8, block="b")


def told(*parts: object, group: str = "p") -> str:
    """Without moves, which would help some of these groups at once."""
    return wait(decide(cluster(*parts), Policy(consolidate=False)), group).nearest  # type: ignore[arg-type]


def test_the_fewest_devices_and_where_they_must_get_free() -> None:
    busy = running("x", ["r1-0", "r1-1"], gpu=6), running("y", ["r2-0", "r2-1", "r2-2"], gpu=3)
    assert told(FLEET, *busy, pending("p", 3, 8)).startswith(
        "would start with 6 nvidia.com/gpu more free (3 on r2-0, 3 on r2-1)"
    )


def test_one_node_with_enough_rather_than_pieces_on_several() -> None:
    busy = running("x", ["r1-0"], gpu=5), running("y", ["r1-1"], gpu=3)
    assert told(rack("r1", nodes=2, gpu=8), *busy, pending("p", 1, 8)) == (
        "would start with 3 nvidia.com/gpu more free on r1-1, or with a priority above 0"
    )


def test_the_rack_that_lacks_least_or_a_wider_level() -> None:
    busy = running("x", ["r1-0"], gpu=8), running("y", ["r2-0", "r2-1"], gpu=2)
    assert told(FLEET, *busy, pending("p", 3, 8, required=RACK)).startswith(
        "would start with 4 nvidia.com/gpu more free in rack r2 (2 on r2-0, 2 on r2-1), or with one block required instead of one rack"
    )


def test_as_few_members_as_there_are_domains_for_pods_that_must_be_apart() -> None:
    """However large the gang: only what is known to be the most is tried."""
    web = PodSelector((), (Requirement("app", "In", ("web",)),))
    apart = (PodTerm(web, RACK),)
    for workers in (3, 300):
        assert told(FLEET, pending("p", workers, 1, matched=(web,), apart=apart)).startswith(
            f"would start with a minimum of 2 pods instead of {workers}"
        )


def test_a_wish_instead_of_a_requirement_where_no_wider_level_would_do() -> None:
    apart = rack("r1", nodes=1, gpu=8, block="b1") + rack("r2", nodes=1, gpu=8, block="b2")
    assert told(apart, pending("p", 2, 8, required=BLOCK)) == (
        "would start with one block preferred instead of required, or with a minimum of 1 pod instead of 2"
    )


def test_quota_is_raised_along_the_whole_path() -> None:
    queues = queue("team", Quota(4, 0)), queue("a", Quota(2, 0), parent="team")
    assert told(FLEET, *queues, pending("p", 3, 2, queue="a")) == (
        "would start with the borrowing limit of queue a for h100-sxm raised by 4 and the borrowing limit of"
        " queue team for h100-sxm raised by 2"
    )


def test_fewer_pods_need_no_more_quota_where_the_quota_is_enough_for_them() -> None:
    busy = running("x", ["r1-0", "r1-1", "r1-2", "r2-0"], gpu=8)
    ways = told(FLEET, queue("a", Quota(16, 0)), busy, pending("p", 3, 8, queue="a"))
    assert ways.startswith(
        "would start with a minimum of 2 pods instead of 3, or with 8 nvidia.com/gpu more free"
    )
    assert ways.endswith("and the borrowing limit of queue a for h100-sxm raised by 8")


def test_work_that_may_not_be_evicted_could_borrow_if_it_might() -> None:
    assert told(FLEET, queue("a", 4), pending("p", 1, 8, queue="a", preemptible=False)) == (
        "would start with leave to be evicted (preemptible: true), or with quota of queue a for h100-sxm raised by 4"
    )


def test_the_least_priority_that_would_evict_enough() -> None:
    busy = running("low", ["s-0"], gpu=4, priority=10), running("high", ["s-1"], gpu=4, priority=50)
    told_ways = told(rack("s", nodes=2, gpu=8), *busy, pending("p", 1, 8, priority=10))
    assert told_ways.endswith("or with a priority above 10")


def test_a_rule_of_its_own_that_keeps_it_from_free_nodes() -> None:
    assert told(rack("s", nodes=1, gpu=8, taints=[Taint("lab", "bio")]), pending("p", 1, 8)) == (
        "would start with a toleration of taint lab=bio"
    )
    assert (
        told(FLEET, pending("p", 1, 8, selector={"zone": "z"})) == "would start with no node selector zone=z"
    )


def test_nodes_that_it_excludes() -> None:
    assert told(rack("s", nodes=1, gpu=8), pending("p", 1, 8, excluded=["s-0"])).startswith(
        "would start with leave to go to s-0"
    )


def test_the_run_time_that_would_end_before_a_reserved_start() -> None:
    busy = running("x", ["s-0"], gpu=4, started=NOW, expected_seconds=900.0)
    line = pending("first", 1, 8), pending("p", 1, 2, created=1.0)
    assert told(rack("s", nodes=1, gpu=8), busy, *line).startswith(
        "would start with an expected run time of at most 900 s"
    )


def test_it_is_looked_for_the_first_unlike_groups_only() -> None:
    line = [pending(f"p{i}", 1, 9 + i, created=float(i)) for i in range(3)]
    small = rack("s", nodes=1, gpu=64), running("x", ["s-0"], gpu=60)
    plan = decide(cluster(*small, *line), Policy(nearest_changes=2))
    assert [bool(each.nearest) for each in plan.waits] == [True, True, False]


@examples(60)
@given(clusters)
def test_every_change_that_is_told_lets_the_group_start_once_the_others_have_theirs(
    snapshot: Snapshot,
) -> None:
    outcome = cycle.work_out(snapshot, Policy(), NOW)
    for wanted in outcome.left:
        assert outcome.draft is not None
        for way in nearest(outcome.draft, wanted, most=8):
            alone = after(snapshot, outcome.plan, outcome.draft, wanted.group.name)
            plan = decide(changes.applied(way, alone, wanted.group.name))
            assert gets_room(plan, wanted.group.name), (wanted.group.name, way)


def after(snapshot: Snapshot, plan: Plan, draft: Draft, name: str) -> Snapshot:
    """The plan carried out, what leaves gone, everybody on the nodes held for him, and nobody else asking."""
    held = [bind for placement in draft.held.values() for bind in binds(draft, placement)]
    carried = vacated(carry_out(snapshot, replace(plan, binds=(*plan.binds, *held), reserves=())))
    groups = {
        other: group if other == name else replace(group, waiting=())
        for other, group in carried.groups.items()
    }
    return replace(carried, groups=groups)


def binds(draft: Draft, placement: Placement) -> Iterator[Bind]:
    for part in placement.parts:
        rows = np.repeat(part.rows, part.counts).tolist()
        for pod, row in zip(part.pods, rows, strict=True):
            yield Bind(placement.group.name, pod.name, draft.fleet.facts.names[row])


def gets_room(plan: Plan, name: str) -> bool:
    return name in {each.group for each in plan.binds} | {each.for_group for each in plan.evicts}
