"""Running a process until it is told to stop, and telling mistakes without a traceback."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import NamedTuple

import click

from powertrain_operator.kube.errors import ConfigError
from powertrain_operator.telemetry.logs import setup_logs

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_MISTAKES = (ConfigError, OSError, ValueError)
"""What whoever started us can put right: login, listen address."""


def start(log_format: str, log_level: str, main: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run `main` until it ends, or until SIGINT or SIGTERM have it stop cleanly."""
    setup_logs(log_format, log_level)
    try:
        stopped_by = asyncio.run(_until_stopped(main()))
    except _MISTAKES as mistake:
        raise click.ClickException(str(mistake)) from mistake
    except BaseExceptionGroup as several:
        first = first_mistake(several)
        if first is None:
            raise
        raise click.ClickException(str(first)) from several
    if stopped_by == signal.SIGINT:
        sys.exit(INTERRUPTED)


def operator(kubeconfig: str | None, listen: str, workers: int) -> Coroutine[None, None, None]:
    """The operator process."""
    from powertrain_operator.controller.process import OperatorOptions, run_operator

    return run_operator(OperatorOptions(kubeconfig=kubeconfig, listen=listen, workers=workers))


class PastUse(NamedTuple):
    """How queues' past use counts."""

    weight: float = 0.0
    half_life: float = 168.0
    """Hours."""


def scheduler(
    kubeconfig: str | None,
    listen: str,
    lease_namespace: str,
    identity: str | None,
    past_use: PastUse,
) -> Coroutine[None, None, None]:
    """The placement process."""
    from powertrain_scheduler.policy import Policy

    from powertrain_operator.placement.process import SchedulerOptions, own_identity, run_scheduler

    options = SchedulerOptions(
        kubeconfig=kubeconfig,
        listen=listen,
        lease_namespace=lease_namespace,
        identity=identity or own_identity(),
        policy=Policy(past_use_weight=past_use.weight),
        past_use_half_life=past_use.half_life * 3600.0,
    )
    return run_scheduler(options)


async def both(one: Awaitable[None], other: Awaitable[None]) -> None:
    """Run two processes in this one; when either ends, the other is stopped."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_awaited(each)) for each in (one, other)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def first_mistake(several: BaseExceptionGroup[BaseException]) -> BaseException | None:
    """The mistake in a group of exceptions, if mistakes are all there is."""
    mistakes, others = several.split(_MISTAKES)
    if mistakes is None or others is not None:
        return None
    first: BaseException = mistakes
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _until_stopped(main: Coroutine[None, None, None]) -> int | None:
    """The signal that stopped it, None where it ended by itself. A second signal ends the process at once."""
    received: list[int] = []
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        received.append(number)
        loop.remove_signal_handler(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if not received:
            raise
    return received[0] if received else None
