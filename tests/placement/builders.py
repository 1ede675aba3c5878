"""Manifests for placement's tests: each builder takes only what the case is about."""

from collections.abc import Mapping
from typing import Any

from powertrain_operator.api.cluster import PodGroupView, from_manifest
from powertrain_operator.placement.translate import views

Json = dict[str, Any]
GPU = "nvidia.com/gpu"
RACK = "topology.example/rack"
CREATED = "2026-11-24T08:00:00Z"


def pod(
    name: str,
    *,
    namespace: str = "team",
    group: str | None = None,
    gpu: int = 0,
    node: str = "",
    ours: bool = True,
    rank: int | None = None,
    labels: Mapping[str, str] | None = None,
    leaving: bool = False,
    phase: str = "Pending",
    created: str = CREATED,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Json:
    """A pod of one container; `spec` adds to or replaces fields of its spec."""
    labels = dict(labels or {})
    if group is not None:
        labels["powertrain.dev/pod-group"] = group
    if rank is not None:
        labels["powertrain.dev/rank"] = str(rank)
    resources = {"requests": {GPU: str(gpu)}} if gpu else {}
    whole: Json = {"containers": [{"name": "main", "resources": resources}]}
    if ours:
        whole["schedulerName"] = "powertrain"
    if node:
        whole["nodeName"] = node
    metadata: Json = {"name": name, "namespace": namespace, "labels": labels, "creationTimestamp": created}
    if annotations:
        metadata["annotations"] = dict(annotations)
    if leaving:
        metadata["deletionTimestamp"] = "2026-11-24T09:00:00Z"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": whole | spec,
        "status": {"phase": phase},
    }


def node(
    name: str,
    *,
    gpu: int = 0,
    rack: str = "",
    ready: bool = True,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> Json:
    """A node with 64 CPUs, 512 GiB and room for 110 pods."""
    offered = {"cpu": "64", "memory": "512Gi", "pods": "110"} | ({GPU: str(gpu)} if gpu else {})
    labels = dict(labels or {}) | ({RACK: rack} if rack else {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {
            "allocatable": offered,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def pod_group(name: str, *, namespace: str = "team", minimum: int = 1, **spec: Any) -> Json:
    """A PodGroup in the default queue."""
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": CREATED},
        "spec": {"minMember": minimum} | spec,
    }


def queue(name: str, **spec: Any) -> Json:
    """A queue without quota unless `spec` has some."""
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "Queue",
        "metadata": {"name": name, "creationTimestamp": CREATED},
        "spec": spec,
    }


def pool(name: str = "h100", *, labels: Mapping[str, str] | None = None, **spec: Any) -> Json:
    """A pool of the nodes with label `pool=<name>`, with figures of its own."""
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "AcceleratorPool",
        "metadata": {"name": name},
        "spec": {
            "nodeSelector": dict(labels or {"pool": name}),
            "accelerator": name,
            "resourceName": GPU,
            "topologyLevels": [RACK],
            "power": {"deviceIdleWatts": 100, "deviceActiveWatts": 700, "hostWatts": 1000},
        }
        | spec,
    }


def pod_view(manifest: Json) -> views.Pod:
    return from_manifest(manifest, views.Pod)


def node_view(manifest: Json) -> views.Node:
    return from_manifest(manifest, views.Node)


def group_view(manifest: Json) -> PodGroupView:
    return from_manifest(manifest, PodGroupView)
