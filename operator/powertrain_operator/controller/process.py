"""The operator process: `run_operator`.

Ready means that the stores know the cluster and kopf is at work. Ends when it is cancelled, which
is how its caller turns SIGTERM into a clean stop, or with the exception that makes going on useless.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from powertrain_operator import __version__
from powertrain_operator.controller.controller import Controller
from powertrain_operator.controller.kopfthread import KopfThread
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.events import EventRecorder
from powertrain_operator.telemetry import server
from powertrain_operator.telemetry.metrics import OperatorMetrics

_log = logging.getLogger(__name__)

REQUESTS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class OperatorOptions:
    """How the operator process runs."""

    kubeconfig: str | None = None
    """None: the usual places, or the pod's own service account."""
    namespace: str | None = None
    """The one namespace that is served; None: all."""
    listen: str | None = "127.0.0.1:8080"
    """Where metrics and health are served; None: nowhere."""
    workers: int = 8
    """Objects that are reconciled at once."""


async def run_operator(options: OperatorOptions) -> None:
    """Run until cancelled. Raises ConfigError where there is no usable login, OSError or ValueError
    where `listen` cannot be listened on."""
    metrics = OperatorMetrics(__version__)
    async with Client.connect(
        options.kubeconfig,
        user_agent=f"powertrain-operator/{__version__}",
        concurrency=REQUESTS_AT_ONCE,
        observe=metrics.api.observe,
    ) as client:
        events = EventRecorder(client, "operator")
        controller = Controller(client, events, metrics, namespace=options.namespace)
        kopf = KopfThread(client, options.kubeconfig, options.namespace, controller.objects.seen)
        async with _telemetry(options.listen, metrics, controller, kopf):
            await _together(controller, kopf, events, options.workers)


async def _together(controller: Controller, kopf: KopfThread, events: EventRecorder, workers: int) -> None:
    """All that runs; the first to fail ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(controller.stores.run(), name="stores")
            group.create_task(kopf.run(), name="kopf")
            group.create_task(events.run(), name="events")
            group.create_task(controller.run(workers), name="controller")
    except asyncio.CancelledError:
        _log.info("the operator stops")
        raise


@asynccontextmanager
async def _telemetry(
    listen: str | None, metrics: OperatorMetrics, controller: Controller, kopf: KopfThread
) -> AsyncIterator[None]:
    """Metrics and health for as long as the context lasts."""
    if listen is None:
        yield
        return

    def ready() -> bool | str:
        return controller.stores.trouble or kopf.trouble or True

    served = await server.serve(listen, metrics.registry, ready=ready)
    _log.info("metrics and health at %s", served.url)
    try:
        yield
    finally:
        await served.close()
