"""One term of leadership: all that acts, made when the lease is won and cancelled when it is lost.

cycle ──> plan ──┬─ binds ──> Binder ──────> settled: the group's status
                 ├─ evicts ─> Evictor ─────> the owner is told, then the pods
                 └─ waits ──> Outlook ─────> StatusWriter, Conditions
each second: Janitor (what must not stay), Bookkeeper (meters, pools, queues)
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable

from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy

from powertrain_operator.api.names import API_VERSION, SCHEDULER_NAME
from powertrain_operator.energy.ledger import Ledger
from powertrain_operator.kube.errors import ApiError
from powertrain_operator.kube.events import EventRecorder, ObjectRef
from powertrain_operator.telemetry.metrics import PoolReading, SchedulerMetrics
from powertrain_operator.telemetry.metrics import Waiting as WaitingGroup

from . import names
from .bookkeeper import Bookkeeper
from .cache import Cache
from .execute.binder import Binder
from .execute.evictor import Eviction, Evictor, Release
from .execute.writes import Writes
from .janitor import Janitor
from .loop import Loop
from .outlook import Outlook
from .status import podgroup, pools
from .status.conditions import Conditions
from .status.writer import StatusWriter
from .timing import Timing
from .translate.views import Pod
from .watches import Watches

_log = logging.getLogger(__name__)

BINDINGS_AT_ONCE = 32
EVICTIONS_AT_ONCE = 16
STATUSES_AT_ONCE = 4
WIND_UP_SECONDS = 5.0
"""Longest that a clean stop waits for bindings under way."""
CATCH_UP_SECONDS = 10.0
"""Longest wait for the watches to show what the leader before us wrote last."""


class Term:
    """Everything that acts while we lead."""

    def __init__(
        self,
        writes: Writes,
        cache: Cache,
        watches: Watches,
        events: EventRecorder,
        metrics: SchedulerMetrics,
        policy: Policy,
        gang_seconds: float,
        timing: Timing,
        past_use_half_life: float,
    ) -> None:
        self._writes = writes
        self._cache = cache
        self._watches = watches
        self._events = events
        self._metrics = metrics
        self._timing = timing
        self._outlook = Outlook(self._waiting_since)
        self._ledger = Ledger(timing.monotonic)
        self._binder = Binder(writes, cache, metrics, self._settled, timing)
        under_way = self._binder.under_way
        self._statuses = StatusWriter(writes, cache, self._outlook, watches.groups, under_way, timing)
        self._conditions = Conditions(writes, cache, self._outlook, watches.groups.__contains__, timing)
        self._evictor = Evictor(writes, cache, metrics, self._tell_evicted)
        self._janitor = Janitor(
            writes, cache, self._outlook, under_way, self._tell_released, gang_seconds, timing
        )
        half_life = past_use_half_life if policy.past_use_weight else None
        self._bookkeeper = Bookkeeper(writes, cache, self._outlook, watches, self._ledger, timing, half_life)
        self._loop = Loop(cache, policy, self._carry_out, writes.leads, metrics, timing)

    async def run(self) -> None:
        """Act until cancelled; what was decided and not done is forgotten then."""
        try:
            await self._catch_up()
            self._attach()
            async with asyncio.TaskGroup() as group:
                for work in self._works():
                    group.create_task(work)
        finally:
            self._detach()
            self._cache.forget_all()

    async def wind_up(self) -> None:
        """End the term well, while `run` still runs and we still lead: decide nothing more, let bindings
        under way end, so that no gang is left bound in part, and write the meter readings."""
        self._loop.stop()
        until = self._timing.monotonic() + WIND_UP_SECONDS
        while self._binder.under_way and self._timing.monotonic() < until:
            await self._timing.sleep(0.02)
        await self._bookkeeper.close()

    def _works(self) -> Iterable[Coroutine[None, None, None]]:
        yield self._loop.run()
        yield self._binder.run(BINDINGS_AT_ONCE)
        yield self._evictor.run(EVICTIONS_AT_ONCE)
        yield self._statuses.run(STATUSES_AT_ONCE)
        yield self._conditions.run()
        yield self._janitor.run()
        yield self._bookkeeper.run()

    async def _catch_up(self) -> None:
        """Wait until the watches show every pod that was bound before our term began.

        The leader before us may have bound pods a moment ago. Deciding without having seen them could
        fill a node twice.
        """
        bound = await self._bound_pods()
        missing = {names.key(pod.metadata.namespace, pod.metadata.name): pod.metadata.uid for pod in bound}
        until = self._timing.monotonic() + CATCH_UP_SECONDS
        while True:
            missing = {pod: uid for pod, uid in missing.items() if not self._shows(pod, uid)}
            if not missing:
                return
            if self._timing.monotonic() > until:
                _log.warning("the watch does not show %d bound pods, such as %s", len(missing), min(missing))
                return
            await self._timing.sleep(0.05)

    async def _bound_pods(self) -> list[Pod]:
        """What the API server says is bound; asked until it answers, since nothing may be decided before."""
        while True:
            try:
                return await self._writes.bound_pods(SCHEDULER_NAME)
            except ApiError as failure:
                _log.warning("what is bound could not be read and is asked again: %s", failure)
                await self._timing.sleep(1.0)

    # --- what a cycle decided

    def _carry_out(self, plan: Plan, now: float) -> None:
        self._cache.assume(plan.binds, now)
        self._binder.put(plan.binds)
        self._nominate(plan, now)
        self._choose(plan)
        for group in {bind.group for bind in plan.binds}:
            if (estimate := self._outlook.first_estimates.pop(group, None)) is not None:
                self._metrics.estimate_off_by(abs(now - estimate))
        self._evictor.put(plan.evicts)
        self._cache.snapshot()
        difference = self._outlook.take(plan.waits, self._cache.groups.held, now)
        touched, self._cache.groups.touched = self._cache.groups.touched, set()
        self._statuses.changed(touched, difference)
        self._conditions.changed(difference)
        self._janitor.changed(touched)
        self._name_lost(plan)

    def _name_lost(self, plan: Plan) -> None:
        """Tell groups that lost members, and those that have them back."""
        before, now = self._statuses.lost, {lost.group: lost for lost in plan.lost}
        if before == now:
            return
        self._statuses.lost = now
        for group in before.keys() | now.keys():
            if before.get(group) == now.get(group):
                continue
            self._statuses.look(group)
            if group not in before:
                self._metrics.members_lost()
                self._record(group, "MembersLost", podgroup.lost_sentence(now[group]))

    def _choose(self, plan: Plan) -> None:
        """Remember the shapes for which pods are to be made anew, and those that others start in."""
        for choice in plan.choices:
            self._cache.choose(choice.group, choice.shape)
        chosen = self._cache.groups.chosen
        for name in {bind.group for bind in plan.binds} & chosen.keys():
            if (group := self._cache.groups.built.get(name)) is not None and group.shape:
                self._cache.choose(name, group.shape)

    def _nominate(self, plan: Plan, now: float) -> None:
        """Remember which nodes are held for whom, for as long as each plan says so again."""
        rooms = {reserve.group: reserve.nodes for reserve in plan.reserves if reserve.start <= now}
        for group in list(self._cache.groups.nominated):
            if group not in rooms:
                self._cache.nominate(group, ())
        for group, nodes in rooms.items():
            self._cache.nominate(group, nodes)
        self._cache.move((evict.pod for evict in plan.evicts if evict.to), now)

    # --- what came of it

    def _settled(self, group: str) -> None:
        """No binding of the group is under way any more."""
        members = self._cache.groups.members(group).values()
        if members and all(pod.node or pod.gated for pod in members):
            fact = self._cache.groups.object(group)
            if self._cache.has_minimum(group):
                queue = fact.queue if fact else next(iter(members)).queue
                self._metrics.gang_placed(queue)
                self._statuses.notes.pop(group, None)
        self._statuses.look(group)
        self._loop.wake()

    async def _tell_evicted(self, eviction: Eviction) -> None:
        if not names.is_alone(eviction.group):
            await self._statuses.tell_evicted(eviction)
            return
        for pod in eviction.pods:
            known = self._cache.pods.get(pod)
            if known is not None:
                name = names.split(pod)
                ref = ObjectRef("v1", "Pod", name.namespace, name.name, known.uid)
                self._events.record(ref, "Warning", eviction.reason, eviction.message)

    async def _tell_released(self, release: Release) -> None:
        await self._statuses.tell_released(release)
        self._record(release.group, "Released", release.message)

    def _record(self, group: str, reason: str, message: str) -> None:
        """A warning under the PodGroup, where there is one."""
        view = self._watches.groups.get(group)
        if view is not None:
            name = names.split(group)
            ref = ObjectRef(API_VERSION, "PodGroup", name.namespace, name.name, view.metadata.uid)
            self._events.record(ref, "Warning", reason, message)

    # --- who listens to us, and what they are told

    def _attach(self) -> None:
        self._watches.notify = self._loop.wake
        self._watches.group_seen = self._statuses.seen
        self._metrics.queues_from(lambda: self._cache.queues)
        self._metrics.waiting_from(self._waiting_groups)
        self._metrics.pools_from(self._pool_readings)

    def _detach(self) -> None:
        self._watches.ignore()

    def _waiting_groups(self) -> Iterable[WaitingGroup]:
        for group, waiting in self._outlook.waiting.items():
            yield WaitingGroup(self._queue_of(group), waiting.reason, waiting.since)

    def _pool_readings(self) -> Iterable[PoolReading]:
        return pools.readings(self._cache.snapshot(), self._ledger.accounts)

    def _queue_of(self, group: str) -> str:
        fact = self._cache.groups.object(group)
        if fact is not None:
            return fact.queue
        members = self._cache.groups.members(group)
        return next((pod.queue for pod in members.values()), "")

    def _waiting_since(self, group: str, now: float) -> float:
        """When the group's oldest waiting pod was made: that holds over restarts of ours."""
        members = self._cache.groups.members(group).values()
        return min((pod.created for pod in members if not pod.node and pod.created), default=now)

    def _shows(self, pod: str, uid: str) -> bool:
        known = self._cache.pods.get(pod)
        return known is not None and (known.uid != uid or bool(known.node))
