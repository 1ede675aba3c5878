"""Powertrain as the demo runs it: one process of its own, with the chart's two identities."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcluster import Cluster, LocalClusterError
from localcluster.process import Process, Processes
from prometheus_client.parser import text_string_to_metric_families

from demo import install

READY_SECONDS = 30.0
_NAME = "powertrain"


class NotReady(LocalClusterError):
    """Powertrain did not become ready, or can no longer be asked; the text says what it answered."""


@dataclass(frozen=True, slots=True)
class Powertrain:
    """A running `powertrain run` and where its two pages are."""

    process: Process
    operator_url: str
    scheduler_url: str

    def require_alive(self) -> None:
        """Raises LocalClusterError with the end of its log once it has ended."""
        self.process.require_alive()


@contextmanager
def running(cluster: Cluster, directory: Path) -> Iterator[Powertrain]:
    """Powertrain, ready; stopped by its pid at the end."""
    operator, scheduler = (f"127.0.0.1:{port}" for port in _free_ports(2))
    processes = Processes()
    try:
        process = processes.start(
            _NAME,
            [
                Path(sys.executable).with_name("powertrain"),
                "run",
                f"--operator-kubeconfig={cluster.identity(install.SYSTEM_NAMESPACE, install.OPERATOR)}",
                f"--scheduler-kubeconfig={cluster.identity(install.SYSTEM_NAMESPACE, install.SCHEDULER)}",
                f"--listen-operator={operator}",
                f"--listen-scheduler={scheduler}",
            ],
            directory / "powertrain.log",
            # Neither the administrator's kubeconfig nor one of the person's own may be found by chance.
            environment={name: value for name, value in os.environ.items() if name != "KUBECONFIG"},
            cwd=directory,
        )
        started = Powertrain(process, f"http://{operator}", f"http://{scheduler}")
        _wait_until_ready(started)
        yield started
    finally:
        processes.stop([_NAME])


def _wait_until_ready(powertrain: Powertrain) -> None:
    deadline = time.monotonic() + READY_SECONDS
    for url in (powertrain.operator_url, powertrain.scheduler_url):
        while problem := _problem(f"{url}/readyz"):
            powertrain.require_alive()
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{url}/readyz: {problem}, not ready within {READY_SECONDS:.0f} s; "
                    f"the end of its log:\n{powertrain.process.tail()}"
                )
            time.sleep(0.1)


def _problem(url: str) -> str:
    """What a GET says when it is no success, else nothing."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return f"status {error.code}: {error.read().decode(errors='replace').strip()}"
    except OSError as error:
        return str(error)


def scrape(url: str) -> dict[str, float]:
    """The /metrics page as `name{label=value}` to figure. Raises NotReady where there is none to be had."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            return figures(answer.read().decode())
    except (OSError, ValueError) as error:
        raise NotReady(f"{url}/metrics cannot be read: {error}") from error


def figures(page: str) -> dict[str, float]:
    """Every sample of a page in Prometheus' text format. Raises ValueError where it is none."""
    samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    return {_title(sample.name, sample.labels): sample.value for sample in samples}


def _title(name: str, labels: Mapping[str, str]) -> str:
    inside = ", ".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def _free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
