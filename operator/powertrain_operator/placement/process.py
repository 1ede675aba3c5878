"""The placement process: follow the cluster, stand for election, and act for as long as we lead.

Ready means synced: a standby that could take over at once is as ready as the leader. A clean stop
ends what acts, writes the meter readings, and then frees the lease for the next one.
"""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from powertrain_scheduler.policy import Policy

from powertrain_operator import __version__
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.events import EventRecorder
from powertrain_operator.kube.lease import LeaderElection
from powertrain_operator.kube.retry import RetryPolicy
from powertrain_operator.telemetry import server
from powertrain_operator.telemetry.metrics import SchedulerMetrics

from .cache import Cache
from .execute.writes import Writes
from .term import Term
from .timing import REAL, Timing
from .watches import Watches

_log = logging.getLogger(__name__)

LEASE = "powertrain-scheduler"
REQUESTS_AT_ONCE = 64
"""More than all that write at once, so that no request waits between the fence and the wire."""


def own_identity() -> str:
    """Host and process: no two candidates share it."""
    return f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """How the placement process runs."""

    kubeconfig: str | None = None
    """None: the usual places, or the pod's own service account."""
    listen: str | None = "127.0.0.1:8081"
    """Where metrics and health are served; None: nowhere."""
    lease_namespace: str = "powertrain-system"
    identity: str = field(default_factory=own_identity)
    gang_seconds: float = 60.0
    """A gang of which only a part could be bound is released after so long."""
    policy: Policy = field(default_factory=Policy)
    past_use_half_life: float = 7 * 86400.0
    """Seconds after which what a queue held counts half; of no use where the policy gives past use no weight."""
    lease_seconds: int = 15
    renew_deadline: float = 10.0
    retry_seconds: float = 2.0
    timing: Timing = REAL


async def run_scheduler(options: SchedulerOptions) -> None:
    """Run until cancelled. Raises ConfigError where there is no usable login, OSError or ValueError
    where `listen` cannot be listened on."""
    metrics = SchedulerMetrics(__version__)
    async with Client.connect(
        options.kubeconfig,
        user_agent=f"powertrain-scheduler/{__version__}",
        concurrency=REQUESTS_AT_ONCE,
        observe=metrics.api.observe,
        retry=RetryPolicy(attempts=1),
    ) as client:
        cache = Cache()
        watches = Watches(client, cache)
        async with telemetry(options.listen, metrics, watches):
            await _follow_and_stand(options, client, cache, watches, metrics)


@asynccontextmanager
async def telemetry(listen: str | None, metrics: SchedulerMetrics, watches: Watches) -> AsyncIterator[None]:
    """Metrics and health for as long as the context lasts."""
    if listen is None:
        yield
        return
    served = await server.serve(listen, metrics.registry, ready=lambda: watches.trouble or True)
    _log.info("metrics and health at %s", served.url)
    try:
        yield
    finally:
        await served.close()


async def _follow_and_stand(
    options: SchedulerOptions, client: Client, cache: Cache, watches: Watches, metrics: SchedulerMetrics
) -> None:
    events = EventRecorder(client, "scheduler")
    helpers = [asyncio.create_task(watches.run()), asyncio.create_task(events.run())]
    candidacy = Candidacy(options, client, cache, watches, events, metrics)
    acting = asyncio.create_task(_once_synced(watches, candidacy))
    try:
        done, _ = await asyncio.wait([*helpers, acting], return_when=asyncio.FIRST_COMPLETED)
        for task in done:  # none of them ends by itself unless something is broken
            task.result()
    finally:
        await end(acting)
        for task in helpers:
            await end(task)


async def _once_synced(watches: Watches, candidacy: "Candidacy") -> None:
    await watches.synced()
    settle_memory()
    await candidacy.run()


class Candidacy:
    """Stands for election until cancelled; one `Term` for each time it wins."""

    def __init__(
        self,
        options: SchedulerOptions,
        client: Client,
        cache: Cache,
        watches: Watches,
        events: EventRecorder,
        metrics: SchedulerMetrics,
    ) -> None:
        self._options = options
        self._cache = cache
        self._watches = watches
        self._events = events
        self._metrics = metrics
        self._election = LeaderElection(
            client,
            options.lease_namespace,
            LEASE,
            options.identity,
            lease_seconds=options.lease_seconds,
            renew_deadline=options.renew_deadline,
            retry_seconds=options.retry_seconds,
        )
        self._writes = Writes(client, self._election.is_leader, options.timing)

    async def run(self) -> None:
        """Win, act, lose, over and over. The lease is freed at the end, after all that acts has ended."""
        standing = asyncio.create_task(self._election.run())
        try:
            while True:
                await self._election.leading.wait()
                await self._serve(self._term())
        finally:
            await end(standing)

    def _term(self) -> Term:
        options = self._options
        return Term(
            self._writes,
            self._cache,
            self._watches,
            self._events,
            self._metrics,
            options.policy,
            options.gang_seconds,
            options.timing,
            options.past_use_half_life,
        )

    async def _serve(self, term: Term) -> None:
        """Act until leadership is lost, or we are told to stop: then the term is wound up first."""
        self._metrics.set_leader(True)
        acting = asyncio.create_task(term.run())
        lost = asyncio.create_task(self._election.lost.wait())
        try:
            await asyncio.wait([acting, lost], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await term.wind_up()
            raise
        finally:
            self._metrics.set_leader(False)
            await end(lost)
            await end(acting)


async def end(task: "asyncio.Task[object]") -> None:
    """Cancel the task and wait for its end. Raises what it failed with, if it did."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def settle_memory() -> None:
    """What was just listed stays: keep the garbage collector from going through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
