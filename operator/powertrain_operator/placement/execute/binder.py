"""Bindings under way: a bounded number at once, each to its certain end, beside the next cycles.

A binding is assumed in the cache from the plan on. It ends bound (the watch will show it), or the
assumption is taken back and the pod waits again; a pod whose bindings are refused is held for a
while, so that the next cycle does not run into the same wall.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from powertrain_scheduler.plan import Bind

from powertrain_operator.kube.errors import ApiError, Conflict, TooManyRequests
from powertrain_operator.telemetry.metrics import BindResult, SchedulerMetrics

from .. import names
from ..cache import Cache
from ..cache.claims import NoVolume
from ..cache.claims import Step as VolumeStep
from ..timing import Timing
from . import outcome
from .outcome import Step
from .volumes import Volumes
from .writes import Fenced, Writes

_log = logging.getLogger(__name__)

MOST_REFUSALS = 1000
"""Counts of pods that are gone are dropped beyond this."""
MOST_CONFLICTS = 3
"""A binding that conflicts so often with nothing to be seen is refused in some way unknown to us."""

_RESULTS = {
    Step.BOUND: BindResult.BOUND,
    Step.GONE: BindResult.GONE,
    Step.TAKEN: BindResult.CONFLICT,
    Step.REFUSED: BindResult.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Binding:
    """One pod's binding as it was decided."""

    bind: Bind
    uid: str
    decided: float
    """Monotonic seconds."""


class Binder:
    """Sends bindings and tells `settled` about each group that has none under way any more."""

    def __init__(
        self,
        writes: Writes,
        cache: Cache,
        metrics: SchedulerMetrics,
        settled: Callable[[str], None],
        timing: Timing,
    ) -> None:
        self.under_way: dict[str, int] = {}
        """Bindings without an end yet, by group."""
        self._writes = writes
        self._cache = cache
        self._metrics = metrics
        self._settled = settled
        self._timing = timing
        self._volumes = Volumes(writes, cache, timing)
        self._queue: asyncio.Queue[Binding] = asyncio.Queue()
        self._refusals: dict[str, int] = {}

    def put(self, binds: Iterable[Bind]) -> None:
        """Send these; they must be assumed in the cache already."""
        decided = self._timing.monotonic()
        for bind in binds:
            self.under_way[bind.group] = self.under_way.get(bind.group, 0) + 1
            self._queue.put_nowait(Binding(bind, self._cache.pods[bind.pod].uid, decided))

    async def run(self, workers: int) -> None:
        """Send for as long as we lead; cancelled, it leaves what is under way to the next leader's eyes."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(group))

    async def _work(self, group: asyncio.TaskGroup) -> None:
        while True:
            binding = await self._queue.get()
            try:
                steps = self._volumes.steps(binding.bind.pod, binding.bind.node)
            except NoVolume as trouble:
                self._refuse(binding, str(trouble))
                self._end(binding.bind.group)
                continue
            if steps:  # that may take minutes, and nobody else shall wait for it
                group.create_task(self._to_the_end(binding, steps))
            else:
                await self._to_the_end(binding, steps)

    async def _to_the_end(self, binding: Binding, steps: list[VolumeStep]) -> None:
        try:
            if not steps or await self._bind_volumes(binding, steps):
                await self._carry_through(binding)
        except Fenced:
            self._metrics.bound(BindResult.FENCED)
            self._cache.forget(binding.bind.pod, binding.uid)
        self._end(binding.bind.group)

    async def _bind_volumes(self, binding: Binding, steps: list[VolumeStep]) -> bool:
        """Whether the pod's claims have their volumes, so that the pod may follow. Raises Fenced."""
        try:
            if await self._volumes.bind(steps, binding.bind.node, lambda: self._still_wanted(binding)):
                return True
        except NoVolume as trouble:
            self._refuse(binding, str(trouble))
        except ApiError as failure:
            self._refuse(binding, failure.message)
        else:
            self._cache.forget(binding.bind.pod, binding.uid)
        return False

    def _end(self, group: str) -> None:
        left = self.under_way[group] - 1
        if left:
            self.under_way[group] = left
            return
        del self.under_way[group]
        self._settled(group)

    async def _carry_through(self, binding: Binding) -> None:
        """Bind the pod, or know for certain that it is not bound. Raises Fenced."""
        if not self._still_wanted(binding):
            self._cache.forget(binding.bind.pod, binding.uid)
            return
        attempt = conflicts = 0
        while True:
            attempt += 1
            try:
                bind = binding.bind
                await self._writes.bind(names.split(bind.pod), bind.node, binding.uid, bind.device)
            except ApiError as failure:
                step = outcome.after_failure(failure)
                if step is Step.READ:
                    step = await self._read(binding)
                    conflicts += isinstance(failure, Conflict)
                if step is Step.AGAIN and conflicts < MOST_CONFLICTS and self._still_wanted(binding):
                    await self._wait(failure, attempt)
                    continue
                self._finish(binding, Step.REFUSED if step is Step.AGAIN else step, failure)
                return
            self._finish(binding, Step.BOUND, None)
            return

    def _still_wanted(self, binding: Binding) -> bool:
        """Whether the pod still waits for this and the node is there: nothing else would say so in time."""
        pod = self._cache.pods.get(binding.bind.pod)
        if pod is None or pod.uid != binding.uid or pod.leaving:
            return False
        return self._cache.is_assumed(pod.key) and binding.bind.node in self._cache.nodes.facts

    async def _read(self, binding: Binding) -> Step:
        """What the pod says; asked until there is an answer, since nothing may be done before."""
        attempt = 0
        while True:
            attempt += 1
            try:
                pod = await self._writes.read_pod(names.split(binding.bind.pod))
            except ApiError as failure:
                await self._wait(failure, attempt)
                continue
            return outcome.after_reading(pod, binding.uid, binding.bind.node)

    async def _wait(self, failure: ApiError, attempt: int) -> None:
        if attempt == 1 and not isinstance(failure, TooManyRequests | Conflict):
            _log.warning("a binding is tried again: %s", failure)
        await self._timing.sleep(outcome.retry_wait(failure, attempt))

    def _finish(self, binding: Binding, step: Step, failure: ApiError | None) -> None:
        pod = binding.bind.pod
        self._metrics.bound(_RESULTS[step], self._timing.monotonic() - binding.decided)
        if step is Step.BOUND:
            self._refusals.pop(pod, None)
            return
        self._cache.forget(pod, binding.uid)
        if failure is not None:
            self._hold(pod, failure.message)
        if step is Step.REFUSED:
            _log.warning("pod %s could not be bound: %s", pod, failure)

    def _refuse(self, binding: Binding, why: str) -> None:
        self._metrics.bound(BindResult.REFUSED, self._timing.monotonic() - binding.decided)
        self._cache.forget(binding.bind.pod, binding.uid)
        self._hold(binding.bind.pod, why)
        _log.warning("pod %s could not be bound: %s", binding.bind.pod, why)

    def _hold(self, pod: str, why: str) -> None:
        """Leave the pod alone for a while; one that is gone or taken, until the watch says so too."""
        if len(self._refusals) > MOST_REFUSALS:
            self._refusals = {key: count for key, count in self._refusals.items() if key in self._cache.pods}
        self._refusals[pod] = refusals = self._refusals.get(pod, 0) + 1
        self._cache.hold(pod, self._timing.now() + outcome.hold_time(refusals), why)
