"""Groups of parts: each all or nothing by itself, with wishes of its own inside those of the whole."""

from collections.abc import Sequence

from core.builders import BLOCK, RACK, cluster, decide, pod_class, rack, running, started, wait
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodGroup, SubGroup, Topology

IN_ONE_RACK, BY_RACK = Topology(required=RACK), Topology(preferred=RACK)


def whole(
    parts: Sequence[tuple[SubGroup, int, int]],
    topology: Topology = Topology(),  # noqa: B008
    placed: Sequence[tuple[str, str, int]] = (),
) -> PodGroup:
    """A group of parts (part, pods, devices of each); `placed` are (part, node, devices)."""
    waiting = [
        Pod(f"a-{part.name}-{i}", pod_class(gpu), part.name) for part, n, gpu in parts for i in range(n)
    ]
    here = [
        PlacedPod(f"a-{part}-on-{node}", pod_class(gpu), node, subgroup=part) for part, node, gpu in placed
    ]
    return PodGroup(
        "a",
        "default",
        0,
        created=0.0,
        waiting=tuple(waiting),
        placed=tuple(here),
        topology=topology,
        subgroups=tuple(part for part, _, _ in parts),
    )


def racks_of(plan: Plan, part: str) -> set[str]:
    """Racks on which the part's pods are, by node name."""
    return {bind.node.split("-")[0] for bind in plan.binds if bind.pod.startswith(f"a-{part}-")}


def test_no_part_starts_without_the_others() -> None:
    parts = (SubGroup("leader", 1), 1, 8), (SubGroup("workers", 2), 2, 8)
    assert not started(decide(cluster(rack("r", nodes=2, gpu=8), whole(parts))))
    assert started(decide(cluster(rack("r", nodes=3, gpu=8), whole(parts)))) == {"a"}


def test_every_part_lies_in_one_rack_and_all_in_one_block() -> None:
    parts = [(SubGroup(name, 2, topology=IN_ONE_RACK), 2, 8) for name in ("one", "two")]
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8, block="b1"),
            rack("r2", nodes=1, gpu=8, block="b1"),
            rack("r3", nodes=3, gpu=8, block="b2"),
            rack("r4", nodes=2, gpu=8, block="b2"),
            whole(parts, Topology(required=BLOCK)),
        )
    )
    assert {frozenset(racks_of(plan, part)) for part in ("one", "two")} == {
        frozenset({"r3"}),
        frozenset({"r4"}),
    }


def test_a_part_that_fits_one_rack_only_goes_there_before_those_that_fit_many() -> None:
    parts = (
        (SubGroup("small", 1, topology=IN_ONE_RACK), 1, 8),
        (SubGroup("large", 3, topology=IN_ONE_RACK), 3, 8),
    )
    plan = decide(cluster(rack("r1", nodes=3, gpu=8), rack("r2", nodes=2, gpu=8), whole(parts)))
    assert racks_of(plan, "large") == {"r1"}
    assert racks_of(plan, "small") == {"r2"}


def test_a_wish_is_met_by_every_part_where_some_placement_does() -> None:
    parts = [(SubGroup(name, 2, topology=BY_RACK), 2, 8) for name in ("one", "two")]
    plan = decide(
        cluster(
            *(rack(f"s{i}", nodes=1, gpu=8, block="b1") for i in range(4)),
            rack("r1", nodes=2, gpu=8, block="b2"),
            rack("r2", nodes=3, gpu=8, block="b2"),
            whole(parts, Topology(preferred=BLOCK)),
        )
    )
    assert racks_of(plan, "one") | racks_of(plan, "two") == {"r1", "r2"}


def test_a_part_s_wish_yields_before_the_group_waits() -> None:
    parts = [(SubGroup(name, 2, topology=BY_RACK), 2, 8) for name in ("one", "two")]
    four = [rack(f"s{i}", nodes=1, gpu=8, block="b1") for i in range(4)]
    assert started(decide(cluster(*four, whole(parts, Topology(preferred=BLOCK))))) == {"a"}


def test_parts_of_parts_nest_their_domains() -> None:
    replica = [
        (SubGroup("one", topology=Topology(required=BLOCK)), 0, 0),
        (SubGroup("one-leader", 1, "one"), 1, 2),
        (SubGroup("one-workers", 2, "one", topology=IN_ONE_RACK), 2, 8),
    ]
    plan = decide(
        cluster(
            rack("r1", nodes=2, gpu=8, block="b1"),
            rack("r2", nodes=1, gpu=8, block="b2"),
            rack("r3", nodes=2, gpu=8, block="b2"),
            whole(replica),
        )
    )
    assert racks_of(plan, "one-workers") == {"r3"}
    assert racks_of(plan, "one-leader") == {"r2"}


def test_a_lost_member_comes_back_to_its_part_s_rack() -> None:
    parts = [
        (SubGroup("one", 2, topology=IN_ONE_RACK), 1, 8),
        (SubGroup("two", 1, topology=IN_ONE_RACK), 0, 8),
    ]
    group = whole(parts, placed=[("one", "r1-0", 8), ("two", "r2-0", 8)])
    plan = decide(cluster(rack("r1", nodes=2, gpu=8), rack("r2", nodes=3, gpu=8), group))
    assert racks_of(plan, "one") == {"r1"}
    blocked = cluster(
        rack("r1", nodes=2, gpu=8),
        rack("r2", nodes=3, gpu=8),
        group,
        running("x", ["r1-1"], gpu=8, queue="q", preemptible=False),  # nor moved out of the way
    )
    assert wait(decide(blocked), "a").reason is Reason.TOPOLOGY_DOES_NOT_FIT


def test_parts_without_a_wish_share_what_there_is() -> None:
    parts = (SubGroup("one", 1), 1, 3), (SubGroup("two", 2), 2, 2)
    plan = decide(cluster(rack("r", nodes=2, gpu=4), whole(parts)))
    assert started(plan) == {"a"}


def test_pods_that_name_no_part_are_told_where_others_are_missing() -> None:
    pods = tuple(Pod(f"a-{i}", pod_class(1), part) for i, part in enumerate(("x", "x", "z", "")))
    group = PodGroup(
        "a", "default", 0, created=0.0, waiting=pods, subgroups=(SubGroup("x", 2), SubGroup("y", 2))
    )
    told = wait(decide(cluster(rack("r", nodes=1, gpu=8), group)), "a")
    assert told.message == "2 of the 4 pods it needs exist; 2 more pods in none of its parts"
