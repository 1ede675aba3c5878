"""The placement process against a fake API server, in time that runs twenty times as fast."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fakekube import FakeKube
from placement.builders import Json
from powertrain_operator.kube.resources import PODGROUPS, PODS
from powertrain_operator.placement.process import SchedulerOptions, run_scheduler
from powertrain_operator.placement.timing import Timing

PACE = 20.0
PATIENCE = 20.0
"""Real seconds after which something that should have happened is taken not to."""


class Hurried(Timing):
    """Twenty seconds pass in one."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._wall = time.time()

    def now(self) -> float:
        return self._wall + (time.monotonic() - self._began) * PACE

    def monotonic(self) -> float:
        return self._began + (time.monotonic() - self._began) * PACE

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / PACE)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await super().wait(event, None if seconds is None else seconds / PACE)


class Scheduler:
    """One placement process under test."""

    def __init__(self, kube: FakeKube, task: "asyncio.Task[None]") -> None:
        self._kube = kube
        self._task = task

    async def stop(self) -> None:
        """A clean stop."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def crash(self) -> None:
        """An end of which the API server hears nothing: no request of its last moments arrives."""
        self._kube.faults.reset(times=1_000_000)
        await self.stop()
        self._kube.faults.clear()


@asynccontextmanager
async def scheduler(kube: FakeKube, directory: Path, **options: Any) -> AsyncIterator[Scheduler]:
    """A running placement process, stopped at the end if it still runs."""
    chosen = {
        "listen": None,
        "timing": Hurried(),
        "lease_seconds": 2,
        "renew_deadline": 1.0,
        "retry_seconds": 0.1,
        "identity": "one",
    } | options
    main = run_scheduler(SchedulerOptions(kubeconfig=kube.kubeconfig(directory), **chosen))
    running = Scheduler(kube, asyncio.create_task(main))
    try:
        yield running
    finally:
        await running.stop()


async def until(condition: Callable[[], Any]) -> None:
    """Returns as soon as the condition holds; fails where it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.005)


def node_of(kube: FakeKube, name: str, namespace: str = "team") -> str:
    """The pod's node; empty where it has none or is not there."""
    found = kube.object(PODS, namespace, name)
    return str(found["spec"].get("nodeName", "")) if found else ""


def status_of(kube: FakeKube, group: str, namespace: str = "team") -> Json:
    """The PodGroup's status, empty where nothing was ever written."""
    found = kube.object(PODGROUPS, namespace, group)
    status: Json = (found or {}).get("status", {})
    return status


def binds_of(kube: FakeKube, name: str) -> list[str]:
    """Nodes that the pod was sent to, in order."""
    return [call.body["target"]["name"] for call in kube.calls if call.verb == "bind" and call.name == name]
