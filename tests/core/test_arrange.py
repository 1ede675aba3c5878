"""How a gang lies over the domains it must be split over: packed, balanced or spread; ranks along the fabric."""

import pytest
from core.builders import (
    BLOCK,
    RACK,
    cluster,
    decide,
    nodes,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
)
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodGroup, Topology

PACKED = Policy(arrange="packed")


def wishes(pods: int, gpu: int, topology: Topology) -> PodGroup:
    group = pending("a", pods, gpu)
    return PodGroup("a", "default", pods, 0.0, waiting=group.waiting, topology=topology)


def by_rack(plan: Plan) -> dict[str, int]:
    found: dict[str, int] = {}
    for bind in plan.binds:
        found[bind.node[:2]] = found.get(bind.node[:2], 0) + 1
    return dict(sorted(found.items()))


TWO_RACKS = rack("r1", nodes=6, gpu=8), rack("r2", nodes=6, gpu=8)


def test_a_gang_that_prefers_a_rack_and_fills_more_lies_evenly_over_the_fewest() -> None:
    racks = [rack(f"r{i}", nodes=n, gpu=8, block="b") for i, n in ((1, 6), (2, 6), (3, 5))]
    plan = decide(cluster(*racks, wishes(10, 8, Topology(preferred=RACK))))
    assert by_rack(plan) == {"r2": 5, "r3": 5}


def test_packed_fills_one_rack_before_the_next() -> None:
    racks = [rack(f"r{i}", nodes=6, gpu=8, block="b") for i in (1, 2)]
    group = wishes(10, 8, Topology(preferred=RACK))
    assert by_rack(decide(cluster(*racks, group), PACKED)) == {"r1": 6, "r2": 4}
    own = wishes(10, 8, Topology(preferred=RACK, arrange="packed"))
    assert by_rack(decide(cluster(*racks, own))) == {"r1": 6, "r2": 4}


def test_what_no_domain_of_the_widest_level_holds_is_packed() -> None:
    group = wishes(10, 8, Topology(preferred=RACK))
    assert by_rack(decide(cluster(*TWO_RACKS, group))) == {"r1": 6, "r2": 4}


def test_spread_takes_as_many_nodes_and_racks_as_there_are() -> None:
    group = wishes(7, 1, Topology(arrange="spread"))
    plan = decide(cluster(rack("r1", nodes=3, gpu=8), rack("r2", nodes=2, gpu=8), group))
    assert sorted(nodes(plan, "a").count(node) for node in set(nodes(plan, "a"))) == [1, 1, 1, 2, 2]
    few = decide(cluster(*TWO_RACKS, wishes(4, 1, Topology(arrange="spread"))))
    assert by_rack(few) == {"r1": 2, "r2": 2}


def test_the_fewest_racks_are_used_inside_a_required_block() -> None:
    racks = (
        rack("r1", nodes=1, gpu=8, block="b"),
        rack("r2", nodes=3, gpu=8, block="b"),
        rack("r3", nodes=2, gpu=8, block="b"),
    )
    assert by_rack(decide(cluster(*racks, wishes(4, 8, Topology(required=BLOCK))))) == {"r1": 1, "r2": 3}
    assert by_rack(decide(cluster(*racks, wishes(2, 8, Topology(required=BLOCK))))) == {"r3": 2}


@pytest.mark.parametrize("required", [None, BLOCK])
def test_a_preferred_rack_inside_a_required_block_is_met_where_it_can_be(required: str | None) -> None:
    racks = rack("r1", nodes=2, gpu=8, block="b1"), rack("r2", nodes=3, gpu=8, block="b2")
    group = wishes(3, 8, Topology(required=required, preferred=RACK))
    assert by_rack(decide(cluster(*racks, group))) == {"r2": 3}


def test_later_members_take_the_rack_of_those_that_run_and_then_the_next() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=4, gpu=8),
            rack("r2", nodes=2, gpu=8),
            running("a", ["r2-0"], gpu=8, waiting=2, min_member=3, preferred=RACK),
        )
    )
    assert nodes(plan, "a") == ("r2-1", "r1-0")


def test_ranks_of_several_classes_follow_each_other_along_the_fabric() -> None:
    small, large = pod_class(gpu=4), pod_class(gpu=8)
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8),
            rack("r2", nodes=2, gpu=4),
            rack("r3", nodes=2, gpu=8),
            queue("default"),
            pending("a", 0, also=[large, large, small, small], preferred=RACK),
        )
    )
    at = dict(zip(["a-0", "a-1", "a-2", "a-3"], nodes(plan, "a"), strict=True))
    assert at["a-0"].split("-")[0] == at["a-1"].split("-")[0]
    assert at["a-2"].split("-")[0] == at["a-3"].split("-")[0]
    assert started(plan) == {"a"}
