"""Pods of a gang from the template of their author.

The template is taken as it is; what is added is what a member of a gang needs. A gang may have
10,000 members, so what they share is made once (`base`) and shared between their manifests.
"""

from collections.abc import Mapping
from typing import Any

from powertrain_operator.api.names import SCHEDULER_NAME
from powertrain_operator.reconcile.children import Owner, child_metadata
from powertrain_operator.reconcile.devices import Grant, with_devices, with_node_affinity
from powertrain_operator.reconcile.outcome import Manifest

SHARED_MEMORY = "/dev/shm"
SHARED_MEMORY_VOLUME = "powertrain-shm"


def base(
    template: Mapping[str, Any],
    owner: Owner,
    *,
    group: Mapping[str, str],
    annotations: Mapping[str, str],
    grant: Grant | None,
    subdomain: str | None,
    restart_policy: str,
) -> Manifest:
    """What the pods of one gang share; `group` are the labels that all of them carry."""
    theirs = template.get("metadata") or {}
    labels = {**(theirs.get("labels") or {}), **group}
    metadata = child_metadata(owner, "", labels, {**(theirs.get("annotations") or {}), **annotations})
    spec = {
        "restartPolicy": restart_policy,
        # With thousands of Services in a namespace the variables alone can keep a container from starting.
        "enableServiceLinks": False,
        **template["spec"],
        "schedulerName": SCHEDULER_NAME,
    }
    if subdomain is not None:
        spec["subdomain"] = subdomain
    spec = with_shared_memory(spec)
    if grant is not None:
        spec = with_grant(spec, grant)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def with_grant(spec: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """The pod's spec held to the pools' nodes, with the devices in its first container."""
    held = with_node_affinity(spec, grant)
    return {**held, "containers": [with_devices(held["containers"][0], grant), *held["containers"][1:]]}


def member(
    pod: Manifest, name: str, labels: Mapping[str, str], variables: Mapping[str, str | Mapping[str, Any]]
) -> Manifest:
    """One pod of the gang, with its own labels and, in its first container, its own environment."""
    metadata = {**pod["metadata"], "name": name, "labels": {**pod["metadata"]["labels"], **labels}}
    first, *others = pod["spec"]["containers"]
    spec = {**pod["spec"], "containers": [with_environment(first, variables), *others]}
    if "subdomain" in spec:
        spec["hostname"] = name
    return {**pod, "metadata": metadata, "spec": spec}


def with_environment(
    container: Mapping[str, Any], variables: Mapping[str, str | Mapping[str, Any]]
) -> dict[str, Any]:
    """The container with variables put before its own, which may refer to ours and win over them.

    A value is a text, or where it is known only later, a `valueFrom`.
    """
    theirs = container.get("env") or []
    taken = {entry.get("name") for entry in theirs}
    ours = [
        {"name": name, "value": value} if isinstance(value, str) else {"name": name, "valueFrom": value}
        for name, value in variables.items()
        if name not in taken
    ]
    return {**container, "env": [*ours, *theirs]}


def with_shared_memory(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The pod's spec with room in /dev/shm, where runtimes give 64 MiB and NCCL and data loaders need more.

    It counts against the container's memory limit. Left alone where the template mounts something there.
    """
    containers = spec["containers"]
    mounts = [mount for each in containers for mount in each.get("volumeMounts") or []]
    if any(mount.get("mountPath", "").rstrip("/") == SHARED_MEMORY for mount in mounts):
        return dict(spec)
    mount = {"name": SHARED_MEMORY_VOLUME, "mountPath": SHARED_MEMORY}
    first = {**containers[0], "volumeMounts": [*(containers[0].get("volumeMounts") or []), mount]}
    volume = {"name": SHARED_MEMORY_VOLUME, "emptyDir": {"medium": "Memory"}}
    return {
        **spec,
        "containers": [first, *containers[1:]],
        "volumes": [*(spec.get("volumes") or []), volume],
    }
