"""`make down` ends what `make up` started, and nobody else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from localcluster import background
from localcluster.background import Keeper
from localcluster.errors import ProgramFailed
from localcluster.process import start_time

from .conftest import exists

HACK = Path(__file__).parents[2] / "hack"
READY = "from localcluster import background; import signal; {} background.say_ready(); signal.pause()"


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def start(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    monkeypatch.setenv("PYTHONPATH", str(HACK))
    return background.start([sys.executable, "-c", code], folder, folder / "log")


def test_a_keeper_is_found_by_a_later_command_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = start(READY.format(""), tmp_path, monkeypatch)
    assert background.find(tmp_path) == keeper
    keeper.end(seconds=10)
    assert not keeper.alive
    assert background.find(tmp_path) is None


def test_a_keeper_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = READY.format("signal.signal(signal.SIGTERM, signal.SIG_IGN);")
    keeper = start(deaf, tmp_path, monkeypatch)
    keeper.end(seconds=0.05)
    assert not keeper.alive


def test_a_stranger_with_the_recorded_pid_is_left_alone(
    tmp_path: Path, sleeper: "subprocess.Popen[bytes]"
) -> None:
    began = start_time(sleeper.pid)
    assert began is not None
    boot = background._this_boot()
    for stranger in (Keeper(sleeper.pid, began - 1, boot), Keeper(sleeper.pid, began, "another-boot")):
        (tmp_path / "keeper.json").write_text(json.dumps(asdict(stranger)))
        assert background.find(tmp_path) is None
        stranger.end(seconds=0.05)
        assert sleeper.poll() is None


def test_ending_a_keeper_that_is_gone_does_nothing(sleeper: "subprocess.Popen[bytes]") -> None:
    keeper = Keeper(sleeper.pid, start_time(sleeper.pid) or 0, background._this_boot())
    sleeper.kill()
    sleeper.wait()
    keeper.end(seconds=0.05)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "started": 0, "boot": "", "more": 1}']
)
def test_a_broken_record_is_no_keeper(text: str, tmp_path: Path) -> None:
    (tmp_path / "keeper.json").write_text(text)
    assert background.find(tmp_path) is None


def test_a_keeper_that_fails_to_start_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProgramFailed, match=r"could not start \(status 3\)(.|\n)*no room"):
        start("import sys; print('no room'); sys.exit(3)", tmp_path, monkeypatch)
    assert background.find(tmp_path) is None


def test_a_keeper_whose_starter_is_gone_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setenv(background.READY_VARIABLE, str(write))
    with pytest.raises(BrokenPipeError):
        background.say_ready()
    os.close(write)


def test_an_interrupted_start_ends_the_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(background, "_said_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        start("import time; time.sleep(1000)", tmp_path, monkeypatch)
    assert not exists(json.loads((tmp_path / "keeper.json").read_text())["pid"])
