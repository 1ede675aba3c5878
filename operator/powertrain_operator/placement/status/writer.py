"""Writes PodGroup statuses: one request where something happened, none where only time passed.

A group whose bindings are under way is not looked at until they have ended, so a gang that is placed
at once costs one write. The view that the watch gives may be older than what was just written; what
was written counts until the watch has shown it.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

from powertrain_scheduler.plan import Lost
from powertrain_scheduler.snapshot import PodGroup

from powertrain_operator.api.cluster import Evicted, PodGroupView
from powertrain_operator.kube.errors import ApiError, NotFound
from powertrain_operator.kube.resources import PODGROUPS

from .. import names
from ..cache import Cache
from ..execute.evictor import Eviction, Release
from ..execute.writes import Fenced, Writes
from ..outlook import Difference, Outlook, Waiting
from ..timing import Timing
from . import podgroup
from .agenda import Agenda
from .podgroup import Status, Told, Urgency

_log = logging.getLogger(__name__)

SOON = 0.1
"""Seconds from a change to its write: what changes together is written together."""
WAITING_FOR_PODS = 2.0
"""Before a group is told that its pods are missing: they are usually just being made."""
SELDOM = 15.0
"""At least so long between writes that bring nothing but other numbers."""
AFTER_FAILURE = 5.0


class StatusWriter:
    """Keeps the statuses of all PodGroups as they should be."""

    def __init__(
        self,
        writes: Writes,
        cache: Cache,
        outlook: Outlook,
        views: Mapping[str, PodGroupView],
        under_way: Collection[str],
        timing: Timing,
    ) -> None:
        self.notes: dict[str, str] = {}
        """What happened to a group, told with its status until it has all its nodes."""
        self.lost: dict[str, Lost] = {}
        """Groups with members on nodes that no longer report."""
        self._writes = writes
        self._cache = cache
        self._outlook = outlook
        self._views = views
        self._under_way = under_way
        self._timing = timing
        self._agenda = Agenda(timing)
        self._evicted: dict[str, Evicted] = {}
        self._written: dict[str, Status] = {}
        self._last: dict[str, float] = {}
        self._busy: set[str] = set()

    def changed(self, touched: AbstractSet[str], difference: Difference) -> None:
        """Look at what a cycle touched."""
        for group in touched | difference.urgent:
            self.look(group)
        for group in difference.slight:
            self._put(group, SELDOM)

    def look(self, group: str) -> None:
        """The group changed: see soon whether its status is still right."""
        waiting = self._outlook.waiting.get(group)
        patient = waiting is not None and waiting.reason == "WaitingForPods"
        self._put(group, WAITING_FOR_PODS if patient else SOON)

    def seen(self, group: str, view: PodGroupView | None) -> None:
        """The watch showed the object."""
        if view is None:
            for table in (self._evicted, self._written, self._last, self.notes):
                table.pop(group, None)
            self._agenda.drop(group)
        elif group in self._written and self._written[group] == podgroup.known(view):
            del self._written[group]

    async def tell_evicted(self, eviction: Eviction) -> None:
        """Write at once that the group loses its nodes, and to whom. Raises ApiError or Fenced."""
        now = self._timing.now()
        when = datetime.fromtimestamp(now // 1, UTC)
        for_group = "/".join(names.split(eviction.for_group))
        self._evicted[eviction.group] = Evicted(for_group, eviction.reason, when)
        await self._write(eviction.group, Waiting(eviction.reason, eviction.message, now), insist=True)

    async def tell_released(self, release: Release) -> None:
        """Write at once that the gang's pods are deleted, and why. Raises ApiError or Fenced."""
        self.notes[release.group] = release.message
        await self._write(release.group, self._outlook.waiting.get(release.group), insist=True)

    async def run(self, workers: int) -> None:
        """Write for as long as we lead."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    def _put(self, group: str, after: float) -> None:
        if not names.is_alone(group) and group in self._views:
            self._agenda.put(group, after)

    async def _work(self) -> None:
        while True:
            group = await self._agenda.take()
            if group in self._under_way:
                continue  # it comes up again when its bindings have ended
            if group in self._busy:
                self._agenda.put(group, SOON)
                continue
            self._busy.add(group)
            try:
                await self._write(group, self._outlook.waiting.get(group), insist=False)
            except NotFound:
                pass  # it was deleted, as the watch is about to say
            except (ApiError, Fenced) as failure:
                _log.warning("the status of PodGroup %s was not written: %s", group, failure)
                self._agenda.put(group, AFTER_FAILURE)
            finally:
                self._busy.discard(group)

    async def _write(self, group: str, waiting: Waiting | None, *, insist: bool) -> None:
        """Write the status if that is worth a request now; otherwise look again when it will be.

        With `insist` any difference is worth one.
        """
        view = self._views.get(group)
        if view is None:
            return
        before = self._written.get(group) or podgroup.known(view)
        after = self._wanted(group, view, waiting)
        if after is None:
            return
        after = podgroup.steadied(before, after, self._timing.now())
        urgency = podgroup.urgency(before, after)
        rest = self._last.get(group, 0.0) + SELDOM - self._timing.monotonic()
        if urgency is Urgency.NONE:
            return
        if urgency is Urgency.SLIGHT and rest > 0 and group in self._last and not insist:
            self._agenda.put(group, rest)
            return
        await self._writes.put_status(PODGROUPS, names.split(group), after)
        self._last[group] = self._timing.monotonic()
        self._written[group] = podgroup.comparable(after)

    def _wanted(self, group: str, view: PodGroupView, waiting: Waiting | None) -> Status | None:
        core = self._cache.group(group)
        if core is None:  # kept from the core, holding nothing
            core = PodGroup(group, view.spec.queue, view.spec.min_member, created=0.0)
        evicted = self._evicted.get(group) or view.status.evicted
        told = Told(waiting, evicted, self.notes.get(group, ""), self.lost.get(group))
        return podgroup.wanted(view, core, told, self._timing.now())
