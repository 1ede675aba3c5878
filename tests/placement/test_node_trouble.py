"""Nodes in trouble, as the placement process sees and tells them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakekube import FakeKube
from placement.builders import Json, group_view, node, node_view, pod, pod_group, pod_view
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import EVENTS, NODES, PODS
from powertrain_operator.placement.cache import Cache
from powertrain_operator.placement.cache.failures import MOST_NODES, Failures
from powertrain_scheduler.snapshot import PodGroup

FIRST, SECOND = "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z"


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    """Two nodes with eight devices each."""
    async with FakeKube.start() as kube:
        for number in range(2):
            kube.put(node(f"n{number}", gpu=8))
        yield kube


# -- lost members -----------------------------------------------------------------------------------


def condition(kube: FakeKube, group: str, type: str) -> Json:
    found: list[Json] = status_of(kube, group).get("conditions", [])
    return next((each for each in found if each["type"] == type), {})


async def test_a_group_is_told_at_once_that_a_node_of_its_members_is_silent_and_when_it_is_back(
    kube: FakeKube, tmp_path: Path
) -> None:
    kube.put(pod_group("g", minimum=2))
    for rank in range(2):
        kube.put(pod(f"g-{rank}", group="g", gpu=8, rank=rank))
    async with scheduler(kube, tmp_path):
        await until(lambda: status_of(kube, "g").get("phase") == "Scheduled")
        silent = node_of(kube, "g-1")
        kube.change(NODES, None, silent, {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
        await until(lambda: condition(kube, "g", "MembersLost").get("status") == "True")
        told = condition(kube, "g", "MembersLost")
        assert told["message"] == f"1 of its pods is on {silent}, which no longer report."
        assert status_of(kube, "g")["lostNodes"] == [silent]
        assert status_of(kube, "g")["phase"] == "Scheduled"  # its pods are there until somebody deletes them
        await until(lambda: any(each["reason"] == "MembersLost" for each in kube.objects(EVENTS)))
        kube.change(NODES, None, silent, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
        await until(lambda: condition(kube, "g", "MembersLost").get("status") == "False")
        assert "lostNodes" not in status_of(kube, "g")


# -- nodes that fail a group ------------------------------------------------------------------------


def cache_of(*manifests: Json) -> Cache:
    cache = Cache()
    cache.on_node("n0", None, node_view(node("n0", gpu=8)))
    for manifest in manifests:
        key = f"team/{manifest['metadata']['name']}"
        if manifest["kind"] == "PodGroup":
            cache.on_group(key, None, group_view(manifest))
        else:
            cache.on_pod(key, None, pod_view(manifest))
    return cache


def ends(
    cache: Cache, name: str, phase: str = "Failed", *, leaving: bool = False, created: str = FIRST
) -> None:
    """The member ran on n0 and came to this end."""
    before = pod_view(pod(name, group="g", node="n0", phase="Running", leaving=leaving, created=created))
    cache.on_pod(f"team/{name}", None, before)
    after = pod(name, group="g", node="n0", phase=phase, leaving=leaving, created=created)
    cache.on_pod(f"team/{name}", before, pod_view(after))


def group_of(cache: Cache) -> PodGroup:
    return cache.snapshot().groups["team/g"]


def waiting(name: str) -> Json:
    return pod(name, group="g", created=SECOND)


def test_a_member_that_fails_is_counted_against_its_node() -> None:
    cache = cache_of(pod_group("g"), waiting("next"))
    ends(cache, "a")
    assert group_of(cache).failures == {"n0": 1}
    ends(cache, "b", created="2026-11-24T10:00:00Z")
    assert group_of(cache).failures == {"n0": 2}


def test_of_one_attempt_only_the_first_failure_is_counted() -> None:
    cache = cache_of(pod_group("g", minimum=2), pod("b", group="g", node="n0", phase="Running"))
    ends(cache, "a")
    ends(cache, "b")
    assert group_of(cache).failures == {"n0": 1}


@pytest.mark.parametrize(("phase", "leaving"), [("Succeeded", False), ("Failed", True)])
def test_a_good_end_and_an_end_on_request_are_nobodys_fault(phase: str, leaving: bool) -> None:
    cache = cache_of(pod_group("g"), waiting("next"))
    ends(cache, "a", phase, leaving=leaving)
    assert group_of(cache).failures == {}


def test_what_an_earlier_process_counted_is_read_from_the_status() -> None:
    told = pod_group("g") | {"status": {"failedNodes": [{"node": "n0", "failures": 2}]}}
    assert group_of(cache_of(told, waiting("next"))).failures == {"n0": 2}


def test_a_group_that_is_made_anew_begins_with_a_clean_slate() -> None:
    cache = cache_of(pod_group("g"), waiting("next"))
    ends(cache, "a")
    cache.on_group("team/g", group_view(pod_group("g")), None)
    cache.on_group("team/g", None, group_view(pod_group("g")))
    assert group_of(cache).failures == {}


def test_the_least_failing_nodes_are_forgotten_first() -> None:
    failures = Failures()
    for attempt in range(2):
        failures.note("g", "worst", float(attempt), float(attempt))
    for number in range(MOST_NODES + 5):
        failures.note("g", f"n{number:03}", 10.0 + number, 10.0 + number)
    assert len(failures.of("g")) == MOST_NODES
    assert failures.of("g")["worst"] == 2


async def test_a_node_that_failed_a_group_twice_gets_it_no_more_and_the_status_says_so(
    kube: FakeKube, tmp_path: Path
) -> None:
    once = {"failedNodes": [{"node": "n0", "failures": 1}]}
    kube.put(pod_group("g", minimum=1) | {"status": once})
    kube.put(pod("first", group="g", gpu=8))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "first"))
        assert node_of(kube, "first") == "n0"
        kube.change(PODS, "team", "first", {"status": {"phase": "Failed"}})
        await until(lambda: status_of(kube, "g").get("failedNodes") == [{"node": "n0", "failures": 2}])
        kube.put(pod("second", group="g", gpu=8))
        await until(lambda: node_of(kube, "second"))
    assert node_of(kube, "second") == "n1"
