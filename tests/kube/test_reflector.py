"""A reflector against every fault of lists and watches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakekube import FakeKube, FakeTime
from powertrain_operator.api.cluster import Pod
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.reflector import UNHURRIED, Pace, Reflector
from powertrain_operator.kube.resources import PODS, QUEUES
from powertrain_operator.kube.retry import RetryPolicy


def pod(name: str, color: str = "red", namespace: str = "ns") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"color": color}}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "c"}]}}


class Follower:
    """A running reflector and what it tells: `+a` new, `a:blue` changed to blue, `-a` gone."""

    def __init__(self, client: Client, time: FakeTime, pace: Pace, **selectors: str) -> None:
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.reflector = Reflector(
            client, PODS, Pod, on_change=self._heard, pace=pace, waiting=time.waiting, **selectors
        )

    def _heard(self, key: str, old: Pod | None, new: Pod | None) -> None:
        name = key.rpartition("/")[2]
        if new is None:
            self.words.put_nowait(f"-{name}")
        elif old is None:
            self.words.put_nowait(f"+{name}")
        else:
            self.words.put_nowait(f"{name}:{new.metadata.labels['color']}")

    async def hears(self, *expected: str) -> None:
        """The next words are these, and no other is waiting."""
        async with asyncio.timeout(5):
            assert [await self.words.get() for _ in expected] == list(expected)
        assert self.words.empty()


@asynccontextmanager
async def following(
    client: Client, time: FakeTime, pace: Pace = UNHURRIED, **selectors: str
) -> AsyncIterator[Follower]:
    follower = Follower(client, time, pace, **selectors)
    running = asyncio.create_task(follower.reflector.run())
    try:
        async with asyncio.timeout(5):
            await follower.reflector.synced.wait()
        yield follower
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


# --- the ordinary life


async def test_it_lists_in_pages_and_then_tells_each_change_in_order(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    for name in "abc":
        kube.put(pod(name))
    async with following(client, time, Pace(page=2)) as follower:
        await follower.hears("+a", "+b", "+c")
        await kube.watched()
        kube.put(pod("d"))
        kube.change(PODS, "ns", "a", {"metadata": {"labels": {"color": "blue"}}})
        kube.remove(PODS, "ns", "b")
        await follower.hears("+d", "a:blue", "-b")
        assert sorted(follower.reflector.store) == ["ns/a", "ns/c", "ns/d"]
    assert kube.count("list") == 2


async def test_changes_between_list_and_watch_are_not_missed(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    gate = kube.faults.hold("watch", PODS)
    async with following(client, time) as follower:
        await gate.arrival()
        kube.put(pod("a"))
        kube.remove(PODS, "ns", "a")
        kube.put(pod("b"))
        gate.open()
        await follower.hears("+a", "-a", "+b")


async def test_it_follows_one_namespace_and_what_matches_its_selectors(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    kube.put(pod("a"))
    kube.put(pod("other", color="blue"))
    kube.put(pod("far", namespace="elsewhere"))
    async with following(
        client, time, namespace="ns", labels="color=red", fields="spec.nodeName="
    ) as follower:
        await follower.hears("+a")
        await kube.watched()
        kube.change(PODS, "ns", "a", {"metadata": {"labels": {"color": "blue"}}})
        kube.change(PODS, "ns", "other", {"metadata": {"labels": {"color": "red"}}})
        kube.change(PODS, "ns", "other", {"spec": {"nodeName": "n1"}})
        await follower.hears("-a", "+other", "-other")


async def test_a_watch_that_ends_at_its_time_goes_on_where_it_was(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        kube.put(pod("a"))
        await follower.hears("+a")
        kube.end_watches()
        kube.put(pod("b"))
        await follower.hears("+b")
        assert time.slept == []
    assert kube.count("list") == 1


async def test_plain_dicts_can_be_followed(kube: FakeKube, client: Client, time: FakeTime) -> None:
    kube.put({"kind": "Queue", "metadata": {"name": "q"}, "spec": {"weight": 3}})
    reflector = Reflector(
        client, QUEUES, dict[str, Any], on_change=lambda *change: None, waiting=time.waiting
    )
    running = asyncio.create_task(reflector.run())
    await reflector.synced.wait()
    assert reflector.store["q"]["spec"] == {"weight": 3}
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


# --- 410 Gone


@pytest.mark.parametrize("by_event", [True, False])
async def test_a_version_too_old_is_listed_anew_and_told_as_differences(
    kube: FakeKube, client: Client, time: FakeTime, by_event: bool
) -> None:
    kube.gone_by_event = by_event
    for name in "abc":
        kube.put(pod(name))
    async with following(client, time) as follower:
        await follower.hears("+a", "+b", "+c")
        await kube.watched()
        gate = kube.faults.hold("watch", PODS)
        kube.cut_watches()
        await gate.arrival()
        kube.remove(PODS, "ns", "a")
        kube.change(PODS, "ns", "b", {"metadata": {"labels": {"color": "blue"}}})
        kube.remove(PODS, "ns", "c")
        kube.put(pod("c"))
        kube.put(pod("d"))
        kube.compact()
        gate.open()
        await follower.hears("-a", "b:blue", "-c", "+c", "+d")
        kube.faults.clear()
        await until(lambda: follower.reflector.trouble is None)
    assert kube.count("list") == 2


async def test_pages_that_expire_half_way_are_fetched_all_at_once(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    for name in "abc":
        kube.put(pod(name))
    kube.faults.fail("list", PODS, status=410, reason="Expired", skip=1)
    async with following(client, time, Pace(page=2)) as follower:
        await follower.hears("+a", "+b", "+c")
    assert [call.query.get("limit") for call in kube.calls if call.verb == "list"] == ["2", "2", "0"]


async def test_bookmarks_spare_a_quiet_watch_from_listing_anew(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        kube.put({"kind": "Node", "metadata": {"name": "n"}})
        kube.bookmark()
        kube.compact()
        kube.end_watches()
        await until(lambda: kube.count("watch") == 2)
        await kube.watched()
        kube.put(pod("a"))
        await follower.hears("+a")
    assert kube.count("list") == 1


async def test_a_store_set_back_to_before_our_version_is_listed_anew(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    kube.faults.fail("watch", PODS, status=504, message="Too large resource version: 1001, current: 7")
    async with following(client, time):
        await kube.watched()
    assert kube.count("list") == 2


# --- cut, silent and broken streams


async def test_a_line_cut_in_half_comes_again_whole(kube: FakeKube, client: Client, time: FakeTime) -> None:
    kube.put(pod("a"))
    async with following(client, time) as follower:
        await follower.hears("+a")
        await kube.watched()
        kube.cut_watches(half_line=b'{"type":"MODIFIED","object":{"metadata":{"name":"a","namesp')
        kube.change(PODS, "ns", "a", {"metadata": {"labels": {"color": "blue"}}})
        await follower.hears("a:blue")
    assert kube.count("list") == 1


async def test_a_line_that_is_not_json_is_taken_for_a_cut(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        kube.send_raw(b'{"type":"ADDED","object":{"metadata":}\n')
        await until(lambda: kube.count("watch") == 2)
        await kube.watched()
        kube.put(pod("a"))
        await follower.hears("+a")
    assert kube.count("list") == 1


async def test_a_silent_watch_is_taken_for_dead(kube: FakeKube, client: Client, time: FakeTime) -> None:
    async with following(client, time, replace(UNHURRIED, silence=0.03)) as follower:
        await until(lambda: kube.count("watch") >= 2)
        kube.put(pod("a"))
        await follower.hears("+a")
    assert kube.count("list") == 1


async def test_an_error_event_is_waited_out_and_the_watch_goes_on(
    kube: FakeKube, client: Client, time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        kube.send(
            "ERROR", {"kind": "Status", "code": 500, "reason": "InternalError", "message": "etcd sulks"}
        )
        await until(lambda: kube.count("watch") == 2)
        kube.put(pod("a"))
        await follower.hears("+a")
    assert "pods: etcd sulks (500 InternalError)" in caplog.text
    assert kube.count("list") == 1


async def test_an_object_it_cannot_read_stays_as_it_was_and_holds_up_no_other(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    kube.put(pod("odd"))
    async with following(client, time) as follower:
        await follower.hears("+odd")
        await kube.watched()
        kube.change(PODS, "ns", "odd", {"spec": {"priority": "high"}})
        kube.put(pod("a"))
        await follower.hears("+a")
        kube.compact()
        kube.send("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
        await until(lambda: kube.count("list") == 2)
        await kube.watched()
        kube.change(PODS, "ns", "odd", {"spec": {"priority": 5}, "metadata": {"labels": {"color": "blue"}}})
        await follower.hears("odd:blue")


# --- repeated and disordered events


async def test_repeated_and_late_events_are_told_once(kube: FakeKube, client: Client, time: FakeTime) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        first = kube.put(pod("a"))
        second = kube.change(PODS, "ns", "a", {"metadata": {"labels": {"color": "blue"}}})
        kube.send("MODIFIED", second)
        kube.send("ADDED", first)
        gone = dict(second, metadata=second["metadata"] | {"resourceVersion": "999999"})
        kube.send("DELETED", gone)
        kube.send("DELETED", gone)
        kube.send("MODIFIED", second)
        kube.put(pod("b"))
        await follower.hears("+a", "a:blue", "-a", "+b")


async def test_a_late_event_does_not_take_the_watch_back(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        first = kube.put(pod("a"))
        kube.put(pod("b"))
        kube.send("ADDED", first)
        await follower.hears("+a", "+b")
        kube.end_watches()
        await until(lambda: kube.count("watch") == 2)
        since = [call.query["resourceVersion"] for call in kube.calls if call.verb == "watch"]
        b = kube.object(PODS, "ns", "b")
        assert b is not None and since[1] == b["metadata"]["resourceVersion"]


# --- an API server that is away or refuses


async def test_failures_in_a_row_are_waited_out_longer_and_longer(
    kube: FakeKube, time: FakeTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kube.faults.fail("list", PODS, status=503, message="starting", times=12)
    once = RetryPolicy(attempts=1)
    async with (
        Client.connect(kube.kubeconfig(tmp_path), retry=once, waiting=time.waiting) as client,
        following(client, time, Pace(first_wait=0.1, longest_wait=30.0)) as follower,
    ):
        await kube.watched()
        await until(lambda: follower.reflector.trouble is None)
    full = [slept / 0.75 for slept in time.slept]
    assert full[:4] == [pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.4), pytest.approx(0.8)]
    assert full[9:] == [pytest.approx(30.0)] * 3
    assert caplog.text.count("pods: starting (503") == 1


async def test_it_waits_as_long_as_the_server_asks(kube: FakeKube, client: Client, time: FakeTime) -> None:
    kube.faults.fail("list", PODS, status=429, retry_after=45)
    async with following(client, time):
        assert time.slept == [45.0]


async def test_a_kind_that_is_not_served_yet_is_followed_once_it_is(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    kube.faults.fail("list", PODS, status=404, message="the server could not find the resource", times=3)
    kube.put(pod("a"))
    async with following(client, time) as follower:
        await follower.hears("+a")


async def test_a_watch_that_ends_at_once_is_not_opened_in_a_tight_loop(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with following(client, time):
        for opened in range(1, 5):
            await until(lambda opened=opened: kube.count("watch") == opened)
            await kube.watched()
            kube.end_watches()
        await until(lambda: kube.count("watch") == 5)
    assert [slept / 0.75 for slept in time.slept] == [pytest.approx(0.1 * 2**n) for n in range(4)]


@pytest.mark.parametrize("code", [410, 500])
async def test_a_server_that_opens_watches_only_to_fail_them_is_not_overrun(
    kube: FakeKube, client: Client, time: FakeTime, code: int
) -> None:
    async with following(client, time):
        for opened in range(1, 5):
            await kube.watched()
            kube.send("ERROR", {"kind": "Status", "code": code, "reason": "Expired", "message": "no"})
            await until(lambda opened=opened: len(time.slept) == opened)
            await until(lambda opened=opened: kube.count("watch") == opened + 1)
    assert [slept / 0.75 for slept in time.slept] == [pytest.approx(0.1 * 2**n) for n in range(4)]


async def test_what_is_wrong_is_told_until_it_is_well_again(
    kube: FakeKube, client: Client, time: FakeTime
) -> None:
    async with following(client, time) as follower:
        await kube.watched()
        assert follower.reflector.trouble is None
        kube.faults.fail("watch", PODS, status=403, message="pods is forbidden", times=1)
        gate = kube.faults.hold("watch", PODS)
        kube.cut_watches()
        await gate.arrival()
        assert follower.reflector.trouble == "pods is forbidden (403 Forbidden)"
        gate.open()
        await until(lambda: follower.reflector.trouble is None)


async def test_an_expired_token_is_renewed_for_the_watch(
    kube: FakeKube, time: FakeTime, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(kube.token)
    config = Path(kube.kubeconfig(tmp_path))
    config.write_text(config.read_text().replace(f'"token": "{kube.token}"', '"tokenFile": "token"'))
    async with (
        Client.connect(str(config), waiting=time.waiting) as client,
        following(client, time) as follower,
    ):
        await kube.watched()
        kube.token = "rotated"
        (tmp_path / "token").write_text("rotated")
        kube.cut_watches()
        kube.put(pod("a"))
        await follower.hears("+a")
