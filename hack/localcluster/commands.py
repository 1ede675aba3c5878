"""The command line of each program, and why each flag is there.

A flag is set where the default is wrong for a cluster that is one machine's,
thrown away afterwards and closed to its other users; everything else is as
upstream ships it, so that what passes here passes elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localcluster.errors import LocalClusterError
from localcluster.layout import Layout

# A real kubelet writes its status every five minutes when nothing changes; the
# node-heartbeat stage does the same, and this leaves room for three misses.
# Leases would be the cheaper heartbeat, but a KWOK that was killed and started
# again may not touch a node until the lease of its former self has run out.
_NODE_GRACE = "20m"
_STAGES = Path(__file__).parent / "stages"
# Relative to the cluster's folder, where the programs start: the path of a
# socket may have 107 bytes. What follows the colon is part of the file's name.
ETCD_SOCKET = "etcd.sock:0"
_PEER_SOCKET = "peer.sock:0"


def of(name: str, layout: Layout, apiserver_flags: Sequence[str]) -> list[str | Path]:
    """The command line of the program of that name, to be run in the cluster's folder."""
    match name:
        case "etcd":
            return etcd(layout)
        case "kube-apiserver":
            return apiserver(layout, apiserver_flags)
        case "kube-controller-manager":
            return controller_manager(layout)
        case "kube-scheduler":
            return scheduler(layout)
        case "kwok":
            return kwok(layout)
    raise LocalClusterError(f"{name} is no program of the local cluster")


def etcd(layout: Layout) -> list[str | Path]:
    """Its sockets lie in the cluster's directory, which only its user can enter."""
    return [
        layout.programs / "etcd",
        "--name=local",
        f"--data-dir={layout.data}",
        f"--listen-client-urls=unix://{ETCD_SOCKET}",
        f"--advertise-client-urls=unix://{ETCD_SOCKET}",
        f"--listen-peer-urls=unix://{_PEER_SOCKET}",
        f"--initial-advertise-peer-urls=unix://{_PEER_SOCKET}",
        f"--initial-cluster=local=unix://{_PEER_SOCKET}",
        "--unsafe-no-fsync",  # a killed program loses nothing; a power cut takes the cluster with it
        "--log-level=warn",
    ]


def apiserver(layout: Layout, flags: Sequence[str]) -> list[str | Path]:
    return [
        layout.programs / "kube-apiserver",
        f"--etcd-servers=unix://{ETCD_SOCKET}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",  # an Endpoints object may not hold a loopback address
        f"--secure-port={layout.port}",
        f"--tls-cert-file={layout.pki}/apiserver.crt",
        f"--tls-private-key-file={layout.pki}/apiserver.key",
        f"--client-ca-file={layout.ca}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.pki}/service-accounts.crt",
        f"--service-account-signing-key-file={layout.pki}/service-accounts.key",
        "--service-cluster-ip-range=10.96.0.0/16",
        *flags,
    ]


def controller_manager(layout: Layout) -> list[str | Path]:
    return [
        layout.programs / "kube-controller-manager",
        f"--kubeconfig={layout.kubeconfig('kube-controller-manager')}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={layout.pki}/service-accounts.key",
        f"--root-ca-file={layout.ca}",
        f"--node-monitor-grace-period={_NODE_GRACE}",
        "--node-monitor-period=1s",  # by default 5 s until a node that is back loses its taint
        "--leader-elect=false",  # there is one
        "--secure-port=0",  # nobody asks it anything
        "--kube-api-qps=300",  # by default 20: a fleet of 500 new nodes would take half a minute
        "--kube-api-burst=500",
    ]


def scheduler(layout: Layout) -> list[str | Path]:
    return [
        layout.programs / "kube-scheduler",
        f"--kubeconfig={layout.kubeconfig('kube-scheduler')}",
        f"--authentication-kubeconfig={layout.kubeconfig('kube-scheduler')}",
        f"--authorization-kubeconfig={layout.kubeconfig('kube-scheduler')}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def kwok(layout: Layout) -> list[str | Path]:
    """The kubelet of every node that is annotated as KWOK's."""
    return [
        layout.programs / "kwok",
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--cidr=10.128.0.0/9",  # the addresses of pods
        "--v=WARN",  # at INFO a line for every pod that starts
        *(f"--config={stage}" for stage in sorted(_STAGES.glob("*.yaml"))),
    ]
