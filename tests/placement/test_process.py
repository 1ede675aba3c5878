"""The placement process as a whole: what it does, and how little it asks of the API server."""

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube
from placement.builders import node, pod, pod_group, pool, queue
from placement.running import binds_of, node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import ACCELERATORPOOLS, LEASES, NODES, PODGROUPS, PODS, QUEUES


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    """Two racks of two nodes with eight devices each."""
    async with FakeKube.start() as kube:
        for number in range(4):
            kube.put(node(f"n{number}", gpu=8, rack=f"r{number // 2}", labels={"pool": "h100"}))
        kube.put(pool())
        kube.put(queue("default"))
        yield kube


def put_gang(kube: FakeKube, name: str, size: int, gpu: int = 8, **spec: Any) -> None:
    kube.put(pod_group(name, minimum=size, **spec))
    for rank in range(size):
        kube.put(pod(f"{name}-{rank}", group=name, gpu=gpu, rank=rank))


async def test_a_gang_is_bound_as_a_whole_and_told_once(kube: FakeKube, tmp_path: Path) -> None:
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("phase") == "Scheduled")
    assert {node_of(kube, "g-0"), node_of(kube, "g-1")} == {"n0", "n1"}
    status = status_of(kube, "g")
    assert (status["placed"], status["members"]) == (2, "2/2")
    assert status["conditions"][0]["type"] == "Scheduled" and status["conditions"][0]["status"] == "True"
    assert kube.count("apply", PODGROUPS, "status") == 1


async def test_plain_pods_cost_one_write_each(kube: FakeKube, tmp_path: Path) -> None:
    for number in range(20):
        kube.put(pod(f"p{number}", gpu=1))
    async with scheduler(kube, tmp_path):
        await until(lambda: all(node_of(kube, f"p{number}") for number in range(20)))
    assert kube.count("bind") == 20
    writes = [call for call in kube.calls if call.verb not in ("get", "list", "watch")]
    of_the_fleet = (ACCELERATORPOOLS.plural, QUEUES.plural, LEASES.plural)
    assert [call for call in writes if call.verb != "bind" and call.plural not in of_the_fleet] == []


async def test_a_gang_that_does_not_fit_holds_nothing_and_says_why(kube: FakeKube, tmp_path: Path) -> None:
    put_gang(kube, "g", 5)
    kube.put(pod("small", gpu=1))
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("phase") == "Pending" and node_of(kube, "small"))
    assert not any(node_of(kube, f"g-{rank}") for rank in range(5))
    assert status_of(kube, "g")["reason"] == "NeverFits"
    assert "5 x 8 nvidia.com/gpu" in status_of(kube, "g")["message"]


async def test_a_waiting_plain_pod_is_told_once_by_the_standard_condition(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod("huge", gpu=9))
    async with scheduler(kube, tmp_path):
        await until(lambda: kube.count("apply", PODS, "status"))
        for number in range(3):  # other work comes, the sentence's numbers change
            kube.put(pod(f"p{number}", gpu=8))
        await until(lambda: all(node_of(kube, f"p{number}") for number in range(3)))
    (condition,) = (kube.object(PODS, "team", "huge") or {})["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "False")
    assert condition["reason"] == "Unschedulable" and "9" in condition["message"]
    assert kube.count("apply", PODS, "status") == 1


async def test_what_is_required_but_not_understood_is_not_placed(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod_group("g", minimum=1))
    kube.put(pod("g-0", group="g", gpu=1, resourceClaims=[{"name": "gpu"}]))
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("reason") == "UnsupportedConstraint")
    assert not node_of(kube, "g-0")
    assert "resource claims" in status_of(kube, "g")["message"]


async def test_room_that_other_schedulers_pods_take_is_taken(kube: FakeKube, tmp_path: Path) -> None:
    for number in range(4):
        kube.put(pod(f"daemon-{number}", gpu=1, node=f"n{number}", ours=False, phase="Running"))
    kube.put(pod("whole", gpu=8))
    kube.put(pod("most", gpu=7))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "most"))
    assert not node_of(kube, "whole")


async def test_a_pod_that_ends_makes_room(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod_group("next", minimum=4))
    async with scheduler(kube, tmp_path):
        kube.put(pod("first", gpu=8))
        await until(lambda: node_of(kube, "first"))
        put_gang(kube, "next", 4)
        await until(lambda: status_of(kube, "next").get("phase") == "Pending")
        kube.change(PODS, "team", "first", {"status": {"phase": "Succeeded"}})
        await until(lambda: status_of(kube, "next").get("phase") == "Scheduled")


async def test_a_cordoned_node_gets_nothing_until_it_is_back(kube: FakeKube, tmp_path: Path) -> None:
    for number in range(1, 4):
        kube.remove(NODES, None, f"n{number}")
    kube.change(NODES, None, "n0", {"spec": {"unschedulable": True}})
    kube.put(pod("p", gpu=1))
    kube.put(pod("tolerant", gpu=1, tolerations=[{"operator": "Exists"}]))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "tolerant"))
        assert not node_of(kube, "p")
        kube.change(NODES, None, "n0", {"spec": {"unschedulable": None}})
        await until(lambda: node_of(kube, "p") == "n0")


async def test_a_more_important_gang_evicts_and_the_victims_owner_is_told_first(
    kube: FakeKube, tmp_path: Path
) -> None:
    put_gang(kube, "low", 4)
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "low").get("phase") == "Scheduled")
        put_gang(kube, "high", 4, priority=10)
        await until(lambda: status_of(kube, "high").get("phase") == "Scheduled")
    evicted = status_of(kube, "low")["evicted"]
    assert (evicted["forGroup"], evicted["reason"]) == ("team/high", "Preempted")
    calls = kube.calls
    told = next(
        place
        for place, call in enumerate(calls)
        if call.name == "low" and "evicted" in (call.body or {}).get("status", {})
    )
    deleted = [place for place, call in enumerate(calls) if call.verb == "delete"]
    assert len(deleted) == 4 and told < min(deleted)
    assert all(calls[place].body["preconditions"]["uid"] for place in deleted)
    assert all("gracePeriodSeconds" not in calls[place].body for place in deleted)


async def test_the_fleets_status_says_what_is_used(kube: FakeKube, tmp_path: Path) -> None:
    put_gang(kube, "g", 2)
    kube.put(queue("broken", parent="nobody"))
    kube.put(pool("odd", accelerator="no-such-thing", power=None))

    def told(plural: str) -> bool:
        return all("status" in each for each in kube.objects(by_name[plural]))

    by_name = {"pools": ACCELERATORPOOLS, "queues": QUEUES}
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("phase") == "Scheduled")
        await until(lambda: told("pools") and told("queues"))
        await until(lambda: (kube.object(QUEUES, None, "default") or {})["status"]["runningGroups"] == 1)
        await until(lambda: (kube.object(ACCELERATORPOOLS, None, "h100") or {})["status"]["allocated"] == 16)
    ready = (kube.object(ACCELERATORPOOLS, None, "h100") or {})["status"]
    assert (ready["phase"], ready["nodes"], ready["devices"]) == ("Ready", 4, 32)
    assert ready["watts"] == 4 * 1000 + 16 * 700 + 16 * 100
    broken = (kube.object(ACCELERATORPOOLS, None, "odd") or {})["status"]
    assert (broken["phase"], broken["reason"]) == ("Invalid", "UnknownAccelerator")
    used = (kube.object(QUEUES, None, "default") or {})["status"]["usage"]
    assert used == [{"accelerator": "h100", "used": 16, "borrowed": 0}]
    assert (kube.object(QUEUES, None, "broken") or {})["status"]["reason"] == "ParentNotFound"


async def test_energy_goes_on_from_where_the_pools_status_has_it(kube: FakeKube, tmp_path: Path) -> None:
    kube.change(ACCELERATORPOOLS, None, "h100", {"status": {"kilowattHours": 12.5}})
    async with scheduler(kube, tmp_path):
        await until(lambda: (kube.object(ACCELERATORPOOLS, None, "h100") or {})["status"].get("watts"))
        await until(
            lambda: (kube.object(ACCELERATORPOOLS, None, "h100") or {})["status"]["kilowattHours"] > 12.5
        )
    assert 12.5 < (kube.object(ACCELERATORPOOLS, None, "h100") or {})["status"]["kilowattHours"] < 13.5


async def test_an_idle_cluster_costs_no_binding_and_no_status(kube: FakeKube, tmp_path: Path) -> None:
    put_gang(kube, "g", 2)
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("phase") == "Scheduled")
        before = kube.count("apply", PODGROUPS)
        for _ in range(3):  # heartbeats and container states: nothing that a decision depends on
            kube.change(NODES, None, "n0", {"status": {"heartbeat": str(before)}})
            kube.change(PODS, "team", "g-0", {"status": {"phase": "Running"}})
        kube.put(pod("p", gpu=1))
        await until(lambda: node_of(kube, "p"))
    assert kube.count("apply", PODGROUPS) == before
    assert binds_of(kube, "g-0") == [node_of(kube, "g-0")]


async def test_the_metrics_count_the_groups_of_every_queue(
    kube: FakeKube, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kube.put(queue("research"))
    put_gang(kube, "g", 2, queue="research")
    with caplog.at_level("INFO", "powertrain_operator.placement"):
        async with scheduler(kube, tmp_path, listen="127.0.0.1:0"):
            await until(lambda: status_of(kube, "g").get("phase") == "Scheduled")
            served = re.search(r"http://127\.0\.0\.1:\d+", caplog.text)
            assert served is not None
            page = await asyncio.to_thread(_get, f"{served[0]}/metrics")
    assert 'powertrain_gangs_placed_total{queue="research"} 1.0' in page


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text
