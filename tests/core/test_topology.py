"""Racks and blocks: one domain if required, the tightest if preferred, few domains otherwise."""

from core.builders import (
    BLOCK,
    RACK,
    cluster,
    decide,
    nodes,
    pending,
    pod_class,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.reasons import Reason


def test_a_required_rack_holds_the_whole_gang() -> None:
    plan = decide(
        cluster(rack("r1", nodes=2, gpu=8), rack("r2", nodes=3, gpu=8), pending("a", 3, 8, required=RACK))
    )
    assert nodes(plan, "a") == ("r2-0", "r2-1", "r2-2")


def test_the_tightest_rack_that_holds_the_gang_is_taken() -> None:
    racks = rack("r1", nodes=4, gpu=8), rack("r2", nodes=2, gpu=8), rack("r3", nodes=3, gpu=8)
    assert nodes(decide(cluster(*racks, pending("a", 2, 8, required=RACK))), "a") == ("r2-0", "r2-1")


def test_a_gang_too_large_for_any_one_rack_is_told_the_roomiest() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=1, gpu=8),
            rack("r2", nodes=4, gpu=8),
            running("x", ["r2-0", "r2-1"], gpu=8, preemptible=False),
            running("y", ["r1-0"], gpu=2),
            rack("r3", nodes=2, gpu=8),
            pending("a", workers=4, gpu=8, required=RACK),
        )
    )
    assert wait(plan, "a").reason is Reason.TOPOLOGY_DOES_NOT_FIT
    assert wait(plan, "a").message == (
        "needs 4 x 8 nvidia.com/gpu in one rack (topology/rack); the roomiest, r2, has room for 2 of 4 pods"
    )


def test_nodes_without_the_label_are_in_no_domain() -> None:
    unlabelled = rack("r9", nodes=4, gpu=8, labels={RACK: ""})
    bare = tuple(type(n)(n.name, n.pool, n.amounts, {}) for n in unlabelled)
    plan = decide(cluster(bare, pending("a", 2, 8, required=RACK)))
    assert wait(plan, "a").reason is Reason.NEVER_FITS
    assert "no node carries that label" in wait(plan, "a").message


def test_a_preferred_rack_is_taken_where_one_holds_the_gang() -> None:
    plan = decide(
        cluster(rack("r1", nodes=1, gpu=8), rack("r2", nodes=2, gpu=8), pending("a", 2, 8, preferred=RACK))
    )
    assert nodes(plan, "a") == ("r2-0", "r2-1")


def test_where_no_rack_holds_it_the_next_wider_level_does() -> None:
    plan = decide(
        cluster(
            *(rack("r1", nodes=2, gpu=8, block="b1"), rack("r2", nodes=1, gpu=8, block="b1")),
            *(rack("r3", nodes=2, gpu=8, block="b2"), rack("r4", nodes=2, gpu=8, block="b2")),
            pending("a", 3, 8, preferred=RACK),
        )
    )
    assert nodes(plan, "a") == ("r1-0", "r1-1", "r2-0"), "b1 is the tighter block"


def test_where_no_block_holds_it_few_domains_are_taken() -> None:
    plan = decide(
        cluster(
            rack("r1", nodes=1, gpu=8, block="b1"),
            *(rack("r2", nodes=1, gpu=8, block="b2"), rack("r3", nodes=2, gpu=8, block="b2")),
            rack("r4", nodes=1, gpu=8, block="b3"),
            pending("a", 4, 8, preferred=RACK),
        )
    )
    assert nodes(plan, "a") == ("r1-0", "r2-0", "r3-0", "r3-1"), "all of b2 and one block more, in name order"


def test_a_preference_never_leaves_the_required_domain() -> None:
    plan = decide(
        cluster(
            *(rack("r1", nodes=2, gpu=8, block="b1"), rack("r2", nodes=2, gpu=8, block="b1")),
            rack("r3", nodes=3, gpu=8, block="b2"),
            running("x", ["r3-0"], gpu=1),
            pending("a", 3, 8, required=BLOCK, preferred=RACK),
        )
    )
    assert nodes(plan, "a") == ("r1-0", "r1-1", "r2-0")


def test_racks_of_one_name_in_two_blocks_are_two_racks() -> None:
    plan = decide(
        cluster(
            rack("x", nodes=1, gpu=8, block="b1", labels={RACK: "1"}),
            rack("y", nodes=1, gpu=8, block="b2", labels={RACK: "1"}),
            pending("a", 2, 8, required=RACK),
        )
    )
    assert not started(plan)
    assert "b1/1" in wait(plan, "a").message


def test_with_a_wish_few_nodes_are_taken_and_without_one_leftovers() -> None:
    fleet = rack("r1", nodes=3, gpu=8)
    used = running("x", ["r1-0"], gpu=6), running("y", ["r1-1"], gpu=4)
    wishing = decide(cluster(fleet, *used, pending("a", 2, 2, required=RACK)))
    assert nodes(wishing, "a") == ("r1-1", "r1-1")
    plain = decide(cluster(fleet, *used, pending("a", 2, 2)))
    assert nodes(plain, "a") == ("r1-0", "r1-1")


def test_ranks_follow_the_racks() -> None:
    plan = decide(
        cluster(
            rack("b", nodes=2, gpu=8, labels={RACK: "1"}),
            rack("a", nodes=2, gpu=8, labels={RACK: "2"}),
            pending("gang", 4, 8),
        )
    )
    assert nodes(plan, "gang") == ("b-0", "b-1", "a-0", "a-1")


def test_members_of_all_classes_share_the_required_rack() -> None:
    leader = pod_class(0, cpu=60_000)
    plan = decide(
        cluster(
            *(rack("r1", nodes=2, gpu=8), rack("r2", nodes=2, gpu=8), rack("r3", nodes=3, gpu=8, cpu=61)),
            running("x", ["r1-0", "r1-1", "r2-0", "r2-1"], cpu=30_000),
            pending("a", 2, 8, required=RACK, also=[leader]),
        )
    )
    assert nodes(plan, "a") == ("r3-0", "r3-1", "r3-0")
