"""The shapes in which a TrainingJob would run: which one its pods are made for, and what placement is told of the others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from powertrain_operator.api import AcceleratorPool, TrainingJob
from powertrain_operator.api.podtemplate import pod_manifest
from powertrain_operator.api.trainingjob import Shape
from powertrain_operator.reconcile.devices import Grant, grant_of
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.podbuilder import with_grant
from powertrain_operator.reconcile.podstate import is_bound
from powertrain_operator.reconcile.reasons import Problem
from powertrain_operator.reconcile.views import Pod

PLACING = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "overhead",
    "hostNetwork",
    "resources",
)
"""Fields of a pod's spec beside its containers that say where it may go and what it needs."""


def shape_of(seen: ObservedJob, pods: Sequence[Pod]) -> Shape | None:
    """What the present attempt, with these pods, is made for; None for work without devices.

    Pods that hold nodes have decided it. Before that it is what the placement process chose, as far as
    pools offer it, else the first that they offer.
    """
    shapes = seen.job.spec.devices
    if len(shapes) < 2:
        return next(iter(shapes), None)
    by_title = {shape.title: shape for shape in shapes}
    for pod in pods:
        if is_bound(pod) and pod.metadata.labels.shape in by_title:
            return by_title[pod.metadata.labels.shape]
    there = [shape for shape in shapes if _grant(shape, seen.fleet.pools) is not None]
    chosen = by_title.get(seen.group.status.shape) if seen.group else None
    return chosen if chosen in there else next(iter(there), shapes[0])


def workers_of(job: TrainingJob, shape: Shape | None) -> int:
    """How many workers the gang has in this shape."""
    return shape.workers if shape is not None and shape.workers else job.spec.workers.replicas


def choices(job: TrainingJob, pools: Iterable[AcceleratorPool]) -> list[dict[str, Any]]:
    """`spec.shapes` of the PodGroup: those that pools offer; none where the job has no choice."""
    shapes, offered = job.spec.devices, tuple(pools)
    if len(shapes) < 2:
        return []
    found = [(shape, _grant(shape, offered)) for shape in shapes]
    return [_choice(job, shape, grant) for shape, grant in found if grant is not None]


def _choice(job: TrainingJob, shape: Shape, grant: Grant) -> dict[str, Any]:
    return {
        "name": shape.title,
        "minMember": workers_of(job, shape),
        "speed": shape.speed,
        "podSpec": placing(with_grant(pod_manifest(job.spec.workers.template)["spec"], grant)),
    }


def placing(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What of a pod's spec says where it may go and what it needs."""
    kept = {field: spec[field] for field in PLACING if spec.get(field)}
    for field in ("containers", "initContainers"):
        if spec.get(field):
            kept[field] = [_needs(container) for container in spec[field]]
    return kept


def _needs(container: Mapping[str, Any]) -> dict[str, Any]:
    fields = ("name", "resources", "ports", "restartPolicy")
    return {field: container[field] for field in fields if container.get(field)}


def _grant(shape: Shape, pools: tuple[AcceleratorPool, ...]) -> Grant | None:
    """None where no pool offers it."""
    try:
        return grant_of((shape,), pools)
    except Problem:
        return None
