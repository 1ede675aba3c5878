"""What the demo prints: lines of what changed, and tables."""

import io
import time

import pytest
from demo import show
from demo.running import figures
from demo.view import NodeLine, PoolLine, WorkloadLine
from demoworld import job, node, pod, world
from rich.console import Console, RenderableType

LINE = WorkloadLine("TrainingJob", "llama", "Running", "4/4", "h100-4..7 (rack h100-rack-1)", "")


def console(width: int = 120) -> tuple[Console, io.StringIO]:
    page = io.StringIO()
    return Console(file=page, width=width, force_terminal=False), page


def printed(what: RenderableType, width: int = 120) -> list[str]:
    to, page = console(width)
    to.print(what)
    return [line.rstrip() for line in page.getvalue().splitlines()]


def test_plain_output_tells_each_change_once() -> None:
    to, page = console()
    with show.screen(to, time.monotonic()) as screen:
        screen.refresh(world([job("llama", "")], [], []))
        starting = world([job("llama", "Starting", workers="3/4")], [], [])
        screen.refresh(starting)
        screen.refresh(starting)
        screen.refresh(world([job("llama", workers="4/4")], [], []))
    told = [line.partition("s  ")[2] for line in page.getvalue().splitlines()]
    assert told == ["TrainingJob llama: Starting, 3/4 ready", "TrainingJob llama: Running, 4/4 ready"]


def test_a_line_says_where_and_why() -> None:
    assert show.sentence(LINE) == "TrainingJob llama: Running, 4/4 ready, on h100-4..7 (rack h100-rack-1)"
    waiting = WorkloadLine("TrainingJob", "large", "Queued", "0/8", "", "DoesNotFit: needs 64")
    assert show.sentence(waiting) == "TrainingJob large: Queued, 0/8 ready, DoesNotFit: needs 64"


def test_long_lines_are_not_cut_in_a_pipe() -> None:
    to, page = console(width=40)
    with show.screen(to, time.monotonic()) as screen:
        screen.say("x" * 100)
    assert "x" * 100 in page.getvalue()


def test_the_tables_hold_what_the_lines_say() -> None:
    heading, row = printed(show.workload_table([LINE]))[-2:]
    assert heading.split() == ["KIND", "NAME", "PHASE", "READY", "WHERE"]
    assert row.split() == ["TrainingJob", "llama", "Running", "4/4", "h100-4..7", "(rack", "h100-rack-1)"]
    assert printed(show.pool_table([PoolLine("h100", "h100-sxm", "16", "64/128", "61,234", "0.512")]))[-1].split() == [
        "h100", "h100-sxm", "16", "64/128", "61,234", "0.512",
    ]  # fmt: skip
    assert printed(show.node_table([NodeLine("n-0", ("a", "b"), "8/8 nvidia.com/gpu")]))[-1].split() == [
        "n-0", "8/8", "nvidia.com/gpu", "a,", "b",
    ]  # fmt: skip


def test_a_message_with_brackets_is_shown_as_written() -> None:
    odd = WorkloadLine("TrainingJob", "odd", "Invalid", "-", "", "spec.args[0]: [red]no[/red]")
    (reason,) = show.reasons([LINE, odd])
    assert printed(reason) == ["odd: spec.args[0]: [red]no[/red]"]


async def test_a_fault_in_showing_ends_the_demo_and_is_not_lost() -> None:
    class Broken:
        def say(self, sentence: str) -> None: ...

        def refresh(self, seen: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with show.refreshed(Broken(), world([], [], [])):
            pass


def test_a_terminal_gets_a_table_that_is_drawn_in_place() -> None:
    page = io.StringIO()
    terminal = Console(file=page, width=100, force_terminal=True)
    seen = world([job("llama", workers="1/1")], [pod("llama", 0, "n-0")], [node("n-0", "r1")])
    with show.screen(terminal, time.monotonic()) as screen:
        screen.refresh(seen)
        screen.say("a sentence that stays")
        screen.refresh(seen)
    assert page.getvalue().count("n-0 (rack r1)") >= 2
    assert "a sentence that stays" in page.getvalue()


def test_metrics_are_read_with_their_labels() -> None:
    page = '# TYPE watts gauge\nwatts{pool="l4",accelerator="l4"} 960.5\n# TYPE up gauge\nup 1\n'
    assert figures(page) == {"watts{accelerator=l4, pool=l4}": 960.5, "up": 1.0}


def test_a_page_that_is_no_metrics_page_is_refused() -> None:
    with pytest.raises(ValueError, match="html"):
        figures("<html>not here</html>\n")
