"""Accelerators that real nodes do not have, advertised as extended resources.

A kubelet forgets resources that no plugin of its own stands behind when it starts anew, so this looks
again and again for as long as the cluster is up.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kindcluster import DockerFailed, KindCluster

_SECONDS = 2.0

Devices = Mapping[str, tuple[str, int]]
"""By node: the resource's name and how many."""


@contextmanager
def advertised(cluster: KindCluster, devices: Devices) -> Iterator[None]:
    """The devices are on their nodes, and stay there until the end."""
    ended = threading.Event()
    for node in devices:
        _advertise(cluster, node, devices)
    thread = threading.Thread(target=_keep_on, args=(cluster, devices, ended), name="device-advertiser")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep_on(cluster: KindCluster, devices: Devices, ended: threading.Event) -> None:
    while not ended.wait(_SECONDS):
        try:
            missing = _missing(cluster, devices)
            for node in missing:
                _advertise(cluster, node, devices)
        except DockerFailed:
            continue  # the API server is away, as some stories want it: the next look finds it again


def _missing(cluster: KindCluster, devices: Devices) -> list[str]:
    nodes = json.loads(cluster.kubectl("get", "nodes", "--output=json"))["items"]
    capacity = {node["metadata"]["name"]: node["status"].get("capacity", {}) for node in nodes}
    return [
        node
        for node, (resource, count) in devices.items()
        if node in capacity and capacity[node].get(resource) != str(count)
    ]


def _advertise(cluster: KindCluster, node: str, devices: Devices) -> None:
    resource, count = devices[node]
    figures = {resource: str(count)}
    patch = json.dumps({"status": {"capacity": figures, "allocatable": figures}})
    cluster.kubectl("patch", "node", node, "--subresource=status", "--type=merge", f"--patch={patch}")
