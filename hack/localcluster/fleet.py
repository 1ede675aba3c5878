"""Nodes that exist only as objects: what a fleet of them looks like.

KWOK is their kubelet. Every node has the labels that a cloud or a data centre
would give it, so pools and topology are declared here as they are elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LABEL_ACCELERATOR = "powertrain.dev/accelerator"
LABEL_BLOCK = "topology.powertrain.dev/block"
LABEL_RACK = "topology.powertrain.dev/rack"
KWOK_ANNOTATION = "kwok.x-k8s.io/node"
FAKE_DOWN = "powertrain.dev/fake-down"
"""Annotation on a node: its kubelet reports NotReady. Those of pods are in stages/pod.yaml."""


@dataclass(frozen=True)
class NodeShape:
    """`count` equal nodes, spread evenly and in order over racks, and racks over blocks.

    A name is `<prefix>-<number>`; racks and blocks are `<prefix>-rack-<number>`
    and `<prefix>-block-<number>`. Without `resource` the nodes have no devices.
    """

    prefix: str
    count: int
    resource: str = ""
    devices: int = 8
    cpu: str = "128"
    memory: str = "1Ti"
    pods: int = 110
    accelerator: str = ""
    racks: int = 1
    blocks: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()

    def manifests(self) -> Iterator[dict[str, Any]]:
        for number in range(self.count):
            yield self._manifest(number)

    def _manifest(self, number: int) -> dict[str, Any]:
        name = f"{self.prefix}-{number}"
        room = {"cpu": self.cpu, "memory": self.memory, "pods": str(self.pods)}
        if self.resource:
            room[self.resource] = str(self.devices)
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {KWOK_ANNOTATION: "fake"},
                "labels": self._labels(name, number),
            },
            "spec": {"taints": [dict(taint) for taint in self.taints]},
            "status": {
                "capacity": room,
                "allocatable": room,
                "addresses": [{"type": "Hostname", "address": name}],
            },
        }

    def ready(self, now: str) -> Iterator[dict[str, Any]]:
        """As `manifests`, with the status that a kubelet would have written by `now` (RFC 3339)."""
        for node in self.manifests():
            node["status"] |= {"conditions": _conditions(now), "nodeInfo": _NODE_INFO}
            yield node

    def _labels(self, name: str, number: int) -> dict[str, str]:
        rack = number * self.racks // self.count
        block = rack * self.blocks // self.racks
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            LABEL_RACK: f"{self.prefix}-rack-{rack}",
            LABEL_BLOCK: f"{self.prefix}-block-{block}",
        }
        if self.accelerator:
            labels[LABEL_ACCELERATOR] = self.accelerator
        return labels | dict(self.labels)


def _conditions(now: str) -> list[dict[str, str]]:
    healthy = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
    return [
        {"type": kind, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
        for kind, status in healthy.items()
    ]


_NODE_INFO = {
    "architecture": "amd64",
    "bootID": "",
    "containerRuntimeVersion": "kwok",
    "kernelVersion": "kwok",
    "kubeProxyVersion": "",
    "kubeletVersion": "kwok",
    "machineID": "",
    "operatingSystem": "linux",
    "osImage": "",
    "systemUUID": "",
}

DEMO_FLEET = (
    NodeShape(
        "h100", 16, "nvidia.com/gpu", accelerator="h100-sxm", cpu="192", memory="2Ti", racks=4, blocks=2
    ),
    NodeShape("ascend", 8, "huawei.com/Ascend910", accelerator="ascend-910b", cpu="192", racks=2),
    NodeShape("l4", 4, "nvidia.com/gpu", devices=4, accelerator="l4", cpu="96", memory="384Gi"),
)
"""16 H100 nodes in four racks and two blocks, 8 Ascend 910B nodes in two racks, 4 L4 nodes."""
