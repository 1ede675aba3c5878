"""Powertrain's two processes as a Deployment would keep them: started again whenever they end."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from crashkit.faultproxy import until

POWERTRAIN = Path(sys.executable).with_name("powertrain")


class Half:
    """`async with Half("scheduler", kubeconfig, log)`: that process runs inside the block.

    A process that ends is started again at once, whoever ended it. `kill()` is kill -9.
    """

    def __init__(self, command: str, kubeconfig: Path, log: Path, arguments: Sequence[str] = ()) -> None:
        self.command = command
        self.log = log
        self.starts = 0
        self._line = [str(POWERTRAIN), command, "--kubeconfig", str(kubeconfig), "--listen", "127.0.0.1:0"]
        self._line += ["--log-format", "text", *arguments]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def kill_and_wait(self) -> None:
        """As `kill`, and it is dead when this returns: an answer held back meanwhile reaches nobody."""
        process = self._process
        self.kill()
        if process is not None:
            await process.wait()

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        await until(lambda: self.running, 10, f"{self.command} was started")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _keep(self) -> None:
        with self.log.open("ab") as log:
            while True:
                self._process = await asyncio.create_subprocess_exec(*self._line, stdout=log, stderr=log)
                self.starts += 1
                await self._process.wait()
                # As kubelet's first back-off, only shorter: a process that cannot start must not spin.
                await asyncio.sleep(0.2)
