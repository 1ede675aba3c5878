"""How the demo looks: a live table on a terminal, lines of what changed anywhere else."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo import view
from demo.view import NOT_SEEN, NodeLine, PoolLine, WorkloadLine
from demo.world import World

_TICK_SECONDS = 0.25
_COLOURS = {
    "Running": "green",
    "Ready": "green",
    "Succeeded": "blue",
    "Queued": "yellow",
    "Pending": "yellow",
    "Placing": "cyan",
    "Starting": "cyan",
    "Failed": "red",
    "Invalid": "red",
}


class Screen(Protocol):
    """Where the demo's progress is shown."""

    def say(self, sentence: str) -> None:
        """One sentence that stays."""

    def refresh(self, world: World) -> None:
        """The world as it is now."""


class Plain:
    """Lines, each with the seconds since the start, for pipes and logs."""

    def __init__(self, console: Console, start: float) -> None:
        self._console = console
        self._start = start
        self._known: dict[tuple[str, str], WorkloadLine] = {}

    def say(self, sentence: str) -> None:
        self._print(sentence)

    def refresh(self, world: World) -> None:
        for line in view.workload_lines(world):
            if line.phase != NOT_SEEN and self._known.get((line.kind, line.name)) != line:
                self._known[line.kind, line.name] = line
                self._print(sentence(line))

    def _print(self, text: str) -> None:
        seconds = time.monotonic() - self._start
        self._console.print(f"{seconds:5.1f} s  {text}", markup=False, highlight=False, soft_wrap=True)


def sentence(line: WorkloadLine) -> str:
    """`TrainingJob llama: Running, 4/4 ready, on h100-4..7 (rack h100-rack-1)`."""
    parts = [f"{line.kind} {line.name}: {line.phase}", f"{line.ready} ready"]
    if line.where:
        parts.append(f"on {line.where}")
    if line.why:
        parts.append(line.why)
    return ", ".join(parts)


class Living:
    """A table that is drawn anew in place, under the sentences said so far."""

    def __init__(self, live: Live, start: float) -> None:
        self._live = live
        self._start = start

    def say(self, sentence: str) -> None:
        seconds = time.monotonic() - self._start
        self._live.console.print(f"{seconds:5.1f} s  {sentence}", markup=False, highlight=False)

    def refresh(self, world: World) -> None:
        seconds = time.monotonic() - self._start
        workloads, pools = view.workload_lines(world), view.pool_lines(world.pools.values())
        parts: list[RenderableType] = [workload_table(workloads), *reasons(workloads), "", pool_table(pools)]
        self._live.update(Group("", Text(f"{seconds:.0f} s"), *parts), refresh=True)


@contextmanager
def screen(console: Console, start: float) -> Iterator[Screen]:
    """A table where somebody watches, lines where not; `start` is monotonic seconds."""
    if not console.is_terminal:
        yield Plain(console, start)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield Living(live, start)


@asynccontextmanager
async def refreshed(screen: Screen, world: World) -> AsyncIterator[None]:
    """Show the world while inside, as often as a person can see."""

    async def refresh() -> None:
        while True:
            screen.refresh(world)
            await asyncio.sleep(_TICK_SECONDS)

    task = asyncio.create_task(refresh())
    try:
        yield
        screen.refresh(world)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def workload_table(lines: Sequence[WorkloadLine]) -> Table:
    table = _table("KIND", "NAME", "PHASE", "READY", "WHERE")
    for line in lines:
        phase = Text(line.phase, style=_COLOURS.get(line.phase, ""))
        _add(table, line.kind, line.name, phase, line.ready, line.where)
    return table


def reasons(lines: Sequence[WorkloadLine]) -> list[Text]:
    """A sentence for each workload that waits or suffers."""
    return [Text(f"{line.name}: {line.why}", style="yellow") for line in lines if line.why]


def pool_table(lines: Sequence[PoolLine]) -> Table:
    table = _table("POOL", "ACCELERATOR", "NODES", "ALLOCATED", "WATTS", "KWH")
    for line in lines:
        _add(table, line.name, line.accelerator, line.nodes, line.allocated, line.watts, line.kilowatt_hours)
    return table


def node_table(lines: Sequence[NodeLine]) -> Table:
    table = _table("NODE", "HOLDS", "PODS")
    for line in lines:
        _add(table, line.node, line.devices, ", ".join(line.pods))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """As text, for a message may hold what rich would take for markup."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
