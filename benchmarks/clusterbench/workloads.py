"""The rows of the benchmark as values: which nodes, which pods, in which order.

Knows no API server and no scheduler. Every pod and node has a name that its row and its
position give, so a node for each pod can be worked out beforehand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localcluster.fleet import LABEL_ACCELERATOR, LABEL_BLOCK, LABEL_RACK, NodeShape

Manifest = dict[str, Any]

NAMESPACE = "bench"
DEVICES_PER_NODE = 8
RESOURCE = "nvidia.com/gpu"
ACCELERATOR = "h100-sxm"
GROUP_LABEL = "powertrain.dev/pod-group"


@dataclass(frozen=True, slots=True)
class Group:
    """Pods that are alike. A gang has a PodGroup where the system knows that kind."""

    name: str
    pods: int
    devices: int
    gang: bool = True
    queue: str = "default"
    priority_class: str = ""

    def pod_names(self) -> Iterator[str]:
        return (f"{self.name}-{index:05d}" for index in range(self.pods))


CANARY = Group("canary", 1, 1, gang=False)
"""One pod that is bound and removed before the clock starts: the system is up and sees the nodes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One workload. `nodes` have 8 devices each."""

    name: str
    title: str
    nodes: int
    groups: tuple[Group, ...]
    """Submitted in this order."""
    submitted_first: bool = False
    """Submitted before the system starts: the clock starts with the system's process."""
    filling: Group | None = None
    """Pods that already hold devices, created with their node set."""
    unplaceable: str = ""
    """The group that cannot fit, where the question is how soon that is told."""
    systems: tuple[str, ...] = ("raw", "kube-scheduler", "powertrain")

    @property
    def placeable(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.name != self.unplaceable)

    @property
    def pods(self) -> int:
        """Pods that are to get a node."""
        return sum(group.pods for group in self.placeable)


def rows(scale: float = 1.0) -> dict[str, Row]:
    """The six rows; `scale` shrinks nodes and counts of pods or gangs alike."""

    def scaled(count: int) -> int:
        return max(1, round(count * scale))

    nodes = scaled(500)
    singles = Group("single", nodes * DEVICES_PER_NODE, 1, gang=False)
    large = Group("large", scaled(512), DEVICES_PER_NODE)
    gangs = tuple(Group(f"gang{index:03d}", 16, 2) for index in range(scaled(100)))
    misfit = Group("misfit", nodes + 1, DEVICES_PER_NODE)
    small = Group("small", 1, 1)
    reclaiming = Group("reclaiming", scaled(64), DEVICES_PER_NODE, queue="research", priority_class="high")
    borrowers = replace(singles, name="borrower", priority_class="low")
    both = ("kube-scheduler", "powertrain")
    found = (
        Row("1a", f"{singles.pods} one-device pods, submitted while it runs", nodes, (singles,)),
        Row(
            "1b", f"{singles.pods} one-device pods, submitted first", nodes, (singles,), submitted_first=True
        ),
        Row("2", f"one gang of {large.pods} x 8", large.pods, (large,)),
        Row("3", f"{len(gangs)} gangs of 16 x 2", nodes, gangs),
        Row(
            "4",
            f"a gang of {misfit.pods} x 8 that cannot fit, then one small pod",
            nodes,
            (misfit, small),
            unplaceable=misfit.name,
            systems=both,
        ),
        Row(
            "5",
            f"full; a gang of {reclaiming.pods} x 8 takes back {reclaiming.pods * 8} borrowed devices",
            nodes,
            (reclaiming,),
            filling=borrowers,
            systems=both,
        ),
    )
    return {row.name: row for row in found}


def assignment(row: Row, names: Sequence[str]) -> dict[str, str]:
    """A node for each pod, filled one after another: what the plain client binds to."""
    places: dict[str, str] = {}
    taken = 0
    for group in row.placeable:
        for pod in group.pod_names():
            places[pod] = names[taken // DEVICES_PER_NODE]
            taken += group.devices
    return places


def filled(filling: Group, names: Sequence[str]) -> dict[str, str]:
    """A node for each pod of the filling, in turn: pods of one age lie on many nodes, as on a used fleet."""
    return {pod: names[index % len(names)] for index, pod in enumerate(filling.pod_names())}


def pod(group: Group, name: str, scheduler: str, *, node: str = "") -> Manifest:
    """One pod; with `node` it is created as already placed."""
    limits = {RESOURCE: str(group.devices), "cpu": "1", "memory": "1Gi"}
    spec: Manifest = {
        "schedulerName": scheduler,
        "containers": [
            {"name": "main", "image": "registry.k8s.io/pause:3.10", "resources": {"limits": limits}}
        ],
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
    }
    if group.priority_class:
        spec["priorityClassName"] = group.priority_class
    if node:
        spec["nodeName"] = node
    labels = {GROUP_LABEL: group.name} if group.gang else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "bench", **labels}},
        "spec": spec,
    }


def pod_group(group: Group) -> Manifest:
    """The gang's PodGroup; the benchmark makes it itself, no operator takes part."""
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": group.name, "namespace": NAMESPACE},
        "spec": {"queue": group.queue, "minMember": group.pods},
    }


def fleet(row: Row) -> NodeShape:
    """The row's nodes: racks of about 16, four blocks."""
    racks = -(-row.nodes // 16)
    return NodeShape(
        "gpu",
        row.nodes,
        RESOURCE,
        DEVICES_PER_NODE,
        accelerator=ACCELERATOR,
        racks=racks,
        blocks=min(4, racks),
    )


def node_names(row: Row) -> tuple[str, ...]:
    return tuple(manifest["metadata"]["name"] for manifest in fleet(row).manifests())


def fixtures(row: Row) -> list[Manifest]:
    """What exists before anything is submitted: pool, priorities, queues.

    Row 5 lends: `research` owns what its gang will want, `default` holds the whole fleet.
    """
    found: list[Manifest] = [
        {
            "apiVersion": "powertrain.dev/v1alpha1",
            "kind": "AcceleratorPool",
            "metadata": {"name": "h100"},
            "spec": {
                "nodeSelector": {LABEL_ACCELERATOR: ACCELERATOR},
                "accelerator": ACCELERATOR,
                "resourceName": RESOURCE,
                "topologyLevels": [LABEL_BLOCK, LABEL_RACK],
            },
        },
    ]
    if row.filling:
        owned = sum(group.pods * group.devices for group in row.groups)
        rest = row.nodes * DEVICES_PER_NODE - owned
        found += [_priority("low", 1), _priority("high", 1000)]
        found += [_queue("fleet"), _queue("default", rest, "fleet"), _queue("research", owned, "fleet")]
    return found


def _priority(name: str, value: int) -> Manifest:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


def _queue(name: str, nominal: int | None = None, parent: str = "") -> Manifest:
    spec: Manifest = {"parent": parent} if parent else {}
    if nominal is not None:
        spec["quotas"] = [{"accelerator": ACCELERATOR, "nominal": nominal}]
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "Queue",
        "metadata": {"name": name},
        "spec": spec,
    }
