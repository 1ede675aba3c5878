"""One process that goes on when the command that started it is over, and how to end it.

`make up` leaves such a keeper behind. Its pid is recorded with the moment it
began, so `make down`, a day and a reboot later, never ends a stranger that got
the same pid.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from localcluster.errors import ProgramFailed
from localcluster.process import start_time

READY_VARIABLE = "POWERTRAIN_READY_FD"
_RECORD = "keeper.json"
_READY = b"ready"
_GIVE_UP_SECONDS = 10.0


@dataclass(frozen=True)
class Keeper:
    """A process that was started by an earlier command."""

    pid: int
    started: int  # clock ticks since boot
    boot: str

    @property
    def alive(self) -> bool:
        return start_time(self.pid) == self.started and self.boot == _this_boot()

    def end(self, seconds: float) -> None:
        """SIGTERM, and SIGKILL when that did not help in time; returns when it is gone."""
        # A handle on the process, taken before the check: from here on the
        # number can't come to mean another one.
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.alive:
                return
            for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, None)):
                signal.pidfd_send_signal(handle, number)
                if select.select([handle], [], [], patience)[0]:
                    return
        except ProcessLookupError:
            return
        finally:
            os.close(handle)


def find(directory: Path) -> Keeper | None:
    """The keeper of this directory while it runs."""
    try:
        keeper = Keeper(**json.loads((directory / _RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return keeper if keeper.alive else None


def start(command: list[str], directory: Path, log: Path) -> Keeper:
    """Starts a keeper and returns when it says that it is ready.

    Raises ProgramFailed with the end of its log when it ends before; ends it
    when this process is interrupted meanwhile.
    """
    ready, said = os.pipe()
    os.set_inheritable(said, True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ | {READY_VARIABLE: str(said)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    os.close(said)
    keeper = Keeper(pid, start_time(pid) or 0, _this_boot())
    try:
        (directory / _RECORD).write_text(json.dumps(asdict(keeper)))
        if _said_ready(ready):
            return keeper
    except BaseException:
        keeper.end(_GIVE_UP_SECONDS)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(ready)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise ProgramFailed(f"could not start (status {status}); the end of {log}:\n{tail}")


def _said_ready(pipe: int) -> bool:
    """Waits for the word; False when the keeper ended without it."""
    return os.read(pipe, len(_READY)) == _READY


def say_ready() -> None:
    """In the keeper: lets the command that started it return."""
    number = int(os.environ.pop(READY_VARIABLE))
    os.write(number, _READY)
    os.close(number)


def _this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """No second `up` or `down` in this directory meanwhile."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
