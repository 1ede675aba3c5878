"""Builders for reconcile tests: each takes only what the case is about.

Children are plain manifests, as the API server stores them; `seen_job` and `seen_service` decode them
as the controller does.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from powertrain_operator.api import AcceleratorPool, InferenceService, TrainingJob, parse
from powertrain_operator.api.names import API_VERSION
from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.reconcile import Fleet, NodeHealth, ObservedJob, ObservedService, Outcome, views

Json = dict[str, Any]

NOW = 1_795_500_000.0
"""2026-11-24T06:00:00Z."""

UID = "0e5f2c1a-job"


def job(
    name: str = "llm",
    *,
    workers: int = 2,
    framework: str = "pytorch",
    devices: tuple[str, int] | None = ("h100-sxm", 8),
    status: Mapping[str, Any] | None = None,
    pod: Mapping[str, Any] | None = None,
    container: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Json:
    """A TrainingJob; `pod` goes into its pods' spec, `container` into their only container."""
    first = {"name": "train", "image": "train:1", **(container or {})}
    manifest: Json = {
        "apiVersion": API_VERSION,
        "kind": "TrainingJob",
        "metadata": {"name": name, "namespace": "team-a", "uid": UID, "generation": 1},
        "spec": {
            "framework": framework,
            "workers": {
                "replicas": workers,
                "template": {"spec": {"containers": [first], **(pod or {})}},
            },
            **({"devices": [{"accelerator": devices[0], "perWorker": devices[1]}]} if devices else {}),
            **spec,
        },
    }
    return manifest | {"status": dict(status)} if status is not None else manifest


def service(
    name: str = "chat",
    *,
    replicas: int = 1,
    engine: str = "vllm",
    devices: tuple[str, int] | None = ("l4", 1),
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Json:
    """An InferenceService."""
    manifest: Json = {
        "apiVersion": API_VERSION,
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "team-a", "uid": UID, "generation": 1},
        "spec": {
            "replicas": replicas,
            "engine": engine,
            "model": {"name": "Qwen/Qwen2.5-7B-Instruct"},
            **({"devices": [{"accelerator": devices[0], "perWorker": devices[1]}]} if devices else {}),
            **spec,
        },
    }
    return manifest | {"status": dict(status)} if status is not None else manifest


def pool(
    name: str,
    accelerator: str,
    *,
    resource: str = "nvidia.com/gpu",
    labels: Mapping[str, str] | None = None,
    status: Mapping[str, Any] | None = None,
) -> AcceleratorPool:
    """A pool whose nodes carry its accelerator as a label, unless told otherwise."""
    manifest: Json = {
        "apiVersion": API_VERSION,
        "kind": "AcceleratorPool",
        "metadata": {"name": name},
        "spec": {
            "accelerator": accelerator,
            "resourceName": resource,
            "nodeSelector": dict(labels or {"powertrain.dev/accelerator": accelerator}),
        },
    }
    if status is not None:
        manifest["status"] = dict(status)
    found = parse(manifest)
    assert isinstance(found, AcceleratorPool)
    return found


POOLS = (
    pool("ascend", "ascend-910b", resource="huawei.com/Ascend910"),
    pool("h100", "h100-sxm"),
    pool("l4", "l4"),
)


NODES = ("a", "b", "node-0", "node-1", "node-2", "node-3")


def fleet(
    *pools: AcceleratorPool, queues: Iterable[str] = (), nodes: Mapping[str, str] | None = None
) -> Fleet:
    """The usual pools and healthy nodes unless told otherwise (`ready`, `unready`, `gone`)."""
    health = {name: NodeHealth.READY for name in NODES}
    health |= {name: NodeHealth(word) for name, word in (nodes or {}).items()}
    return Fleet(pools or POOLS, frozenset(queues), health)


USUAL = fleet()


def seen_job(
    manifest: Json, *children: Mapping[str, Any], now: float = NOW, fleet: Fleet = USUAL
) -> ObservedJob:
    """The job with its children, as the controller would show it to the reconciler."""
    found = parse(manifest)
    assert isinstance(found, TrainingJob)
    groups = [msgspec.convert(each, views.PodGroup) for each in children if each["kind"] == "PodGroup"]
    services = [msgspec.convert(each, views.Service) for each in children if each["kind"] == "Service"]
    return ObservedJob(
        now=now,
        job=found,
        pods=tuple(msgspec.convert(each, views.Pod) for each in children if each["kind"] == "Pod"),
        group=groups[0] if groups else None,
        service=services[0] if services else None,
        fleet=fleet,
    )


def seen_service(
    manifest: Json, *children: Mapping[str, Any], now: float = NOW, fleet: Fleet = USUAL
) -> ObservedService:
    """The service with its children, as the controller would show it to the reconciler."""
    found = parse(manifest)
    assert isinstance(found, InferenceService)
    return ObservedService(
        now=now,
        service=found,
        pods=tuple(msgspec.convert(each, views.Pod) for each in children if each["kind"] == "Pod"),
        groups=tuple(
            msgspec.convert(each, views.PodGroup) for each in children if each["kind"] == "PodGroup"
        ),
        services=tuple(
            msgspec.convert(each, views.Service) for each in children if each["kind"] == "Service"
        ),
        fleet=fleet,
    )


def made(outcome: Outcome) -> list[Json]:
    """The children that an outcome applies and creates, as the API server would store them."""
    children = [copy.deepcopy(dict(each)) for each in (*outcome.apply, *outcome.create)]
    for child in children:
        child["metadata"]["uid"] = f"uid-of-{child['kind']}-{child['metadata']['name']}"
    return children


def bound(pod: Mapping[str, Any], node: str, at: float = NOW) -> Json:
    """The pod with a node."""
    condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": to_rfc3339(at)}
    return {
        **pod,
        "spec": {**pod["spec"], "nodeName": node},
        "status": {"phase": "Pending", "conditions": [condition]},
    }


def running(pod: Mapping[str, Any], node: str = "node-0", at: float = NOW) -> Json:
    """The pod with a node, running and ready."""
    pod = bound(pod, node, at) if "nodeName" not in pod["spec"] else dict(pod)
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": to_rfc3339(at)}
    conditions = [*pod["status"]["conditions"], ready]
    return {**pod, "status": {"phase": "Running", "conditions": conditions}}


def ended(
    pod: Mapping[str, Any], exit_code: int, *, reason: str = "", node: str = "node-0", at: float = NOW
) -> Json:
    """The pod after its container ended."""
    pod = bound(pod, node, at) if "nodeName" not in pod["spec"] else dict(pod)
    reason = reason or ("Error" if exit_code else "Completed")
    state = {"terminated": {"exitCode": exit_code, "reason": reason, "finishedAt": to_rfc3339(at)}}
    status = {
        "phase": "Failed" if exit_code else "Succeeded",
        "conditions": pod["status"]["conditions"],
        "containerStatuses": [{"name": "train", "state": state}],
    }
    return {**pod, "status": status}


def leaving(pod: Mapping[str, Any], at: float = NOW) -> Json:
    """The pod after somebody asked for its deletion."""
    return {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": to_rfc3339(at)}}


def disrupted(pod: Mapping[str, Any], message: str, reason: str = "EvictionByEvictionAPI") -> Json:
    """The pod with the condition that says who ended it."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    conditions = [*pod.get("status", {}).get("conditions", []), condition]
    return {**pod, "status": {**pod.get("status", {}), "conditions": conditions}}


def group_status(group: Mapping[str, Any], **status: Any) -> Json:
    """The PodGroup as the placement process left it."""
    return {**group, "status": status}
