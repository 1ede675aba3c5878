"""One given object as the structs and models that placement works with, or what is wrong with it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec

from powertrain_operator import api
from powertrain_operator.api.cluster import Condition, PodGroupView, from_manifest
from powertrain_operator.api.names import GROUP
from powertrain_operator.kube.resources import NAMESPACES

from ..translate import requests, views
from ..watches import CLAIMS, STORAGE_CLASSES, VOLUMES
from .complaints import Complaint, Place, of_struct
from .files import Given, Manifest

T = TypeVar("T")
Errors = list[tuple[str, str]]

PODS_A_NODE = "110"
"""The kubelet's own default, for nodes that somebody wrote by hand without `pods`."""
HOSTNAME = "kubernetes.io/hostname"
"""The label that a kubelet gives its node."""

CORE_KINDS: Mapping[str, type[Any]] = {
    "Node": views.Node,
    "Pod": views.Pod,
    CLAIMS.kind: views.PersistentVolumeClaim,
    VOLUMES.kind: views.PersistentVolume,
    NAMESPACES.kind: views.Namespace,
    STORAGE_CLASSES.kind: views.StorageClass,
}
_GROUPS: Mapping[str, str] = {STORAGE_CLASSES.kind: STORAGE_CLASSES.group}
"""Of core kinds that are in another group than the core's."""
OUR_STRUCTS: Mapping[str, type[Any]] = {
    "PodGroup": PodGroupView,
    "Queue": views.Queue,
    "AcceleratorPool": views.AcceleratorPool,
}
_CLUSTER_WIDE = ("Node", "Queue", "AcceleratorPool", VOLUMES.kind, NAMESPACES.kind, STORAGE_CLASSES.kind)


class Identity(NamedTuple):
    """What no two objects may share."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def key(self) -> str:
        """As a reflector's store names it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Read(NamedTuple):
    """One object that can be used."""

    identity: Identity
    place: str
    struct: Any
    """One of the structs of `CORE_KINDS` or `OUR_STRUCTS`; None for kinds that are only expanded."""
    model: api.AnyObject | None
    """Our kinds' pydantic model."""
    manifest: Manifest


def is_known(given: Given) -> bool:
    """Whether placement has any use for the object's kind."""
    if given.group == GROUP or (given.kind in api.KINDS and not given.group):
        return True
    return given.kind in CORE_KINDS and given.group == _GROUPS.get(given.kind, "")


def read(given: Given, number: int, now: float) -> Read | list[Complaint]:
    """The object, with what the API server would have filled in; or everything that is wrong with it.

    `number` tells how many objects came before: those of a file are as old as their order says.
    """
    identity, errors = _identity(given.manifest)
    if not errors:
        filled = _filled(given.manifest, identity, now, number)
        result: tuple[Any, api.AnyObject | None] | Errors
        try:
            result = _ours(filled) if given.group == GROUP else _core(identity.kind, filled)
        except RecursionError:
            result = [("", "is nested too deeply, or refers to itself")]
        if isinstance(result, tuple):
            struct, model = result
            return Read(identity, str(given.place), struct, model, filled)
        errors = result
    return [Complaint(str(given.place), str(identity), path, message) for path, message in errors]


def _identity(manifest: Manifest) -> tuple[Identity, Errors]:
    errors: Errors = []
    kind, metadata = str(manifest.get("kind") or "object"), manifest.get("metadata")
    if not isinstance(metadata, Mapping):
        return Identity(kind, "", "(no name)"), [("metadata", "must be a mapping")]
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not name:
        errors.append(("metadata.name", "is required, as text"))
    if not isinstance(namespace, str | None):
        errors.append(("metadata.namespace", "must be text"))
    if not manifest.get("apiVersion"):
        errors.append(("apiVersion", "is required"))
    where = "" if kind in _CLUSTER_WIDE else str(namespace or "default")
    return Identity(kind, where, str(name or "(no name)")), errors


def _filled(manifest: Manifest, identity: Identity, now: float, number: int) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if value is not None}
    created = datetime.fromtimestamp(now, UTC) + timedelta(microseconds=number)
    metadata.setdefault("creationTimestamp", created.isoformat())
    metadata.setdefault("uid", f"{identity.kind}/{identity.key}")
    if identity.namespace:
        metadata["namespace"] = identity.namespace
    return {**manifest, "metadata": metadata}


def _ours(manifest: Manifest) -> tuple[Any, api.AnyObject] | Errors:
    try:
        model = api.parse(manifest)
    except api.InvalidObject as invalid:
        return list(invalid.errors)
    struct = OUR_STRUCTS.get(model.kind)
    return (from_manifest(manifest, struct) if struct else None), model


def _core(kind: str, manifest: Manifest) -> tuple[Any, None] | Errors:
    version = f"{_GROUPS[kind]}/v1" if kind in _GROUPS else "v1"
    if manifest["apiVersion"] != version:
        return [("apiVersion", f"must be {version}")]
    try:
        struct = from_manifest(manifest, CORE_KINDS[kind])
    except msgspec.ValidationError as error:
        return [of_struct(error)]
    finish = _FINISH.get(kind)
    finished = finish(struct) if finish else struct
    return finished if isinstance(finished, list) else (finished, None)


def _finished_node(node: views.Node) -> views.Node | Errors:
    """Hand-written nodes may leave out what a kubelet would say: allocatable, pods, conditions, host name."""
    status, meta = node.status, node.metadata
    field = "allocatable" if status.allocatable else "capacity"
    offered = status.allocatable or status.capacity
    if not offered:
        return [("status.allocatable", "is required (or status.capacity): what the node offers")]
    if errors := requests.wrong_amounts(f"status.{field}", offered):
        return errors
    ready = Condition(type="Ready", status="True")
    return msgspec.structs.replace(
        node,
        metadata=msgspec.structs.replace(meta, labels={HOSTNAME: meta.name, **meta.labels}),
        status=msgspec.structs.replace(
            status, allocatable={"pods": PODS_A_NODE, **offered}, conditions=status.conditions or (ready,)
        ),
    )


def _finished_pod(pod: views.Pod) -> views.Pod | Errors:
    if not pod.spec.containers:
        return [("spec.containers", "must have at least one container")]
    return requests.bad_quantities(pod.spec) or pod


_FINISH: Mapping[str, Callable[[Any], Any]] = {"Node": _finished_node, "Pod": _finished_pod}

NOWHERE = Place("made by the operator", 1)
"""The place of objects that nobody wrote."""
