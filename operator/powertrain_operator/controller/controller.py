"""The loop: take an object, look, decide, carry out, rest.

Whatever goes wrong with one object is logged once with its name, counted, and tried again later; it
never stops the others.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from powertrain_operator.api import InferenceService, InvalidObject, TrainingJob, parse
from powertrain_operator.controller.execute import CREATED_AT_ONCE, Executor, Overtaken, Refusal
from powertrain_operator.controller.expectations import Expectations
from powertrain_operator.controller.keys import Key
from powertrain_operator.controller.objects import Json, Objects
from powertrain_operator.controller.observe import observe_job, observe_service
from powertrain_operator.controller.queue import WorkQueue
from powertrain_operator.controller.stores import Stores
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.errors import ApiError
from powertrain_operator.kube.events import EventRecorder
from powertrain_operator.reconcile import (
    Manifest,
    Outcome,
    reconcile_inference_service,
    reconcile_training_job,
)
from powertrain_operator.reconcile.refusal import invalid_status, refused_status
from powertrain_operator.telemetry.metrics import OperatorMetrics

_log = logging.getLogger(__name__)

REST = 4.0
"""An object rests this many times as long as deciding on it took: it gets a fifth of a core at most."""
SHORTEST_REST = 0.02
LONGEST_REST = 5.0
COUNTING_REST = 0.5
"""Seconds. The last is after a status in which only figures have changed: while the pods of a gang start
one by one, its owner need not be told of each."""


class Controller:
    """Reconciles what kopf and the stores say has changed."""

    def __init__(
        self,
        client: Client,
        events: EventRecorder,
        metrics: OperatorMetrics,
        *,
        namespace: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue()
        self.objects = Objects(self.queue.add)
        self._expectations = Expectations(asyncio.get_running_loop().time)
        self.stores = Stores(
            client,
            namespace,
            self._expectations,
            changed=self._child_changed,
            offers_changed=self._offers_changed,
            name_freed=self._name_freed,
        )
        self._executor = Executor(client, self.objects, self._expectations, events)
        self._metrics = metrics
        self._now = now
        self._hindered: set[Key] = set()
        """Objects that cannot go on until something else in the cluster changes."""
        metrics.depth_from(lambda: self.queue.depth)

    async def run(self, workers: int) -> None:
        """Reconcile until cancelled, once the stores know the cluster."""
        await self.stores.synced()
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            rest = SHORTEST_REST
            try:
                rest = await self._look_at(key)
            finally:
                self.queue.done(key, rest)

    async def _look_at(self, key: Key) -> float:
        """One look at the object, with whatever may come of it; the seconds that it rests then."""
        seen = self.objects.get(key)
        if seen is None:
            self._forget(key)
            return SHORTEST_REST
        if (wait := self._expectations.wait_for(key)) > 0:
            self.queue.add_after(key, wait)
            return SHORTEST_REST
        started, failed = time.perf_counter(), True
        try:
            rest = await self._reconcile(key, seen)
            failed = False
            return rest
        except Overtaken:
            failed = False
            if self.objects.get(key) is seen:  # what it is now is still on its way to us
                self.queue.retry(key)
            else:
                self.queue.add(key)
        except ApiError as failure:
            wait = self.queue.retry(key)
            _log.warning("%s; trying again in %g s", failure, wait, extra={"object": key})
        except Exception:  # noqa: BLE001 - a mistake of ours with one object must not stop the others
            wait = self.queue.retry(key)
            _log.exception("reconciliation failed; trying again in %g s", wait, extra={"object": key})
        finally:
            self._metrics.reconciled(key.kind, time.perf_counter() - started, failed=failed)
        return SHORTEST_REST

    async def _reconcile(self, key: Key, seen: Json) -> float:
        """Decide, and carry it out; the seconds that the object rests then."""
        started = time.perf_counter()
        try:
            outcome, refuse = self._decide(key, seen)
        except InvalidObject as invalid:
            await self._tell_invalid(key, seen, invalid)
            return SHORTEST_REST
        rest = min(max(REST * (time.perf_counter() - started), SHORTEST_REST), LONGEST_REST)
        refusal = await self._executor.children(key, seen, outcome)
        status = outcome.status if refusal is None else refuse(refusal)
        if status is not None:
            await self._executor.status(key, seen, status)
        self._executor.tell(key, seen, outcome)
        self._note_hindrance(key)
        self._look_again(key, outcome, status, refusal)
        same_phase = status is not None and status["phase"] == (seen.get("status") or {}).get("phase")
        return max(rest, COUNTING_REST) if same_phase else rest

    def _look_again(
        self, key: Key, outcome: Outcome, status: Manifest | None, refusal: Refusal | None
    ) -> None:
        """At once where this was only a step, later where time alone may change something."""
        if refusal is not None:
            self.queue.retry(key)
            return
        self.queue.succeeded(key)
        if status is not None or len(outcome.create) > CREATED_AT_ONCE:
            self.queue.add(key)
        if outcome.requeue_after is not None:
            self.queue.add_after(key, outcome.requeue_after)

    def _forget(self, key: Key) -> None:
        """The object is gone."""
        self._hindered.discard(key)
        self._expectations.forget(key)
        self.queue.succeeded(key)

    def _decide(self, key: Key, seen: Json) -> tuple[Outcome, Callable[[Refusal], Any]]:
        """The outcome, and what the status is instead where the API server refuses a child."""
        found = parse(seen)
        if isinstance(found, TrainingJob):
            job = observe_job(found, key, self.stores, self._now())
            return reconcile_training_job(job), lambda refusal: refused_status(job, *_words(refusal))
        assert isinstance(found, InferenceService)
        service = observe_service(found, key, self.stores, self._now())
        outcome = reconcile_inference_service(service)
        return outcome, lambda refusal: refused_status(service, *_words(refusal))

    async def _tell_invalid(self, key: Key, seen: Json, invalid: InvalidObject) -> None:
        """A stored object that breaks a rule which came after it: say so, and touch nothing else."""
        before = seen.get("status") or {}
        status = before | invalid_status(invalid, seen["metadata"].get("generation", 0))
        if status != before:
            await self._executor.status(key, seen, status)
        self.queue.succeeded(key)

    def _note_hindrance(self, key: Key) -> None:
        now = self.objects.get(key)
        status = (now.get("status") or {}) if now else {}
        if status.get("phase") == "Invalid" or status.get("reason") == "NameTaken":
            self._hindered.add(key)
        else:
            self._hindered.discard(key)

    # --- what the stores tell

    def _child_changed(self, key: Key) -> None:
        if self.objects.get(key) is not None:
            self.queue.add(key)

    def _offers_changed(self) -> None:
        """Pools or queues are others: look again at all that wait for nodes."""
        for key, manifest in self.objects:
            if (manifest.get("status") or {}).get("phase") not in _SETTLED:
                self.queue.add(key)

    def _name_freed(self, namespace: str) -> None:
        for key in self._hindered:
            if key.namespace == namespace:
                self.queue.add(key)


_SETTLED = frozenset({"Running", "Succeeded", "Failed", "Suspended", "Ready"})
"""Phases in which nobody waits for nodes."""


def _words(refusal: Refusal) -> tuple[Any, str, bool]:
    return refusal.reason, refusal.message, refusal.final
