"""TrainingJobs and InferenceServices as the PodGroups and pods that the operator would make of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from powertrain_operator import api
from powertrain_operator.api.cluster import from_manifest
from powertrain_operator.api.names import LABEL_JOB, LABEL_SERVICE
from powertrain_operator.reconcile import (
    Fleet,
    Manifest,
    ObservedJob,
    ObservedService,
    Outcome,
    reconcile_inference_service,
    reconcile_training_job,
)
from powertrain_operator.reconcile import views as seen

Owner = api.TrainingJob | api.InferenceService

ROUNDS = 4
"""A new object needs one; one that was dumped in the middle of its life may need a status or two first."""


_WAITS = ("Queued", "Restarting", "Pending")
"""Phases in which an object without children of its own waits for something else than room."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An object of which nothing is made as things are."""

    namespace: str
    name: str
    reason: str
    message: str


class Children(NamedTuple):
    """What would be made of one object."""

    manifests: tuple[Manifest, ...]
    refused: Refused | None = None


def children(owner: Owner, existing: Iterable[Manifest], fleet: Fleet, now: float) -> Children:
    """PodGroups and pods to be made for the owner, beside the `existing` objects of its namespace."""
    made: list[Manifest] = []
    status: Mapping[str, Any] = owner.status.manifest() if owner.status else {}
    there = list(existing)
    for _ in range(ROUNDS):
        outcome = _reconcile(owner, there, fleet, now)
        new = [each for each in (*outcome.apply, *outcome.create) if each["kind"] in ("PodGroup", "Pod")]
        made += new
        there += (*outcome.apply, *outcome.create)
        if outcome.status is None or outcome.status == status:
            break
        status = outcome.status
        owner = _with_status(owner, status)
    if status.get("phase") == "Invalid" or (not there_for(owner, there) and status.get("phase") in _WAITS):
        why = (str(status.get("reason", "")), str(status.get("message", "")))
        return Children((), Refused(owner.namespace, owner.name, *why))
    return Children(tuple({(each["kind"], each["metadata"]["name"]): each for each in made}.values()))


def there_for(owner: Owner, objects: Iterable[Manifest]) -> list[Manifest]:
    """The PodGroups, pods and Services among these that bear the owner's label."""
    label = LABEL_JOB if isinstance(owner, api.TrainingJob) else LABEL_SERVICE
    mine = (each for each in objects if (each["metadata"].get("labels") or {}).get(label) == owner.name)
    return [each for each in mine if each.get("kind") in ("PodGroup", "Pod", "Service")]


def _with_status(owner: Owner, status: Mapping[str, Any]) -> Owner:
    told = api.parse({**owner.manifest(), "status": status})
    assert isinstance(told, api.TrainingJob | api.InferenceService)
    return told


def _reconcile(owner: Owner, there: list[Manifest], fleet: Fleet, now: float) -> Outcome:
    mine = there_for(owner, there)
    pods = tuple(from_manifest(each, seen.Pod) for each in mine if each["kind"] == "Pod")
    groups = tuple(from_manifest(each, seen.PodGroup) for each in mine if each["kind"] == "PodGroup")
    services = tuple(from_manifest(each, seen.Service) for each in mine if each["kind"] == "Service")
    if isinstance(owner, api.TrainingJob):
        group, service = next(iter(groups), None), next(iter(services), None)
        return reconcile_training_job(ObservedJob(now, owner, pods, group, service, fleet))
    return reconcile_inference_service(ObservedService(now, owner, pods, groups, services, fleet))
