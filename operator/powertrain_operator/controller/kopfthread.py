"""kopf in a thread and an event loop of its own.

`kopf.operator()` takes over the process's signal handlers, and when it ends it cancels every task of
its event loop, whoever started them. In a thread it does neither: it may share a process with the
scheduler, and it can be started anew by itself when it fails, as it does when its watch is refused.
"""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import kopf

from powertrain_operator.controller import discovery, handlers
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.login import login

_log = logging.getLogger(__name__)

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
"""Seconds before kopf is started anew; doubled for each failure in a row."""


class KopfThread:
    """`seen` is called in the event loop that `run` was called in."""

    def __init__(
        self, client: Client, kubeconfig: str | None, namespace: str | None, seen: handlers.Seen
    ) -> None:
        self.trouble: str | None = "kopf has not started yet"
        """Why TrainingJobs and InferenceServices may be out of date; None while kopf runs."""
        self._told: str | None = None
        self._client = client
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._seen = seen

    async def run(self) -> None:
        """Run kopf until cancelled."""
        wait = FIRST_WAIT
        while True:
            started = asyncio.get_running_loop().time()
            trouble = await self._until_trouble()
            if asyncio.get_running_loop().time() - started > LONGEST_WAIT:
                wait = FIRST_WAIT
            if trouble != self._told:
                _log.warning("%s; trying again every %g s at most", trouble, LONGEST_WAIT)
            self.trouble = self._told = trouble
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _until_trouble(self) -> str:
        """Run kopf once our kinds are served; why it does not run, or does not run any more."""
        try:
            if (absent := await discovery.missing(self._client)) is not None:
                return absent
            await self._run_once()
        except Exception as failure:  # noqa: BLE001 - whatever kopf raises, it is started anew
            return f"kopf has failed: {failure}"
        return "kopf has stopped"

    async def _run_once(self) -> None:
        """One run of kopf to its end. Cancelling stops it, and waits for its thread."""
        theirs, stop = asyncio.new_event_loop(), asyncio.Event()
        operator = self._operator(asyncio.get_running_loop(), stop)
        with ThreadPoolExecutor(1, thread_name_prefix="kopf") as thread:
            ended = asyncio.get_running_loop().run_in_executor(thread, _run_in, theirs, operator)
            try:
                await asyncio.shield(ended)
            finally:
                if not ended.done():
                    theirs.call_soon_threadsafe(stop.set)
                    await asyncio.wait([ended])

    async def _operator(self, ours: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        """What runs in the thread."""

        def seen(type: str | None, manifest: dict[str, Any]) -> None:
            ours.call_soon_threadsafe(self._seen, type, manifest)

        scope: dict[str, Any] = (
            {"namespaces": [self._namespace]} if self._namespace else {"clusterwide": True}
        )
        self.trouble = self._told = None
        await kopf.operator(
            registry=handlers.registry(seen, login(self._kubeconfig)),
            settings=handlers.settings(),
            standalone=True,
            # kopf would make one of the user's name, which a container's user does not have.
            identity=cast(Any, "powertrain"),
            stop_flag=stop,
            **scope,
        )


def _is_not_about_signals(record: logging.LogRecord) -> bool:
    """kopf warns that it leaves the process's signals alone: that is why it is in a thread."""
    return not record.getMessage().startswith("OS signals are ignored")


logging.getLogger("kopf._core.reactor.running").addFilter(_is_not_about_signals)


def _run_in(loop: asyncio.AbstractEventLoop, main: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main)
