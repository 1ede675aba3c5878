"""Whatever fails between a decision and its binding: whole gangs end bound, or nothing stays bound."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from placement.builders import node, pod, pod_group, pool
from placement.running import binds_of, node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import LEASES, NODES, PODS


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    """Three racks of two nodes with eight devices each."""
    async with FakeKube.start() as kube:
        for number in range(6):
            kube.put(node(f"n{number}", gpu=8, rack=f"r{number // 2}", labels={"pool": "h100"}))
        kube.put(pool())
        yield kube


def put_gang(kube: FakeKube, name: str, size: int, **spec: Any) -> None:
    kube.put(pod_group(name, minimum=size, **spec))
    for rank in range(size):
        kube.put(pod(f"{name}-{rank}", group=name, gpu=8, rank=rank))


def is_scheduled(kube: FakeKube, group: str) -> bool:
    return status_of(kube, group).get("phase") == "Scheduled"


# --- answers to a binding


async def test_a_conflict_about_our_own_binding_is_a_success(kube: FakeKube, tmp_path: Path) -> None:
    kube.faults.fail("bind", PODS, "g-0", status=409, reason="Conflict", after=True)
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path):
        await until(lambda: is_scheduled(kube, "g"))
    assert binds_of(kube, "g-0") == [node_of(kube, "g-0")]


async def test_a_pod_that_somebody_else_bound_stays_where_it_is(kube: FakeKube, tmp_path: Path) -> None:
    gate = kube.faults.hold("bind", PODS, "p")
    kube.put(pod("p", gpu=8))
    async with scheduler(kube, tmp_path):
        await gate.arrival()
        kube.change(PODS, "team", "p", {"spec": {"nodeName": "n5"}})
        gate.open()
        kube.put(pod("q", gpu=8))
        await until(lambda: node_of(kube, "q"))
    assert node_of(kube, "p") == "n5"
    assert len(binds_of(kube, "p")) == 1


async def test_a_conflict_that_leaves_the_pod_unbound_is_tried_again(kube: FakeKube, tmp_path: Path) -> None:
    kube.faults.fail("bind", PODS, "p", status=409, reason="Conflict")
    kube.put(pod("p", gpu=8))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "p"))
    assert len(binds_of(kube, "p")) == 2


async def test_a_member_that_vanished_is_waited_for_and_the_gang_completed(
    kube: FakeKube, tmp_path: Path
) -> None:
    gate = kube.faults.hold("bind", PODS, "g-1")
    put_gang(kube, "g", 2, topology={"required": "topology.example/rack"})
    async with scheduler(kube, tmp_path):
        await gate.arrival()
        await until(lambda: node_of(kube, "g-0"))
        kube.remove(PODS, "team", "g-1")
        gate.open()
        kube.put(pod("g-1", group="g", gpu=8, rank=1))
        await until(lambda: is_scheduled(kube, "g"))
    assert {node_of(kube, "g-0"), node_of(kube, "g-1")} in ({"n0", "n1"}, {"n2", "n3"}, {"n4", "n5"})


async def test_too_many_requests_is_honoured_and_tried_again(kube: FakeKube, tmp_path: Path) -> None:
    kube.faults.fail("bind", PODS, status=429, reason="TooManyRequests", retry_after=1, times=3)
    put_gang(kube, "g", 3)
    async with scheduler(kube, tmp_path):
        await until(lambda: is_scheduled(kube, "g"))
    assert sum(len(binds_of(kube, f"g-{rank}")) for rank in range(3)) == 6


async def test_a_binding_whose_answer_was_lost_is_read_and_not_repeated(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.faults.reset("bind", PODS, "g-0", after=True)
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path):
        await until(lambda: is_scheduled(kube, "g"))
    assert len(binds_of(kube, "g-0")) == 1
    assert kube.count("get", PODS) == 1


async def test_a_binding_that_was_lost_before_it_was_done_is_sent_again_to_the_same_node(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.faults.reset("bind", PODS, "p")
    kube.faults.reset("get", PODS, "p", times=2)  # reading does not succeed at once either
    kube.put(pod("p", gpu=8))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "p"))
    assert binds_of(kube, "p") == [node_of(kube, "p")] * 2


async def test_a_refused_binding_is_told_and_tried_again_after_a_while(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.faults.fail("bind", PODS, "g-1", status=422, reason="Invalid", message="no such thing", times=2)
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("reason") == "BindingRefused")
        assert "no such thing" in status_of(kube, "g")["message"]
        await until(lambda: is_scheduled(kube, "g"))
    assert len(binds_of(kube, "g-1")) == 3


async def test_one_pods_refusals_do_not_hold_up_others(kube: FakeKube, tmp_path: Path) -> None:
    kube.faults.fail("bind", PODS, "bad", status=403, reason="Forbidden", times=1_000_000)
    kube.put(pod("bad", gpu=1))
    async with scheduler(kube, tmp_path):
        await until(lambda: binds_of(kube, "bad"))
        kube.put(pod("good", gpu=1))
        await until(lambda: node_of(kube, "good"))
    assert not node_of(kube, "bad")


# --- nodes that go


async def test_members_whose_node_is_gone_before_they_are_bound_get_another(
    kube: FakeKube, tmp_path: Path
) -> None:
    gate = kube.faults.hold("bind")
    put_gang(kube, "g", 3)
    async with scheduler(kube, tmp_path):
        for _ in range(3):
            await gate.arrival()
        (lost,) = binds_of(kube, "g-2")
        kube.remove(NODES, None, lost)
        kube.put(pod("probe", gpu=8, node="n9", ours=False))
        gate.open()
        await until(lambda: is_scheduled(kube, "g") and kube.object(PODS, "team", "g-2") is None)
        kube.put(pod("g-2", group="g", gpu=8, rank=2))  # its owner makes it anew
        await until(lambda: node_of(kube, "g-2") not in ("", lost))
    assert len({node_of(kube, f"g-{rank}") for rank in range(3)}) == 3


async def test_a_pod_bound_to_a_node_that_does_not_exist_is_deleted_for_its_owner_to_remake(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod("lost", gpu=8, node="gone"))
    kube.put(pod("others", gpu=8, node="gone", ours=False))
    async with scheduler(kube, tmp_path):
        await until(lambda: kube.object(PODS, "team", "lost") is None)
    (deletion,) = [call for call in kube.calls if call.verb == "delete"]
    assert deletion.name == "lost" and deletion.body["gracePeriodSeconds"] == 0


# --- gangs of which only a part is bound


async def test_a_gang_that_an_earlier_process_left_partly_bound_is_completed(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod_group("g", minimum=2, topology={"required": "topology.example/rack"}))
    kube.put(pod("g-0", group="g", gpu=8, rank=0, node="n3"))
    kube.put(pod("g-1", group="g", gpu=8, rank=1))
    async with scheduler(kube, tmp_path):
        await until(lambda: is_scheduled(kube, "g"))
    assert (node_of(kube, "g-0"), node_of(kube, "g-1")) == ("n3", "n2")


async def test_a_gang_that_cannot_be_completed_is_released_and_told_why(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod("other", gpu=8, node="n2", ours=False))
    kube.put(pod_group("g", minimum=2, topology={"required": "topology.example/rack"}))
    kube.put(pod("g-0", group="g", gpu=8, rank=0, node="n3"))
    kube.put(pod("g-1", group="g", gpu=8, rank=1))
    async with scheduler(kube, tmp_path, gang_seconds=10.0):
        await until(lambda: kube.object(PODS, "team", "g-0") is None)
        kube.put(pod("g-0", group="g", gpu=8, rank=0))  # its owner makes it anew
        await until(lambda: node_of(kube, "g-0") and node_of(kube, "g-1"))
        await until(lambda: is_scheduled(kube, "g"))
    assert {node_of(kube, "g-0"), node_of(kube, "g-1")} <= {"n0", "n1", "n4", "n5"}
    (deletion,) = [call for call in kube.calls if call.verb == "delete"]
    assert deletion.name == "g-0" and deletion.body["preconditions"]["uid"]
    told = [
        call.body["status"]["message"] for call in kube.calls if call.name == "g" and call.verb == "apply"
    ]
    assert any("Released" in message and "1 of 2 pods" in message for message in told)


async def test_a_running_gang_that_lost_a_member_is_not_released(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("other", gpu=8, node="n2", ours=False))
    manifest = pod_group("g", minimum=2, topology={"required": "topology.example/rack"})
    kube.put(manifest | {"status": {"phase": "Scheduled", "scheduledTime": "2030-01-01T00:00:00Z"}})
    kube.put(pod("g-0", group="g", gpu=8, rank=0, node="n3"))
    kube.put(pod("g-1", group="g", gpu=8, rank=1))
    kube.put(pod_group("partial", minimum=2))
    kube.put(pod("partial-0", group="partial", gpu=8, node="n0"))
    async with scheduler(kube, tmp_path, gang_seconds=5.0):
        await until(lambda: kube.object(PODS, "team", "partial-0") is None)
    assert node_of(kube, "g-0") == "n3"


# --- who leads


async def test_a_process_that_loses_the_lease_amid_a_gang_writes_nothing_more(
    kube: FakeKube, tmp_path: Path
) -> None:
    gate = kube.faults.hold("bind", PODS, "g-1")
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path):
        await gate.arrival()
        await until(lambda: node_of(kube, "g-0"))
        looked = kube.count("get", LEASES)
        lease = {"spec": {"holderIdentity": "other", "leaseDurationSeconds": 3}}
        kube.change(LEASES, "powertrain-system", "powertrain-scheduler", lease)
        await until(lambda: kube.count("get", LEASES) > looked)
        lost = len(kube.calls)
        gate.open()
        kube.put(pod("p", gpu=1))
        # The other never renews: after its three seconds the lease is ours again, and all is completed.
        await until(lambda: is_scheduled(kube, "g") and node_of(kube, "p"))
    writes = [call for call in kube.calls[lost:] if call.verb not in ("get", "list", "watch")]
    assert writes[0].plural == "leases", "the first thing written is the lease that is ours again"


async def test_a_crash_amid_a_gang_is_made_good_by_the_next_process(kube: FakeKube, tmp_path: Path) -> None:
    gate = kube.faults.hold("bind", PODS, "g-1")
    put_gang(kube, "g", 2, topology={"required": "topology.example/rack"})
    async with scheduler(kube, tmp_path) as first:
        await gate.arrival()
        await until(lambda: node_of(kube, "g-0"))
        await first.crash()
    assert not node_of(kube, "g-1")
    async with scheduler(kube, tmp_path, identity="two"):
        await until(lambda: is_scheduled(kube, "g"))
    assert {node_of(kube, "g-0"), node_of(kube, "g-1")} in ({"n0", "n1"}, {"n2", "n3"}, {"n4", "n5"})


async def test_a_clean_stop_amid_a_gang_leaves_it_whole(kube: FakeKube, tmp_path: Path) -> None:
    gate = kube.faults.hold("bind", PODS, "g-1")
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path) as running:
        await gate.arrival()
        stopping = asyncio.create_task(running.stop())
        await until(lambda: node_of(kube, "g-0"))
        kube.put(pod("too-late", gpu=1))
        gate.open()
        await stopping
    assert node_of(kube, "g-0") and node_of(kube, "g-1")
    assert not node_of(kube, "too-late")


async def test_of_two_processes_one_acts_and_the_other_takes_over(kube: FakeKube, tmp_path: Path) -> None:
    async with (
        scheduler(kube, tmp_path, identity="one") as one,
        scheduler(kube, tmp_path, identity="two"),
    ):
        for number in range(6):
            kube.put(pod(f"a{number}", gpu=2))
        await until(lambda: all(node_of(kube, f"a{number}") for number in range(6)))
        await one.stop()
        for number in range(6):
            kube.put(pod(f"b{number}", gpu=2))
        await until(lambda: all(node_of(kube, f"b{number}") for number in range(6)))
    assert kube.count("bind") == 12
    pods = [each for each in kube.objects(PODS) if each["spec"].get("nodeName")]
    used = {f"n{number}": 0 for number in range(6)}
    for each in pods:
        used[each["spec"]["nodeName"]] += 2
    assert max(used.values()) <= 8


async def test_watches_that_are_cut_and_histories_that_are_gone_change_nothing(
    kube: FakeKube, tmp_path: Path
) -> None:
    async with scheduler(kube, tmp_path):
        put_gang(kube, "g", 2)
        await until(lambda: is_scheduled(kube, "g"))
        kube.compact()
        kube.cut_watches()
        put_gang(kube, "h", 2)
        await until(lambda: is_scheduled(kube, "h"))
    assert all(len(binds_of(kube, f"{gang}-{rank}")) == 1 for gang in "gh" for rank in range(2))
