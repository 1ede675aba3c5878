"""Faults on demand: the next requests that match fail, are cut, or wait."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from powertrain_operator.kube.resources import Resource


@dataclass
class Fault:
    """What happens to the requests that match; see `Faults` for how to ask for one."""

    verb: str | None
    plural: str | None
    name: str | None
    times: int
    skip: int = 0
    status: int = 0
    reason: str = ""
    message: str = ""
    retry_after: int | None = None
    reset: bool = False
    after: bool = False
    gate: "Gate | None" = None
    seen: int = 0

    def matches(self, verb: str, plural: str, name: str) -> bool:
        return (
            self.seen < self.skip + self.times
            and self.verb in (None, verb)
            and self.plural in (None, plural)
            and self.name in (None, name)
        )

    def body(self) -> dict[str, Any]:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": self.status}
        return status | {"reason": self.reason, "message": self.message or f"told to fail with {self.status}"}


@dataclass
class Gate:
    """Holds requests until opened: slowness without sleeping."""

    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self.opened.set()

    async def arrival(self) -> None:
        """Returns once per request that has come to the gate."""
        await self.arrived.acquire()

    async def wait(self) -> None:
        self.arrived.release()
        await self.opened.wait()


class Faults:
    """Verbs: get list watch create update apply patch delete bind. None matches all.

    `times` requests fail, after `skip` that pass. `after=True` does the work first and fails then: the
    client can't tell that it was done.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail(
        self,
        verb: str | None = None,
        resource: Resource | None = None,
        name: str | None = None,
        *,
        status: int,
        times: int = 1,
        skip: int = 0,
        reason: str = "",
        message: str = "",
        retry_after: int | None = None,
        after: bool = False,
    ) -> Fault:
        """Answer with that status."""
        plural = resource.plural if resource else None
        fault = Fault(verb, plural, name, times, skip, status, reason, message, retry_after, after=after)
        self._faults.append(fault)
        return fault

    def reset(
        self,
        verb: str | None = None,
        resource: Resource | None = None,
        name: str | None = None,
        *,
        times: int = 1,
        skip: int = 0,
        after: bool = False,
    ) -> Fault:
        """Cut the connection without an answer."""
        plural = resource.plural if resource else None
        fault = Fault(verb, plural, name, times, skip, reset=True, after=after)
        self._faults.append(fault)
        return fault

    def hold(
        self, verb: str | None = None, resource: Resource | None = None, name: str | None = None
    ) -> Gate:
        """Let the requests wait at a gate until it is opened."""
        gate = Gate()
        plural = resource.plural if resource else None
        self._faults.append(Fault(verb, plural, name, times=1_000_000, gate=gate))
        return gate

    def clear(self) -> None:
        self._faults.clear()

    def take(self, verb: str, plural: str, name: str) -> Fault | None:
        for fault in self._faults:
            if fault.matches(verb, plural, name):
                fault.seen += 1
                return fault if fault.seen > fault.skip else None
        return None
