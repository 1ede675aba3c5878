"""The three that bind pods: how each is started, and as whom it signs in.

None signs in as administrator: Powertrain and the plain client are the chart's ServiceAccount of the
scheduler, kube-scheduler comes with the certificate that every control plane gives it.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo import install
from localcluster import Cluster

from clusterbench import raw
from clusterbench.workloads import Manifest, Row


@dataclass(frozen=True, slots=True)
class Setup:
    """One run's surroundings, from which a system's command line is made."""

    cluster: Cluster
    directory: Path
    row: Row
    scale: float
    concurrency: int


@dataclass(frozen=True, slots=True)
class System:
    """Who binds."""

    name: str
    scheduler: str
    """`spec.schedulerName` of the pods meant for it."""
    pod_groups: bool
    """Knows PodGroups, so that gangs are given to it as gangs."""
    command: Callable[[Setup], list[str | Path]]


def _raw(setup: Setup) -> list[str | Path]:
    kubeconfig = setup.cluster.identity(install.SYSTEM_NAMESPACE, install.SCHEDULER)
    options = (setup.row.name, str(setup.scale), str(setup.concurrency))
    return [sys.executable, "-m", "clusterbench.raw", kubeconfig, *options]


def _powertrain(setup: Setup) -> list[str | Path]:
    kubeconfig = setup.cluster.identity(install.SYSTEM_NAMESPACE, install.SCHEDULER)
    command = (Path(sys.executable).with_name("powertrain"), "scheduler", "--kubeconfig", kubeconfig)
    return [*command, "--listen", "127.0.0.1:0", "--lease-namespace", install.SYSTEM_NAMESPACE]


def _kube_scheduler(setup: Setup) -> list[str | Path]:
    program = shutil.which("kube-scheduler", path=setup.cluster.environment["PATH"])
    assert program, "the local cluster's programs are on its PATH"
    path = setup.directory / "kube-scheduler.json"
    kubeconfig = setup.cluster.directory / "kube-scheduler.kubeconfig"
    path.write_text(json.dumps(kube_scheduler_configuration(kubeconfig)))
    return [program, f"--config={path}", "--secure-port=0"]


def kube_scheduler_configuration(kubeconfig: Path) -> Manifest:
    """Its defaults, but for the client's limit of 50 requests a second, which would be what is measured."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 5000, "burst": 5000},
    }


SYSTEMS: Mapping[str, System] = {
    system.name: system
    for system in (
        System("raw", raw.SCHEDULER, False, _raw),
        System("kube-scheduler", "default-scheduler", False, _kube_scheduler),
        System("powertrain", "powertrain", True, _powertrain),
    )
}
