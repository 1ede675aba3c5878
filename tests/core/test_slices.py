"""Pods in slices: blocks of so many in rank order, each in one domain of its level, also of several levels."""

from core.builders import BLOCK, RACK, Node, cluster, decide, pod_class, rack, running, started, wait
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PlacedPod, Pod, PodGroup, Slice, Topology

HOST = "kubernetes.io/hostname"


def sliced(pods: int, *slices: Slice, cpu: int = 1000, placed: tuple[str, ...] = (), **wish: str) -> PodGroup:
    of = pod_class(cpu=cpu)
    return PodGroup(
        "a",
        "default",
        pods + len(placed),
        created=0.0,
        waiting=tuple(Pod(f"a-{i + len(placed)}", of) for i in range(pods)),
        placed=tuple(PlacedPod(f"a-{i}", of, node) for i, node in enumerate(placed)),
        topology=Topology(slices=slices, **wish),  # type: ignore[arg-type]
    )


def host(name: str, cpu: int, in_rack: str, block: str = "b") -> tuple[Node, ...]:
    return (
        Node(name, None, rack(in_rack, 1, cpu=cpu)[0].amounts, {HOST: name, RACK: in_rack, BLOCK: block}),
    )


def where(plan: Plan) -> dict[str, list[int]]:
    """Ranks by node."""
    found: dict[str, list[int]] = {}
    for bind in plan.binds:
        found.setdefault(bind.node, []).append(int(bind.pod.rsplit("-", 1)[1]))
    return {node: sorted(ranks) for node, ranks in sorted(found.items())}


def test_a_slice_s_pods_share_a_domain_and_follow_each_other() -> None:
    nodes = host("n0", 3, "r0"), host("n1", 3, "r0"), host("n2", 3, "r1")
    plan = decide(cluster(*nodes, sliced(6, Slice(2, HOST), required=BLOCK)))
    assert where(plan) == {"n0": [0, 1], "n1": [2, 3], "n2": [4, 5]}


def test_room_of_less_than_a_slice_counts_for_nothing() -> None:
    nodes = host("n0", 3, "r0"), host("n1", 3, "r0")
    plan = decide(cluster(*nodes, sliced(6, Slice(2, HOST))))
    assert wait(plan, "a").message.startswith(
        "needs 6 x (cpu 1, memory 1 GiB) in slices of 2, each in one hostname (kubernetes.io/hostname); "
        "there is room for 2 of 3 slices"
    )
    assert started(decide(cluster(*nodes, sliced(4, Slice(2, HOST))))) == {"a"}


def test_a_level_that_no_node_knows_holds_no_slice() -> None:
    nodes = host("n0", 3, "r0"), host("n1", 3, "r0")
    for slices in ((Slice(2, "rck"),), (Slice(2, RACK), Slice(2, "hst"))):
        told = wait(decide(cluster(*nodes, sliced(4, *slices, required=BLOCK))), "a")
        assert told.reason is Reason.NEVER_FITS


def test_slices_of_two_levels_lie_inside_each_other() -> None:
    nodes = host("n0", 7, "r0"), host("n1", 5, "r0"), host("n2", 7, "r1"), host("n3", 4, "r1")
    twice = Slice(8, RACK), Slice(4, HOST)
    assert where(decide(cluster(*nodes, sliced(16, *twice, required=BLOCK)))) == {
        "n0": [0, 1, 2, 3],
        "n1": [4, 5, 6, 7],
        "n2": [8, 9, 10, 11],
        "n3": [12, 13, 14, 15],
    }
    smaller = (*nodes[:3], host("n3", 3, "r1"))
    assert not started(decide(cluster(*smaller, sliced(16, *twice, required=BLOCK))))


def test_the_last_slice_takes_the_tightest_domain() -> None:
    nodes = host("n0", 4, "r0"), host("n1", 3, "r0"), host("n2", 2, "r0")
    plan = decide(cluster(*nodes, sliced(6, Slice(2, HOST), required=BLOCK)))
    assert where(plan) == {"n0": [0, 1, 2, 3], "n2": [4, 5]}


def test_a_rest_of_less_than_a_slice_lies_in_one_domain_and_comes_last() -> None:
    nodes = host("n0", 2, "r0"), host("n1", 4, "r0")
    plan = decide(cluster(*nodes, sliced(5, Slice(4, HOST))))
    assert where(plan) == {"n0": [4], "n1": [0, 1, 2, 3]}


def test_a_lost_member_is_replaced_where_its_slice_is() -> None:
    nodes = host("n0", 2, "r0"), host("n1", 4, "r0"), host("n2", 8, "r0")
    group = sliced(1, Slice(2, HOST), placed=("n0", "n0", "n1"))
    assert where(decide(cluster(*nodes, group))) == {"n1": [3]}


def test_a_slice_that_cannot_be_completed_where_it_began_waits() -> None:
    nodes = host("n0", 2, "r0"), host("n1", 2, "r0")
    group = sliced(1, Slice(2, HOST), placed=("n0",))
    assert not started(decide(cluster(*nodes, group, running("x", ["n0"], cpu=1000))))


def test_a_group_grows_by_whole_slices() -> None:
    of = pod_class(cpu=1000)
    pods = tuple(Pod(f"a-{i}", of) for i in range(6))
    group = PodGroup("a", "default", 2, 0.0, waiting=pods, topology=Topology(slices=(Slice(2, HOST),)))
    nodes = host("n0", 3, "r0"), host("n1", 2, "r0")
    assert where(decide(cluster(*nodes, group))) == {"n0": [2, 3], "n1": [0, 1]}


def test_slices_of_a_leader_and_workers_share_a_domain_each() -> None:
    leader, worker = pod_class(cpu=2000), pod_class(cpu=1000)
    pods = tuple(Pod(f"a-{i}", leader if i % 3 == 0 else worker) for i in range(6))
    group = PodGroup("a", "default", 6, 0.0, waiting=pods, topology=Topology(slices=(Slice(3, HOST),)))
    plan = decide(cluster(host("n0", 5, "r0"), host("n1", 4, "r0"), host("n2", 3, "r0"), group))
    assert sorted(map(tuple, where(plan).values())) == [(0, 1, 2), (3, 4, 5)]
    assert not started(decide(cluster(host("n0", 7, "r0"), host("n1", 3, "r0"), group)))
