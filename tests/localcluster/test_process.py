"""Programs end when they are told to, and with the process that started them at the latest."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from localcluster.errors import ProgramFailed
from localcluster.process import Process, Processes, start_time

from .conftest import eventually, exists

HACK = Path(__file__).parents[2] / "hack"
# Says that it is there before it waits, so that a signal meets the program and not its launcher.
WAITS = ("sh", "-c", "echo started; exec sleep 1000")
IGNORES_SIGTERM = ("sh", "-c", "trap '' TERM; echo started; exec sleep 1000")


class Programs(Processes):
    """With less to say at each start."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def run(self, name: str, argv: Sequence[str]) -> Process:
        log = self._folder / f"{name}.log"
        process = self.start(name, argv, log, environment=os.environ, cwd=self._folder)
        eventually(lambda: "started" in log.read_text())
        return process


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    found = Programs(tmp_path)
    yield found
    found.stop([process.name for process in found.all()], seconds=0)


def test_a_stopped_program_is_gone_and_forgotten(programs: Programs) -> None:
    process = programs.run("one", WAITS)
    assert process.alive
    programs.stop(["one"])
    assert not exists(process.pid)
    with pytest.raises(ProgramFailed, match="one was never started here"):
        programs["one"]


def test_a_program_that_ignores_sigterm_is_killed(programs: Programs) -> None:
    process = programs.run("deaf", IGNORES_SIGTERM)
    programs.stop(["deaf"], seconds=0.05)
    assert process.returncode == -signal.SIGKILL


def test_a_program_held_by_sigstop_is_stopped_too(programs: Programs) -> None:
    process = programs.run("held", WAITS)
    process.signal(signal.SIGSTOP)
    programs.stop(["held"])
    assert process.returncode == -signal.SIGTERM


def test_stopping_what_never_started_does_nothing(programs: Programs) -> None:
    programs.stop(["nobody"])


def test_a_program_that_ended_is_told_with_the_end_of_its_log(programs: Programs) -> None:
    process = programs.run("dies", ("sh", "-c", "echo started; seq 100; echo no disk >&2; exit 4"))
    process.wait(10)
    with pytest.raises(ProgramFailed) as failure:
        process.require_alive()
    assert "dies ended with status 4" in str(failure.value)
    assert str(failure.value).endswith("\n99\n100\nno disk")
    assert "\n50\n" not in str(failure.value)


def test_a_signal_to_an_ended_program_reaches_nobody(programs: Programs) -> None:
    process = programs.run("short", ("sh", "-c", "echo started"))
    process.wait(10)
    process.signal(signal.SIGKILL)
    assert process.returncode == 0


def test_a_program_outlives_the_thread_that_asked_for_it(programs: Programs) -> None:
    thread = threading.Thread(target=lambda: programs.run("one", WAITS))
    thread.start()
    thread.join()
    assert not programs["one"].wait(0.2)


def test_a_program_that_can_not_be_started_is_told_to_the_caller(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        programs.start("x", ["true"], tmp_path / "no" / "log", environment={}, cwd=tmp_path)


def test_kill_9_of_the_parent_ends_its_programs(tmp_path: Path) -> None:
    script = (
        "import os, sys, time; from pathlib import Path; from localcluster.process import Processes\n"
        "folder = Path(sys.argv[1])\n"
        "argv = ['sh', '-c', 'echo started; exec sleep 1000']\n"
        "p = Processes().start('s', argv, folder / 'log', environment=os.environ, cwd=folder)\n"
        "print(p.pid, flush=True); time.sleep(1000)"
    )
    environment = os.environ | {"PYTHONPATH": str(HACK)}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        eventually(lambda: "started" in (tmp_path / "log").read_text())
        began = start_time(pid)
        assert began is not None
        parent.kill()
    eventually(lambda: start_time(pid) != began)


def test_what_a_program_used_is_read_from_the_kernel(programs: Programs) -> None:
    process = programs.run(
        "busy",
        ("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo started; exec sleep 1000"),
    )
    assert 0.01 < process.cpu_seconds() < 60
    assert 100_000 < process.peak_memory() < 1_000_000_000
