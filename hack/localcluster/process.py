"""Programs started here, which can't outlive the process that started them.

A `kill -9` of the demo or of pytest leaves no time to clean up, so the kernel
does it: `setpriv --pdeathsig` (util-linux, on every Debian and Ubuntu) asks
for SIGKILL to the child when its parent dies. `starter` says why one thread
starts them all.

A pid is signalled only while this process has not yet reaped it, so it can't
have become somebody else's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcluster import starter
from localcluster.errors import ProgramFailed

# The parent may have died between fork and setpriv's prctl: then the shell's
# parent is no longer the one that was told, and it ends without starting.
_GUARD = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'
_TAIL_LINES = 15


@dataclass
class Process:
    """One running program; the same name may be started again later."""

    name: str
    log: Path
    _popen: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number when killed by one."""
        return self._popen.poll()

    @property
    def alive(self) -> bool:
        return self.returncode is None

    def signal(self, number: int) -> None:
        """Does nothing to a program that has ended."""
        self._popen.send_signal(number)

    def wait(self, seconds: float | None = None) -> bool:
        """True when it has ended within the time."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def require_alive(self) -> None:
        if not self.alive:
            raise ProgramFailed(
                f"{self.name} ended with status {self.returncode}; the end of {self.log}:\n{self.tail()}"
            )

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def cpu_seconds(self) -> float:
        """User and system time so far; of a running program only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_memory(self) -> int:
        """Largest resident size so far, in bytes; of a running program only."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


def tied(argv: Sequence[str | Path]) -> list[str]:
    """A command line for `argv` that is killed when the thread that starts it ends."""
    guard = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", _GUARD, "sh", str(os.getpid())]
    return guard + [str(word) for word in argv]


def start_time(pid: int) -> int | None:
    """When this pid's process began, in clock ticks since boot; None when there is none.

    A pid and this number together are one process for as long as the machine is up.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Processes:
    """The programs of one cluster by name, in the order they were started."""

    def __init__(self) -> None:
        self._running: dict[str, Process] = {}

    def __getitem__(self, name: str) -> Process:
        try:
            return self._running[name]
        except KeyError:
            raise ProgramFailed(f"{name} was never started here") from None

    def __contains__(self, name: object) -> bool:
        return name in self._running

    def all(self) -> list[Process]:
        return list(self._running.values())

    def start(
        self, name: str, argv: Sequence[str | Path], log: Path, *, environment: Mapping[str, str], cwd: Path
    ) -> Process:
        """Starts `argv`, its output appended to `log`."""

        def spawn() -> Process:
            with log.open("ab") as output:
                popen = subprocess.Popen(
                    tied(argv),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment),
                    cwd=cwd,
                    start_new_session=True,  # a Ctrl-C in the terminal is for us to handle, in our order
                )
            process = Process(name, log, popen)
            self._running[name] = process
            return process

        return starter.run(spawn)

    def stop(self, names: Sequence[str], seconds: float = 5.0) -> None:
        """Ends these together: SIGTERM, and SIGKILL to what is left after `seconds`."""
        # An empty errand through the starter: what it was starting is in the list now.
        starter.run(lambda: None)
        leaving = [self._running[name] for name in names if name in self._running]
        for process in leaving:
            process.signal(signal.SIGTERM)
            process.signal(signal.SIGCONT)
        deadline = time.monotonic() + seconds
        for process in leaving:
            if not process.wait(max(0.0, deadline - time.monotonic())):
                process.signal(signal.SIGKILL)
                process.wait()
            del self._running[process.name]
