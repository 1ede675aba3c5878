"""Keeps the energy ledger, and the statuses of pools and queues, by the second and not by the event."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from powertrain_scheduler.power.model import pool_watts
from powertrain_scheduler.snapshot import Snapshot

from powertrain_operator.energy.ledger import Ledger
from powertrain_operator.kube.errors import ApiError
from powertrain_operator.kube.resources import ACCELERATORPOOLS, QUEUES, Resource

from .cache import Cache
from .execute.writes import Fenced, Writes
from .experience import Experience
from .names import ObjectName
from .outlook import Outlook
from .past_use import PastUse
from .status import pools, queues
from .status.condition import with_condition
from .timing import Timing
from .translate import views
from .watches import Watches

_log = logging.getLogger(__name__)

Status = dict[str, Any]
Told = views.Queue | views.AcceleratorPool
ROUND = 1.0
"""Seconds between two readings of the ledger."""
STATUS_SECONDS = 3.0
"""At least so long between two looks at all statuses."""
LOOKS_PER_COST = 30.0
"""And at least so many times what the last look took: it goes over every group."""
METERS = ("watts", "kilowattHours")
METER_SECONDS = 10.0
"""At least so long between writes that bring nothing but other meter readings."""
PAST_USE_SECONDS = 60.0
"""The same for averages over hours."""


class Bookkeeper:
    """Reads the meters and writes what changed, a few requests at a time."""

    def __init__(
        self,
        writes: Writes,
        cache: Cache,
        outlook: Outlook,
        watches: Watches,
        ledger: Ledger,
        timing: Timing,
        half_life: float | None = None,
    ) -> None:
        """`half_life` of queues' past use, in seconds; None: it is not counted."""
        self._writes = writes
        self._cache = cache
        self._outlook = outlook
        self._watches = watches
        self._ledger = ledger
        self._timing = timing
        self._written: dict[str, Status] = {}
        """By the object's uid, like the next."""
        self._at: dict[str, float] = {}
        self._experience, self._past_use = Experience(), PastUse(half_life) if half_life else None
        self._of: Snapshot | None = None
        self._watts: dict[str, float] = {}

    async def run(self) -> None:
        """Keep the books for as long as we lead."""
        look_at = self._timing.monotonic()
        while True:
            self.read_meters()
            self.learn()
            began = self._timing.monotonic()
            if began >= look_at:
                statuses = self._statuses()
                took = self._timing.monotonic() - began
                look_at = began + max(STATUS_SECONDS, LOOKS_PER_COST * took)
                await self._write(statuses, last=False)
            await self._timing.sleep(ROUND)

    async def close(self) -> None:
        """Write everything as it stands, the meter readings too."""
        self.read_meters()
        await self._write(self._statuses(), last=True)

    def read_meters(self) -> None:
        """Charge the pools for the time since the last reading."""
        snapshot = self._cache.snapshot()
        if snapshot is not self._of:
            self._of, self._watts = snapshot, pool_watts(snapshot)
        self._ledger.read(self._watts, self._on_record())

    def learn(self) -> None:
        """Take in what has ended since the last time, and tell the cache what that says of estimates."""
        ended, self._cache.groups.ended = self._cache.groups.ended, []
        for name, view in self._watches.queues.items():
            self._experience.recall(name, view.status.get("runtimes", ()))
        for run in ended:
            self._experience.note(run, self._timing.now())
        if (news := self._experience.news()) is not None:
            self._cache.learnt(news)

    def _statuses(self) -> list[tuple[Resource, Told, Status]]:
        """What every pool and queue should say."""
        snapshot = self._cache.snapshot()
        objects = self._watches.queues
        generations = {name: view.metadata.generation for name, view in objects.items()}
        told = queues.statuses(snapshot, self._outlook.waiting, generations)
        self._remember(told)
        found: list[tuple[Resource, Told, Status]] = []
        found += [(ACCELERATORPOOLS, *each) for each in self._pool_statuses(snapshot)]
        return found + [(QUEUES, objects[name], status) for name, status in told.items()]

    def _remember(self, told: Mapping[str, Status]) -> None:
        """Add to the queues' statuses what only time can tell."""
        if self._past_use is not None:
            for name in told:
                self._past_use.recall(name, self._watches.queues[name].status.get("pastUse", ()))
            held = {
                name: {each["accelerator"]: each["used"] for each in status["usage"]}
                for name, status in told.items()
            }
            self._past_use.read(held, self._timing.now())
        for name, status in told.items():
            if entries := self._experience.entries(name):
                status["runtimes"] = entries
            if self._past_use is not None:
                status["pastUse"] = self._past_use.entries(name)

    def _on_record(self) -> Mapping[str, float]:
        return {
            name: float(view.status.get("kilowattHours", 0.0)) for name, view in self._watches.pools.items()
        }

    def _pool_statuses(self, snapshot: Snapshot) -> Iterator[tuple[Told, Status]]:
        objects = self._watches.pools
        for reading in pools.readings(snapshot, self._ledger.accounts):
            if (view := objects.get(reading.pool)) is not None:
                taken = self._cache.nodes.taken.get(reading.pool, 0)
                yield view, pools.status(reading, snapshot, taken, view.metadata.generation)
        for name, trouble in self._cache.pool_troubles.items():
            if (view := objects.get(name)) is not None:
                yield view, pools.broken(trouble, view.status, view.metadata.generation)

    async def _write(self, statuses: Iterable[tuple[Resource, Told, Status]], *, last: bool) -> None:
        """Write those that differ; meter readings alone only now and then, or if it is the last time."""
        for resource, view, status in statuses:
            await self._put(resource, view, status, last)

    async def _put(self, resource: Resource, view: Told, status: Status, last: bool) -> None:
        """Write one object's status if it says anything new."""
        name, key = view.metadata.name, view.metadata.uid
        before = self._written.get(key) or view.status
        now = self._timing.monotonic()
        differs = {field for field in status if status[field] != before.get(field)}
        if not differs:
            return
        rest = PAST_USE_SECONDS if differs == {"pastUse"} else METER_SECONDS
        if differs <= {*METERS, "pastUse"} and not last and now - self._at.get(key, -rest) < rest:
            return
        conditions = before.get("conditions", ())
        whole = with_condition(status, "Ready", status["phase"] == "Ready", conditions, self._timing.now())
        try:
            await self._writes.put_status(resource, ObjectName("", name), whole)
        except (ApiError, Fenced) as failure:
            _log.warning("the status of %s %s was not written: %s", resource.kind, name, failure)
            return
        self._written[key] = whole
        self._at[key] = now
