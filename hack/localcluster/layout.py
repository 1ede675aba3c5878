"""Where the files of one cluster are, and the making of those that it starts from."""

from __future__ import annotations

import random
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from localcluster import kubeconfig, pki
from localcluster.errors import LocalClusterError

# Below the ports that the kernel gives to outgoing connections: while the API
# server is down for a restart nobody else is given its port.
_PORTS = range(20000, 30000)
_USERS = {
    "admin": ("admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-scheduler": ("system:kube-scheduler", None),
    "kwok": ("kwok", "system:masters"),
}


@dataclass(frozen=True)
class Layout:
    """The cluster's folder, the folder of its programs, and its one port."""

    directory: Path
    programs: Path
    port: int

    @property
    def pki(self) -> Path:
        return self.directory / "pki"

    @property
    def ca(self) -> Path:
        return self.pki / "ca.crt"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def data(self) -> Path:
        return self.directory / "etcd"

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def kubeconfig(self, user: str) -> Path:
        return self.directory / f"{user}.kubeconfig"


def create(directory: Path, programs: Path) -> Layout:
    """A new cluster's folder with certificates, kubeconfigs and a port that is free now.

    Raises LocalClusterError where a cluster has been before.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise LocalClusterError(f"{directory} is not empty; a cluster starts in a folder of its own")
    directory.chmod(0o700)
    return _fill(Layout(directory, programs, _free_port()))


def on_another_port(layout: Layout) -> Layout:
    """The same anew, for when somebody took the port before the API server did."""
    for part in (layout.pki, layout.logs, layout.data):
        shutil.rmtree(part, ignore_errors=True)
    return _fill(Layout(layout.directory, layout.programs, _free_port()))


def _fill(layout: Layout) -> Layout:
    layout.pki.mkdir()
    layout.logs.mkdir()
    authority = pki.Authority()
    layout.ca.write_bytes(authority.certificate)
    pki.write(layout.pki, "apiserver", authority.server("127.0.0.1", "10.96.0.1"))
    pki.write(layout.pki, "service-accounts", pki.signing_key())
    for name, (user, group) in _USERS.items():
        pair = authority.client(user, group)
        kubeconfig.with_certificate(layout.kubeconfig(name), layout.server, authority.certificate, user, pair)
        if name == "admin":
            pki.write(layout.pki, name, pair)
    return layout


def _free_port() -> int:
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LocalClusterError(f"found no free port between {_PORTS.start} and {_PORTS.stop}")
