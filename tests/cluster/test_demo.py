"""`python -m demo` as a person runs it: to its end, and interrupted at any moment."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markedrun import marked_environment, processes_of

_PATIENCE_SECONDS = 240.0
"""For a whole run on a busy machine; on a quiet one it takes less than a minute."""


@dataclass
class Demo:
    """A run of the demo whose output is read as it comes."""

    process: subprocess.Popen[str]
    mark: str
    scratch: Path
    output: str = ""

    def read_until(self, words: str) -> None:
        """Reads on until a line holds the words; fails the test where the output ends before."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if words in line:
                return
        pytest.fail(f"the demo ended without {words!r}:\n{self.output}")

    def finish(self) -> int:
        """The exit status, with the rest of the output read."""
        assert self.process.stdout
        self.output += self.process.stdout.read()
        return self.process.wait(30)

    def left(self) -> set[int]:
        """Ids of the processes of this run that still are there."""
        return processes_of(self.mark)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo, just started, in a session of its own; killed at the end if the test left it running."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-m", "demo"],
        env=marked_environment(mark, tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    started = Demo(process, mark, tmp_path)
    # A demo that hangs must not hang the test that reads from it.
    watchdog = signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(int(_PATIENCE_SECONDS))
    yield started
    signal.alarm(0)
    signal.signal(signal.SIGALRM, watchdog)
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process that has the name of one of ours."""
    with subprocess.Popen(["kube-apiserver", "600"], executable="/bin/sleep") as process:
        yield process
        process.kill()


def test_the_demo_runs_to_its_end_and_shows_where_everything_sits(demo: Demo) -> None:
    status = demo.finish()
    assert status == 0, demo.output
    told = [line.partition(" s  ")[2] or line for line in demo.output.splitlines()]
    waiting = next(line for line in told if line.startswith("TrainingJob llama-large: Queued"))
    assert "expected to start at" in demo.output
    assert "(rack h100-rack-" in next(line for line in told if "llama-finetune: Running, 4/4" in line), (
        waiting
    )
    assert any("qwen-pretrain: Running, 4/4" in line for line in told)
    assert any("chat: Ready, 3/3" in line for line in told)
    assert any(line.startswith("TrainingJob sweep: Queued") and "Reserved: " in line for line in told)
    assert any("smoke: Running, 4/4" in line for line in told)
    assert any("llama-large: Running, 10/10" in line for line in told)
    assert any(line.startswith("TrainingJob probe: Queued") and "Reclaimed: " in line for line in told)
    assert any("assistant: Ready, 2/2" in line for line in told)
    assert any(line.startswith("  powertrain_pool_watts{") for line in demo.output.splitlines())
    assert demo.left() == set()
    assert list(demo.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "starting a local Kubernetes cluster"),
        (signal.SIGTERM, "the API server answers"),
        (signal.SIGINT, "kinds, rights, pools and queues are applied"),
        (signal.SIGTERM, "powertrain runs"),
        (signal.SIGINT, "llama-finetune: Running"),
    ],
)
def test_an_interrupted_demo_leaves_nothing_behind_and_stops_nothing_else(
    demo: Demo, bystander: subprocess.Popen[bytes], number: signal.Signals, moment: str
) -> None:
    demo.read_until(moment)
    demo.process.send_signal(number)
    demo.process.send_signal(number)  # an impatient second one must not cut the cleaning up short
    assert demo.finish() == 128 + number, demo.output
    assert f"Stopped by {number.name}" in demo.output
    assert demo.left() == set()
    assert list(demo.scratch.iterdir()) == []
    assert bystander.poll() is None


def test_ctrl_c_in_a_terminal_stops_everything_and_gives_the_terminal_back(tmp_path: Path) -> None:
    """There the kernel sends the signal to every process of the foreground group, not to the demo alone."""
    mark = uuid.uuid4().hex
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, "-m", "demo"],
        env={**marked_environment(mark, tmp_path), "TERM": "xterm", "COLUMNS": "120"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while b"llama-finetune" not in seen:
            seen += os.read(ours, 65536)  # OSError where the demo ends before
        os.write(ours, b"\x03")
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while piece := os.read(ours, 65536):
                seen += piece
        assert process.wait(30) == 128 + signal.SIGINT, seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    shown = seen.decode()
    assert "WHERE" in shown, "a table is drawn where somebody watches"
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is shown again"
    assert processes_of(mark) == set()


def test_not_even_a_killed_demo_leaves_processes_behind(demo: Demo) -> None:
    demo.read_until("TrainingJob ablation")
    assert len(demo.left()) > 4
    demo.process.kill()
    demo.finish()
    deadline = time.monotonic() + 10
    while demo.left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert demo.left() == set()


def test_a_demo_that_cannot_start_says_why_and_ends_with_status_1(tmp_path: Path) -> None:
    (tmp_path / "somebody's file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--directory", str(tmp_path)],
        env=marked_environment("", tmp_path),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"The demo failed: {tmp_path} is not empty")
