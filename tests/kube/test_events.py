import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from fakekube import FakeKube, FakeTime, Json
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.events import EventRecorder, ObjectRef
from powertrain_operator.kube.resources import EVENTS

JOB = ObjectRef("powertrain.dev/v1alpha1", "TrainingJob", "team", "llm", "uid-1")
POOL = ObjectRef("powertrain.dev/v1alpha1", "AcceleratorPool", "", "h100", "uid-2")


@asynccontextmanager
async def recording(client: Client, time: FakeTime, capacity: int = 1000) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(
        client,
        "scheduler",
        instance="host-1",
        window=600,
        capacity=capacity,
        waiting=time.waiting,
        now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    running = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def events(kube: FakeKube) -> list[Json]:
    return kube.objects(EVENTS)


async def test_an_event_says_who_says_what_about_which_object(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        recorder.record(JOB, "Normal", "Placed", "32 devices on 4 nodes in rack r1")
        await recorder.flush()
    (event,) = events(kube)
    assert event["metadata"]["namespace"] == "team"
    assert event["metadata"]["name"].startswith("llm.")
    del event["metadata"]
    assert event == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "eventTime": "2026-01-02T03:04:05.000000Z",
        "reportingController": "powertrain.dev/scheduler",
        "reportingInstance": "host-1",
        "action": "Placed",
        "reason": "Placed",
        "type": "Normal",
        "note": "32 devices on 4 nodes in rack r1",
        "regarding": {
            "apiVersion": "powertrain.dev/v1alpha1",
            "kind": "TrainingJob",
            "name": "llm",
            "namespace": "team",
            "uid": "uid-1",
        },
    }


async def test_a_cluster_wide_objects_event_is_in_the_default_namespace(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        recorder.record(POOL, "Warning", "UnknownAccelerator", "h1000 is in no catalogue")
        await recorder.flush()
    (event,) = events(kube)
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["regarding"]


async def test_repetitions_are_counted_in_a_series_and_written_ever_more_rarely(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        for _ in range(1000):
            recorder.record(JOB, "Warning", "GangDoesNotFit", "needs 4 nodes")
            await recorder.flush()
    (event,) = events(kube)
    assert event["series"] == {"count": 512, "lastObservedTime": "2026-01-02T03:04:05.000000Z"}
    assert len(kube.calls) == 10


async def test_another_message_reason_or_object_is_another_event(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        recorder.record(JOB, "Warning", "GangDoesNotFit", "needs 4 nodes")
        recorder.record(JOB, "Warning", "GangDoesNotFit", "needs 3 nodes")
        recorder.record(JOB, "Warning", "QuotaExceeded", "needs 4 nodes")
        recorder.record(POOL, "Warning", "GangDoesNotFit", "needs 4 nodes")
        await recorder.flush()
    assert len(events(kube)) == 4


async def test_after_the_window_the_same_is_news_again(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        recorder.record(JOB, "Normal", "Placed", "m")
        time.now += 599
        recorder.record(JOB, "Normal", "Placed", "m")
        time.now += 2
        recorder.record(JOB, "Normal", "Placed", "m")
        await recorder.flush()
    assert sorted(event.get("series", {}).get("count", 1) for event in events(kube)) == [1, 2]


async def test_a_series_whose_event_has_expired_begins_a_new_one(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        recorder.record(JOB, "Normal", "Placed", "m")
        await recorder.flush()
        kube.remove(EVENTS, "team", events(kube)[0]["metadata"]["name"])
        recorder.record(JOB, "Normal", "Placed", "m")
        await recorder.flush()
    assert len(events(kube)) == 1


async def test_a_full_queue_drops_and_never_blocks(
    kube: FakeKube, client: Client, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    gate = kube.faults.hold("create", EVENTS)
    async with recording(client, time, capacity=2) as recorder:
        recorder.record(JOB, "Normal", "Step", "0")
        await gate.arrival()
        for number in range(1, 6):
            recorder.record(JOB, "Normal", "Step", str(number))
        assert recorder.dropped == 3
        gate.open()
        await recorder.flush()
        recorder.record(JOB, "Normal", "Step", "5")
        await recorder.flush()
    assert sorted(event["note"] for event in events(kube)) == ["0", "1", "2", "5"]
    assert "events come faster than they are written: 1 dropped so far" in caplog.text


async def test_an_event_that_is_refused_is_logged_and_holds_up_no_other(
    kube: FakeKube, client: Client, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    kube.faults.fail("create", EVENTS, status=403, message="namespace is being terminated")
    async with recording(client, time) as recorder:
        recorder.record(JOB, "Normal", "Placed", "m")
        recorder.record(POOL, "Normal", "Ready", "m")
        await recorder.flush()
    assert [event["reason"] for event in events(kube)] == ["Ready"]
    assert "event Placed about TrainingJob team/llm was not written: namespace is being" in caplog.text


async def test_a_message_beyond_the_apis_limit_is_cut_between_characters(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with recording(client, time) as recorder:
        recorder.record(JOB, "Normal", "Long", "a" + "ä" * 1000)
        await recorder.flush()
    note = events(kube)[0]["note"]
    assert len(note.encode()) == 1023 and set(note[1:]) == {"ä"}
