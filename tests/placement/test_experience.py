"""What is learnt of run times and of queues' use, and that a restart goes on from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakekube import FakeKube
from placement.builders import Json, node, pod, pod_group, pool, queue
from placement.running import node_of, scheduler, status_of, until
from powertrain_operator.kube.resources import PODS, QUEUES
from powertrain_operator.placement.experience import LEAST, MOST, OWNERS, Experience, Run
from powertrain_operator.placement.outlook import Outlook
from powertrain_operator.placement.past_use import PastUse
from powertrain_operator.telemetry.metrics import SchedulerMetrics
from powertrain_scheduler.plan import Wait
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.reasons import Reason


def run(
    owner: str = "team", took: float = 200.0, *, queue: str = "q", said: float = 100.0
) -> tuple[Run, float]:
    return Run(queue, owner, 1000.0, said), 1000.0 + took


def test_owners_who_say_half_of_what_they_need_are_believed_less_and_less() -> None:
    experience = Experience()
    seen = []
    for _ in range(20):
        experience.note(*run())
        seen.append((experience.news() or {})["team"])
    assert seen == sorted(seen) and 1.0 < seen[0] < 1.2 and 1.9 < seen[-1] <= 2.0


def test_one_run_out_of_the_ordinary_proves_little() -> None:
    experience = Experience()
    experience.note(*run(took=1e9))
    assert (experience.news() or {})["team"] <= MOST**0.21
    experience.note(*run("hasty", took=0.001))
    assert (experience.news() or {})["hasty"] >= LEAST**0.21


def test_there_is_news_only_where_something_ended() -> None:
    experience = Experience()
    assert experience.news() is None
    experience.note(*run())
    assert experience.news() and experience.news() is None


def test_what_a_status_has_on_record_is_where_it_goes_on() -> None:
    experience = Experience()
    experience.note(*run("other"))
    experience.recall("q", [{"owner": "team", "ratio": 3.0}, {"owner": "other", "ratio": 9.0}])
    entries = {each["owner"]: each["ratio"] for each in experience.entries("q")}
    assert entries["team"] == 3.0 and entries["other"] < 2.0


def test_no_more_owners_are_remembered_than_a_status_may_hold() -> None:
    experience = Experience()
    for number in range(OWNERS + 10):
        experience.note(*run(f"o{number}"))
    assert len(experience.entries("q")) == OWNERS


def test_past_use_comes_half_way_in_a_half_life() -> None:
    past = PastUse(half_life=100.0)
    past.read({"q": {"h100": 8}}, 0.0)
    past.read({"q": {"h100": 8}}, 100.0)
    assert past.entries("q") == [{"accelerator": "h100", "amount": 4.0}]
    past.read({"q": {}}, 200.0)
    assert past.entries("q") == [{"accelerator": "h100", "amount": 2.0}]


def test_past_use_begins_with_what_is_on_record() -> None:
    past = PastUse(half_life=100.0)
    past.recall("q", [{"accelerator": "h100", "amount": 6.0}])
    past.read({"q": {}}, 0.0)
    past.recall("q", [{"accelerator": "h100", "amount": 99.0}])
    assert past.entries("q") == [{"accelerator": "h100", "amount": 6.0}]


# -- in the running process ---------------------------------------------------------------------------


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        kube.put(node("n0", gpu=8, labels={"pool": "h100"}))
        kube.put(pool())
        kube.put(queue("default"))
        yield kube


def queue_status(kube: FakeKube) -> Json:
    found: Json = (kube.object(QUEUES, None, "default") or {}).get("status", {})
    return found


async def test_a_group_that_ends_teaches_and_the_next_leader_knows(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod_group("job", runtime={"expected": "1s"}))
    kube.put(pod("job-0", group="job", gpu=8, rank=0))
    async with scheduler(kube, tmp_path):
        await until(lambda: node_of(kube, "job-0"))
        await until(lambda: queue_status(kube).get("runningGroups") == 1)
        kube.change(PODS, "team", "job-0", {"status": {"phase": "Succeeded"}})
        await until(lambda: queue_status(kube).get("runtimes"))
    learnt = queue_status(kube)["runtimes"]
    assert learnt[0]["owner"] == "team" and learnt[0]["ratio"] > 1.0
    async with scheduler(kube, tmp_path, identity="two"):
        kube.put(pod("p", gpu=8))
        await until(lambda: queue_status(kube).get("runningGroups") == 1)
        assert queue_status(kube)["runtimes"] == learnt


async def test_past_use_is_on_record_where_it_counts(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("p", gpu=8))
    async with scheduler(kube, tmp_path, policy=Policy(past_use_weight=1.0), past_use_half_life=60.0):
        await until(lambda: queue_status(kube).get("pastUse"))
    entry = queue_status(kube)["pastUse"][0]
    assert entry["accelerator"] == "h100" and 0.0 < entry["amount"] <= 8.0


async def test_and_costs_no_write_where_it_does_not(kube: FakeKube, tmp_path: Path) -> None:
    kube.put(pod("p", gpu=8))
    async with scheduler(kube, tmp_path):
        await until(lambda: queue_status(kube).get("runningGroups") == 1)
    assert "pastUse" not in queue_status(kube)


# -- estimates of starts ------------------------------------------------------------------------------


def test_the_first_estimate_that_a_group_was_told_is_what_counts() -> None:
    outlook = Outlook(lambda group, now: now)

    def told(start: float | None) -> dict[str, float]:
        wait = Wait("g", Reason.DOES_NOT_FIT, "too little is free", start)
        outlook.take([wait], {}, 0.0)
        return outlook.first_estimates

    assert told(None) == {}
    assert told(100.0) == told(300.0) == told(None) == {"g": 100.0}
    outlook.take([], {}, 0.0)
    assert outlook.first_estimates == {}


async def test_how_far_it_was_from_the_real_start_is_measured(kube: FakeKube, tmp_path: Path) -> None:
    told: list[float] = []

    class Metrics(SchedulerMetrics):
        def estimate_off_by(self, seconds: float) -> None:
            told.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("powertrain_operator.placement.process.SchedulerMetrics", Metrics)
        async with scheduler(kube, tmp_path):
            for name in ("first", "next"):
                kube.put(pod_group(name, runtime={"expected": "30s"}))
                kube.put(pod(f"{name}-0", group=name, gpu=8, rank=0))
                await until(lambda name=name: status_of(kube, name).get("phase"))  # type: ignore[misc]
            await until(lambda: status_of(kube, "next").get("estimatedStart"))
            kube.change(PODS, "team", "first-0", {"status": {"phase": "Succeeded"}})
            await until(lambda: node_of(kube, "next-0"))
    assert len(told) == 1 and 0.0 <= told[0] <= 60.0
