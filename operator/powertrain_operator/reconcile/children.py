"""What our children have in common: owner, labels, the hash by which equal ones are left alone."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from powertrain_operator.api import InferenceService, TrainingJob
from powertrain_operator.api.meta import Model
from powertrain_operator.api.names import ANNOTATION_SPEC_HASH, API_VERSION, LABEL_MANAGED_BY, MANAGED_BY
from powertrain_operator.reconcile.outcome import Deletion, Manifest
from powertrain_operator.reconcile.reasons import Problem, Reason
from powertrain_operator.reconcile.views import Metadata

Owner = TrainingJob | InferenceService


def digest(value: object) -> str:
    """Ten hex digits that tell values of JSON apart; the same in every release for the same value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def essence(model: Model) -> dict[str, Any]:
    """A part of a spec for `digest`: without defaults, so that a field which a later release adds
    changes nothing for those who do not use it."""
    return model.model_dump(by_alias=True, exclude_defaults=True, mode="json")


def child_metadata(
    owner: Owner, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Metadata of a child that is deleted with its owner."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": owner.namespace,
        "labels": {**labels, LABEL_MANAGED_BY: MANAGED_BY},
        "ownerReferences": [owner_reference(owner)],
    }
    return metadata | {"annotations": dict(annotations)} if annotations else metadata


def owner_reference(owner: Owner) -> dict[str, Any]:
    """Without blockOwnerDeletion, which would need the right to set finalizers on the owner."""
    return {
        "apiVersion": API_VERSION,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.metadata.uid,
        "controller": True,
    }


def hashed(manifest: Manifest) -> Manifest:
    """The same with the hash of itself, so that a child is applied again only if it would differ."""
    metadata = dict(manifest["metadata"])
    mark = {ANNOTATION_SPEC_HASH: digest(manifest)}
    metadata["annotations"] = {**metadata.get("annotations", {}), **mark}
    return {**manifest, "metadata": metadata}


def is_outdated(child: Metadata | None, wanted: Manifest, owner: Owner) -> bool:
    """Whether our child is missing or was made from something else; what others changed on it is theirs."""
    if child is None:
        return True
    mark: str = wanted["metadata"]["annotations"][ANNOTATION_SPEC_HASH]
    return is_owned(child, owner) and child.annotations.spec_hash != mark


def is_owned(child: Metadata, owner: Owner) -> bool:
    """By this very object, not by an earlier one of the same name."""
    return any(each.controller and each.uid == owner.metadata.uid for each in child.owner_references)


def refuse_foreign(kind: str, child: Metadata | None, owner: Owner) -> None:
    """Problem where a child's name belongs to somebody else, or to an earlier object of our name."""
    if child is None or is_owned(child, owner):
        return
    controller = next((each for each in child.owner_references if each.controller), None)
    if controller and (controller.kind, controller.name) == (owner.kind, owner.name):
        message = f"waits until {kind} {child.name} of the deleted {owner.kind} of this name is gone"
        raise Problem(Reason.NAME_TAKEN, message, passes=True)
    whose = f"belongs to {controller.kind} {controller.name}" if controller else "was not made by Powertrain"
    raise Problem(Reason.NAME_TAKEN, f"{kind} {child.name} {whose}; it has to go, or this needs another name")


def headless_service(owner: Owner, name: str, selector: Mapping[str, str]) -> Manifest:
    """Gives each pod of a gang a DNS name before it is ready: that is how they find each other."""
    spec = {"clusterIP": "None", "selector": dict(selector), "publishNotReadyAddresses": True}
    return hashed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": child_metadata(owner, name, selector),
            "spec": spec,
        }
    )


def pod_group(
    owner: Owner,
    name: str,
    labels: Mapping[str, str],
    spec: Mapping[str, Any],
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """The gang as the placement process sees it."""
    return hashed(
        {
            "apiVersion": API_VERSION,
            "kind": "PodGroup",
            "metadata": child_metadata(owner, name, labels, annotations),
            "spec": dict(spec),
        }
    )


def waiting_terms(owner: Owner) -> dict[str, Any]:
    """The part of a PodGroup's spec that says how the work waits, straight from its owner."""
    spec = owner.spec
    terms: dict[str, Any] = {
        "queue": spec.queue,
        "priority": spec.priority,
        "preemptible": spec.preemptible,
    }
    return terms | {"topology": spec.topology.manifest()} if spec.topology else terms


def deletion(kind: str, child: Metadata, grace_seconds: int | None = None) -> Deletion:
    """This very child."""
    return Deletion(kind, child.namespace, child.name, child.uid, grace_seconds)
