"""Leader election with clocks that the tests move; each candidate has its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube, FakeTime
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.lease import LeaderElection
from powertrain_operator.kube.resources import LEASES
from powertrain_operator.kube.retry import Waiting

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def time() -> FakeTime:
    """Candidates sleep until the test lets time pass."""
    return FakeTime(auto=False)


@pytest.fixture
async def client(kube: FakeKube, tmp_path: Path) -> AsyncIterator[Client]:
    """Its own retries wait no time, so that only candidates are asleep."""
    async with Client.connect(kube.kubeconfig(tmp_path), waiting=FakeTime().waiting) as client:
        yield client


def candidate(
    client: Client, time: FakeTime, name: str, *, skew: float = 0.0, rate: float = 1.0
) -> LeaderElection:
    """Lease 15 s, renewal deadline 10 s, tries every 2 s; its clocks are `skew` seconds ahead and run at `rate`."""

    def clock() -> float:
        return time.now * rate + skew

    return LeaderElection(
        client,
        "system",
        "scheduler",
        name,
        waiting=Waiting(clock=clock, sleep=time.sleep, random=lambda: 0.0),
        now=lambda: EPOCH + timedelta(seconds=clock()),
    )


@asynccontextmanager
async def running(*candidates: LeaderElection) -> AsyncIterator[list[asyncio.Task[Any]]]:
    tasks = [asyncio.create_task(one.run()) for one in candidates]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def spec(kube: FakeKube) -> dict[str, Any]:
    lease = kube.object(LEASES, "system", "scheduler")
    assert lease is not None
    return dict(lease["spec"])


async def test_the_first_candidate_makes_the_lease_and_leads(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a = candidate(client, time, "a")
    assert not a.is_leader()
    async with running(a):
        await time.all_asleep(1)
        assert a.is_leader() and a.leading.is_set() and not a.lost.is_set()
        assert spec(kube) == {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-01-01T00:16:40.000000Z",
            "renewTime": "2026-01-01T00:16:40.000000Z",
            "leaseTransitions": 0,
        }


async def test_a_renewal_is_one_write_and_keeps_the_time_of_acquiring(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a = candidate(client, time, "a")
    async with running(a):
        await time.all_asleep(1)
        for _ in range(20):
            await time.advance(2, asleep=1)
            assert a.is_leader()
        now = spec(kube)
        assert (now["acquireTime"], now["renewTime"]) == (
            "2026-01-01T00:16:40.000000Z",
            "2026-01-01T00:17:20.000000Z",
        )
        assert now["leaseTransitions"] == 0
    assert [call.verb for call in kube.calls[:22]] == ["get", "create"] + 20 * ["update"]


async def test_only_one_of_two_leads(kube: FakeKube, client: Client, time: FakeTime) -> None:
    a, b = candidate(client, time, "a"), candidate(client, time, "b")
    async with running(a, b):
        await time.all_asleep(2)
        for _ in range(20):
            assert [a.is_leader(), b.is_leader()].count(True) == 1
            await time.advance(2, asleep=2)


async def test_a_clean_stop_hands_over_without_waiting_for_expiry(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a, b = candidate(client, time, "a"), candidate(client, time, "b")
    async with running(a) as tasks:
        await time.all_asleep(1)
        async with running(b):
            await time.all_asleep(2)
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert not a.is_leader() and not a.leading.is_set()
            assert spec(kube)["holderIdentity"] == ""
            await time.advance(2, asleep=1)
            assert b.is_leader()
            assert spec(kube)["leaseTransitions"] == 1


async def test_a_candidate_that_does_not_lead_releases_nothing(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a, b = candidate(client, time, "a"), candidate(client, time, "b")
    async with running(a):
        await time.all_asleep(1)
        async with running(b):
            await time.all_asleep(2)
        assert spec(kube)["holderIdentity"] == "a"


@pytest.mark.parametrize("skew", [-86400.0, 0.0, 86400.0])
async def test_a_dead_holders_lease_is_taken_when_it_has_not_changed_for_its_duration(
    kube: FakeKube, client: Client, time: FakeTime, skew: float
) -> None:
    """However wrong the clocks: a day ahead or behind makes no difference."""
    kube.put(
        {
            "kind": "Lease",
            "metadata": {"name": "scheduler", "namespace": "system"},
            "spec": {
                "holderIdentity": "dead",
                "leaseDurationSeconds": 15,
                "acquireTime": "2026-01-01T00:00:00.000000Z",
                "renewTime": "2026-01-01T00:16:40.000000Z",
                "leaseTransitions": 4,
            },
        }
    )
    b = candidate(client, time, "b", skew=skew)
    async with running(b):
        await time.all_asleep(1)
        for _ in range(7):
            assert not b.is_leader()
            await time.advance(2, asleep=1)
        assert not b.is_leader()
        await time.advance(2, asleep=1)
        assert b.is_leader()
        assert (spec(kube)["holderIdentity"], spec(kube)["leaseTransitions"]) == ("b", 5)


async def test_a_holder_that_renews_is_never_overtaken_by_a_candidate_with_a_fast_clock(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a, b = candidate(client, time, "a"), candidate(client, time, "b", skew=9e6, rate=3.0)
    async with running(a, b):
        await time.all_asleep(2)
        for _ in range(30):
            await time.advance(2, asleep=2)
            assert a.is_leader() and not b.is_leader()


async def test_a_holder_cut_off_stops_acting_before_another_may_start(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a, b = candidate(client, time, "a"), candidate(client, time, "b")
    async with running(a):
        await time.all_asleep(1)
        async with running(b):
            await time.all_asleep(2)
            kube.faults.fail("update", LEASES, status=503, times=10_000)
            was_b = False
            for second in range(1, 15):
                await time.advance(1, asleep=2)
                assert a.is_leader() == (second < 10)
                was_b = was_b or b.is_leader()
            assert not was_b
            assert a.lost.is_set() and not a.leading.is_set()
            kube.faults.clear()
            await time.advance(2, asleep=2)
            assert [a.is_leader(), b.is_leader()].count(True) == 1
            assert a.lost.is_set() != a.leading.is_set()


async def test_api_errors_are_survived_until_the_deadline(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a = candidate(client, time, "a")
    async with running(a):
        await time.all_asleep(1)
        kube.faults.fail("update", LEASES, status=500, times=10_000, message="no leader in etcd")
        for _ in range(3):
            await time.advance(2, asleep=1)
            assert a.is_leader() and a.leading.is_set()
        kube.faults.clear()
        await time.advance(2, asleep=1)
        await time.advance(8, asleep=1)
        assert a.is_leader() and not a.lost.is_set()


async def test_a_renewal_whose_answer_was_lost_is_no_loss(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    """The client repeats it and meets a conflict with itself."""
    a = candidate(client, time, "a")
    async with running(a):
        await time.all_asleep(1)
        kube.faults.reset("update", LEASES, after=True)
        await time.advance(2, asleep=1)
        await time.advance(8.5, asleep=1)
        assert a.is_leader() and not a.lost.is_set()
        assert spec(kube)["leaseTransitions"] == 0


async def test_leadership_ends_at_once_when_another_holds_the_lease(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a = candidate(client, time, "a")
    async with running(a):
        await time.all_asleep(1)
        kube.change(LEASES, "system", "scheduler", {"spec": {"holderIdentity": "usurper"}})
        await time.advance(2, asleep=1)
        assert not a.is_leader() and a.lost.is_set()
        assert spec(kube)["holderIdentity"] == "usurper"


async def test_a_lease_that_was_deleted_is_made_anew(kube: FakeKube, client: Client, time: FakeTime) -> None:
    a = candidate(client, time, "a")
    async with running(a):
        await time.all_asleep(1)
        kube.remove(LEASES, "system", "scheduler")
        await time.advance(2, asleep=1)
        assert a.is_leader()
        assert spec(kube)["holderIdentity"] == "a"


async def test_a_restart_under_the_same_name_leads_at_once(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with running(candidate(client, time, "a")) as tasks:
        await time.all_asleep(1)
        kube.faults.fail("update", LEASES, status=403, times=1)
        tasks[0].cancel()  # as if killed: the release does not get through
        await asyncio.gather(*tasks, return_exceptions=True)
    assert spec(kube)["holderIdentity"] == "a"
    again = candidate(client, time, "a")
    async with running(again):
        await time.all_asleep(1)
        assert again.is_leader()


async def test_labels_that_others_put_on_the_lease_stay(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    a = candidate(client, time, "a")
    async with running(a):
        await time.all_asleep(1)
        kube.change(LEASES, "system", "scheduler", {"metadata": {"labels": {"theirs": "x"}}})
        await time.advance(2, asleep=1)
        await time.advance(2, asleep=1)
    lease = kube.object(LEASES, "system", "scheduler")
    assert lease is not None and lease["metadata"]["labels"] == {"theirs": "x"}


async def test_a_renewal_that_hangs_does_not_prolong_leadership(kube: FakeKube, client: Client) -> None:
    """With the real clock: the request is given up at the deadline and `lost` is set."""
    a = LeaderElection(
        client, "system", "scheduler", "a", lease_seconds=1, renew_deadline=0.1, retry_seconds=0.02
    )
    async with running(a):
        async with asyncio.timeout(5):
            await a.leading.wait()
            gate = kube.faults.hold("update", LEASES)
            await a.lost.wait()
        assert not a.is_leader()
        gate.open()


async def test_times_that_would_let_two_lead_are_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="retry_seconds < renew_deadline < lease_seconds"):
        LeaderElection(client, "system", "scheduler", "a", lease_seconds=10, renew_deadline=10)
