"""The virtual cluster carries plans out, and counts what is used as if it were counted anew."""

import numpy as np
import pytest
from core.builders import GPU, NOW, amounts, cluster, decide, pending, pod_class, queue, rack, running, shared
from core.worlds import clusters
from hypothesis import given, settings
from powertrain_scheduler.plan import Bind, Evict, Plan, Reserve
from powertrain_scheduler.replay.virtual import VirtualCluster
from powertrain_scheduler.snapshot import PodClass, PodGroup, Snapshot


def virtual(snapshot: Snapshot) -> VirtualCluster:
    """The same cluster, in which plans are carried out."""
    made = VirtualCluster(snapshot.nodes, snapshot.pools, snapshot.queues, NOW)
    for group in snapshot.groups.values():
        made.submit(group)
    return made


def counted(groups: list[PodGroup], like: Snapshot) -> tuple[object, ...]:
    """What the groups' pods use, counted anew."""
    pods = [pod for group in groups for pod in group.placed]
    ports: dict[str, set[object]] = {}
    for pod in pods:
        if pod.pod_class.host_ports:
            ports.setdefault(pod.node, set()).update(pod.pod_class.host_ports)
    used = amounts(like.nodes, pods)
    leaving = used - amounts(like.nodes, [pod for pod in pods if not pod.leaving])
    return used.tolist(), leaving.tolist(), ports, shared(pods)


def kept(snapshot: Snapshot) -> tuple[object, ...]:
    """The same as the snapshot says."""
    ports = {node: set(claimed) for node, claimed in snapshot.host_ports.items()}
    return snapshot.used.tolist(), snapshot.leaving.tolist(), ports, dict(snapshot.shared)


@settings(max_examples=40)
@given(clusters)
def test_what_is_kept_is_what_would_be_counted_anew(world: Snapshot) -> None:
    it = virtual(world)
    for _ in range(3):
        for step in ("apply", "vacate", "finish"):
            snapshot = it.snapshot()
            assert kept(snapshot) == counted(list(snapshot.groups.values()), snapshot)
            assert snapshot.groups == {name: it.group(name) for name in snapshot.groups}
            if step == "apply":
                it.apply(decide(snapshot))
            elif step == "vacate":
                it.vacate()
                assert not it.snapshot().leaving.any()
            elif runs := [name for name, group in snapshot.groups.items() if group.placed]:
                it.finish(min(runs))


@settings(max_examples=20)
@given(clusters)
def test_a_snapshot_does_not_change_afterwards(world: Snapshot) -> None:
    it = virtual(world)
    before = it.snapshot()
    was = (kept(before), dict(before.groups))
    it.apply(decide(before))
    it.vacate()
    assert (kept(before), dict(before.groups)) == was


class TestAGroupsLife:
    WORLD = cluster(
        rack("r1", nodes=2, gpu=8),
        queue("a", 16),
        running("old", ["r1-0", "r1-1"], gpu=8, queue="a", min_member=1),
    )

    def test_evicted_pods_leave_first_and_wait_then(self) -> None:
        it = virtual(self.WORLD)
        it.apply(Plan(evicts=(Evict("old", "old-0", "new", "Preempted"),)))
        assert [pod.leaving for pod in it.group("old").placed] == [True, False]
        it.vacate()
        assert [pod.name for pod in it.group("old").placed] == ["old-1"]
        assert [pod.name for pod in it.group("old").waiting] == ["old-0"]
        assert it.group("old").started is not None

    def test_a_group_that_lost_all_its_pods_has_not_started(self) -> None:
        it = virtual(self.WORLD)
        it.apply(Plan(evicts=tuple(Evict("old", pod, "new", "Preempted") for pod in ("old-1", "old-0"))))
        it.vacate()
        assert [pod.name for pod in it.group("old").waiting] == ["old-0", "old-1"]
        assert it.group("old").started is None

    def test_pods_that_came_as_leaving_ones_do_not_come_back(self) -> None:
        it = virtual(cluster(rack("r1", nodes=1, gpu=8), running("old", ["r1-0"], gpu=8, leaving=True)))
        it.vacate()
        assert (it.group("old").placed, it.group("old").waiting) == ((), ())

    def test_a_gang_has_started_once_its_minimum_has_nodes(self) -> None:
        it = virtual(cluster(rack("r1", nodes=2, gpu=8), pending("new", 3, 8, min_member=2)))
        it.advance(NOW + 5)
        it.apply(Plan(binds=(Bind("new", "new-0", "r1-0"),)))
        assert it.group("new").started is None
        it.apply(Plan(binds=(Bind("new", "new-1", "r1-1"),)))
        assert it.group("new").started == NOW + 5

    def test_room_is_held_for_as_long_as_plans_say_so(self) -> None:
        it = virtual(cluster(rack("r1", nodes=2, gpu=8), pending("new", 1, 8)))
        it.apply(Plan(reserves=(Reserve("new", NOW, ("r1-1",)),)))
        assert it.group("new").nominated == ("r1-1",)
        it.apply(Plan(reserves=(Reserve("new", NOW + 60, ("r1-1",)),)))
        assert it.group("new").nominated == ()

    def test_what_is_not_there_is_refused(self) -> None:
        it = virtual(self.WORLD)
        with pytest.raises(KeyError):
            it.apply(Plan(binds=(Bind("old", "old-7", "r1-0"),)))
        with pytest.raises(ValueError, match="there already"):
            it.submit(self.WORLD.groups["old"])
        with pytest.raises(ValueError, match="cannot be"):
            it.advance(NOW - 1)


class TestShares:
    HALF = PodClass(pod_class().request, share=(GPU, 500))

    def test_a_split_device_is_in_use_whole_and_leaves_with_the_last_of_its_pods(self) -> None:
        it = virtual(
            cluster(rack("r1", nodes=1, gpu=2), pending("a", of=self.HALF), pending("b", of=self.HALF))
        )
        it.apply(Plan(binds=(Bind("a", "a-0", "r1-0", device="0"), Bind("b", "b-0", "r1-0", device="0"))))
        column = it.nodes.resources.index(GPU)
        assert it.snapshot().used[0, column] == 1
        assert [(each.name, each.used) for each in it.snapshot().shared["r1-0"]] == [("0", 1000)]
        it.apply(Plan(evicts=(Evict("a", "a-0", "c", "Preempted"),)))
        assert it.snapshot().leaving[0, column] == 0
        it.apply(Plan(evicts=(Evict("b", "b-0", "c", "Preempted"),)))
        assert it.snapshot().leaving[0, column] == 1
        it.vacate()
        assert not np.any(it.snapshot().used)
        assert it.snapshot().shared == {}
