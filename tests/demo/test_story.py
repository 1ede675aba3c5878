"""When an act of the demo has come to its end, and when it has not."""

from datetime import UTC, datetime

import pytest
from demo import story
from demo.world import TookTooLong, World
from demoworld import job, node, pod, world

SOON = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_job_is_ready_when_all_its_workers_are() -> None:
    assert story.all_ready(world([job("llama", workers="4/4")], [], []), "llama")
    assert not story.all_ready(world([job("llama", workers="3/4")], [], []), "llama")
    assert not story.all_ready(world([job("llama", "Starting", workers="4/4")], [], []), "llama")
    assert not story.all_ready(world([], [], []), "llama")


def test_a_job_over_two_racks_is_not_in_one_rack() -> None:
    nodes = [node("h100-0", "r0"), node("h100-1", "r1")]
    pods = [pod("llama", rank, each.metadata.name) for rank, each in enumerate(nodes)]
    seen = world([job("llama")], pods, nodes)
    assert not story.in_one("rack", seen, "llama")
    assert story.in_one("block", seen, "llama")


def test_a_job_without_pods_is_in_no_rack() -> None:
    assert not story.in_one("rack", world([job("llama")], [], []), "llama")


@pytest.mark.parametrize(
    ("phase", "message", "start", "enough"),
    [
        ("Queued", "needs 8 workers in one block", SOON, True),
        ("Queued", "", SOON, False),
        ("Queued", "needs 8 workers in one block", None, False),
        ("Running", "needs 8 workers in one block", SOON, False),
    ],
)
def test_a_waiting_job_must_say_why_and_when(
    phase: str, message: str, start: datetime | None, enough: bool
) -> None:
    waiting = job("large", phase, message=message, estimatedStart=start.isoformat() if start else None)
    assert story.waits_with_reasons(world([waiting], [], []), "large") is enough


@pytest.mark.parametrize(
    ("phase", "reason", "message", "enough"),
    [
        ("Queued", "Reserved", "would fit now, but", True),
        ("Queued", "DoesNotFit", "needs 3 x 8", False),
        ("Queued", "Reserved", "", False),
        ("Running", "Reserved", "would fit now, but", False),
    ],
)
def test_a_job_kept_back_by_a_reservation_must_say_so(
    phase: str, reason: str, message: str, enough: bool
) -> None:
    kept = job("sweep", phase, reason=reason, message=message)
    assert story.waits_for(world([kept], [], []), "sweep", "Reserved") is enough


async def test_waiting_ends_with_a_sentence_when_its_time_is_over() -> None:
    with pytest.raises(TookTooLong, match="llama runs: not within 0 s"):
        await World().until(lambda _: False, 0.0, "llama runs", lambda: None)


async def test_waiting_ends_early_when_powertrain_has_died() -> None:
    def died() -> None:
        raise ChildProcessError("powertrain ended with status 1")

    with pytest.raises(ChildProcessError):
        await World().until(lambda _: False, 60.0, "llama runs", died)


def test_every_manifest_of_the_acts_is_there() -> None:
    paths = [*story.FLEET, *(path for act in story.ACTS for path in act.manifests)]
    assert [path for path in paths if not path.is_file()] == []
