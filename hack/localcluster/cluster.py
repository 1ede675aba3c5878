"""One local cluster: started, talked to, broken on purpose, stopped."""

from __future__ import annotations

import datetime
import functools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localcluster import build, commands, kubeconfig
from localcluster import layout as layouts
from localcluster.api import Api
from localcluster.errors import CommandFailed, ProgramFailed
from localcluster.fleet import FAKE_DOWN, NodeShape
from localcluster.layout import Layout
from localcluster.process import Process, Processes

_READY_SECONDS = 90.0
_PORT_TRIES = 3


class Cluster:
    """A control plane whose programs end with this process at the latest."""

    def __init__(
        self, layout: Layout, apiserver_flags: Sequence[str] = (), log: Callable[[str], None] = lambda _: None
    ) -> None:
        """For `start`; what is in `layout.directory` must be complete."""
        self._layout = layout
        self._apiserver_flags = tuple(apiserver_flags)
        self._log = log
        self._processes = Processes()
        self.api = Api(layout.port, layout.pki / "ca.crt", layout.pki / "admin.crt", layout.pki / "admin.key")

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        apiserver_flags: Sequence[str] = (),
        kwok: bool = True,
        scheduler: bool = False,
        log: Callable[[str], None] = lambda _: None,
    ) -> Cluster:
        """A ready cluster whose files are in `directory`, which is made or is empty.

        Builds the programs first where that was never done: many minutes, with
        progress through `log`. Raises LocalClusterError with the end of the log
        of the program that failed; then, and when interrupted, nothing is left running.
        """
        layout = layouts.create(directory, build.ensure(log))
        for _ in range(_PORT_TRIES - 1):
            try:
                return cls(layout, apiserver_flags)._started(kwok, scheduler)
            except ProgramFailed as error:
                if "address already in use" not in str(error):
                    raise
                layout = layouts.on_another_port(layout)
        return cls(layout, apiserver_flags)._started(kwok, scheduler)

    def _started(self, kwok: bool, scheduler: bool) -> Self:
        names = ["etcd", "kube-apiserver", "kube-controller-manager"]
        names += ["kube-scheduler"] * scheduler + ["kwok"] * kwok
        try:
            for name in names:
                self.start_process(name)
        except BaseException:
            self.stop()
            raise
        return self

    # What it is

    @property
    def directory(self) -> Path:
        return self._layout.directory

    @property
    def programs(self) -> Path:
        """The folder with kubectl, helm and the others."""
        return self._layout.programs

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self._layout.server

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator in system:masters."""
        return self._layout.kubeconfig("admin")

    @property
    def environment(self) -> dict[str, str]:
        """What this cluster adds to or replaces in an environment."""
        directory = self.directory
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            # Caches of kubectl and Helm must not land in the user's home.
            "KUBECACHEDIR": str(directory / "cache"),
            "HELM_CACHE_HOME": str(directory / "helm" / "cache"),
            "HELM_CONFIG_HOME": str(directory / "helm" / "config"),
            "HELM_DATA_HOME": str(directory / "helm" / "data"),
        }

    # Talking to it

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """What it printed to stdout; CommandFailed with its stderr when it fails and `check`."""
        return self._command("kubectl", arguments, stdin, check)

    def helm(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """As `kubectl`."""
        return self._command("helm", arguments, stdin, check)

    def _command(self, name: str, arguments: Sequence[str], stdin: str | None, check: bool) -> str:
        done = subprocess.run(
            [self._layout.programs / name, *arguments],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | self.environment,
        )
        if check and done.returncode != 0:
            raise CommandFailed(f"{name} {' '.join(arguments)}", done.returncode, done.stderr)
        return done.stdout

    def identity(self, namespace: str, service_account: str, days: int = 30) -> Path:
        """A kubeconfig that is this ServiceAccount, with a real token that ends after `days`."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        answer = self.api.post(path, {"spec": {"expirationSeconds": days * 86400}})
        return kubeconfig.with_token(
            self._layout.kubeconfig(f"{namespace}.{service_account}"),
            self.server,
            self._layout.ca.read_bytes(),
            service_account,
            answer["status"]["token"],
            namespace,
        )

    def add_nodes(self, shapes: Sequence[NodeShape], ready_seconds: float = 60.0) -> None:
        """Makes the nodes and waits until they have no start-up taint any more.

        They come with the status of a healthy kubelet, which spares KWOK a write each.
        """
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        nodes = [node for shape in shapes for node in shape.ready(now)]
        self.api.each([functools.partial(self.api.post, "/api/v1/nodes", node) for node in nodes])
        names = {node["metadata"]["name"] for node in nodes}
        manager = self._processes["kube-controller-manager"]
        self._wait(manager, "untaint new nodes", lambda: names <= self._ready_nodes(), ready_seconds, 0.3)

    def _ready_nodes(self) -> set[str]:
        nodes = self.api.get("/api/v1/nodes")["items"]
        return {node["metadata"]["name"] for node in nodes if _is_ready(node)}

    def fail_node(self, name: str) -> None:
        """Its kubelet reports NotReady from now on; `mend_node` ends that."""
        self._annotate(name, "true")

    def mend_node(self, name: str) -> None:
        self._annotate(name, None)

    def _annotate(self, node: str, value: str | None) -> None:
        self.api.merge_patch(f"/api/v1/nodes/{node}", {"metadata": {"annotations": {FAKE_DOWN: value}}})

    # Its programs

    def process(self, name: str) -> Process:
        """The latest start of `etcd`, `kube-apiserver`, `kwok` ...; it may have ended."""
        return self._processes[name]

    def start_process(self, name: str) -> Process:
        """Starts it, on the same port and data as before, and waits until it answers.

        kube-scheduler and KWOK have nothing to answer on: they may still be reading what there is.
        """
        process = self._processes.start(
            name,
            commands.of(name, self._layout, self._apiserver_flags),
            self._layout.logs / f"{name}.log",
            environment={**os.environ, "KWOK_WORKDIR": str(self.directory / "kwok")},
            cwd=self.directory,
        )
        self._wait_for_start(process)
        return process

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Sends the signal; for SIGKILL and SIGTERM returns when the program is gone."""
        process = self._processes[name]
        process.signal(number)
        if name == "kube-apiserver":
            self.api.close()  # what it held is cut now
        if number in (signal.SIGKILL, signal.SIGTERM):
            process.wait()

    def require_alive(self) -> None:
        """Raises ProgramFailed, with the end of its log, for a program that has ended."""
        for process in self._processes.all():
            process.require_alive()

    def restart(self, name: str) -> Process:
        self.kill(name, signal.SIGKILL)
        return self.start_process(name)

    def stop(self) -> None:
        """Ends every program; a second call does nothing. The directory stays."""
        self.api.close()
        self._processes.stop(["kwok", "kube-scheduler", "kube-controller-manager"], seconds=2.0)
        # A polite end would wait for watches to close, and there is nothing to be saved.
        self._processes.stop(["kube-apiserver"], seconds=0.5)
        self._processes.stop(["etcd"], seconds=2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_for_start(self, process: Process) -> None:
        match process.name:
            case "etcd":
                self._wait(process, "listen", lambda: _listens(self.directory, commands.ETCD_SOCKET))
            case "kube-apiserver":
                self._wait(process, "be ready", lambda: self.api.answers("/readyz"))
            case "kube-controller-manager":
                # It serves no health page here. The default ServiceAccount is its
                # work, and the one thing that every pod needs.
                path = "/api/v1/namespaces/default/serviceaccounts/default"
                self._wait(process, "make the default ServiceAccount", lambda: self.api.answers(path))

    def _wait(
        self,
        worker: Process,
        what: str,
        done: Callable[[], bool],
        seconds: float = _READY_SECONDS,
        every: float = 0.05,
    ) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            worker.require_alive()
            if time.monotonic() > deadline:
                raise ProgramFailed(
                    f"waited {seconds:g} s for {worker.name} to {what}; the end of {worker.log}:\n{worker.tail()}"
                )
            time.sleep(every)


def _listens(directory: Path, name: str) -> bool:
    """Whether somebody accepts on the socket of that name; its whole path may be too long to name."""
    folder = os.open(directory, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"/proc/self/fd/{folder}/{name}") == 0
    finally:
        os.close(folder)


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    taints = node["spec"].get("taints", [])
    return ready and not any(taint["key"].startswith("node.kubernetes.io/") for taint in taints)
