"""Volume claims, volumes and storage classes as placement knows them: where a pod's data are or may be made."""

from collections.abc import Mapping

import msgspec
from powertrain_scheduler.snapshot import NodeTerm, Requirement

from powertrain_operator.api import quantity

from . import views
from .company import Rules, holds, selector_rules
from .constraints import any_of

STATIC = "kubernetes.io/no-provisioner"
"""Of classes whose volumes exist already, such as local disks; nobody makes new ones."""
ZONES = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
"""Labels of a volume that say where it can be used, several values joined by `__`."""
Terms = tuple[NodeTerm, ...]


class ClaimFact(msgspec.Struct, frozen=True, gc=False):
    """What a decision can depend on of one volume claim."""

    uid: str
    volume: str
    """The one it is bound to, or named for it."""
    bound: bool
    lost: bool
    leaving: bool
    storage_class: str
    modes: frozenset[str]
    size: int
    """Bytes."""
    block: bool
    selector: Rules | None
    node: str
    """Chosen already, while its volume is being made."""


class VolumeFact(msgspec.Struct, frozen=True, gc=False):
    """What a decision can depend on of one volume."""

    name: str
    terms: Terms
    """Nodes on which it can be used; empty: all."""
    zones: tuple[Terms, ...]
    """What its labels say about that, beside."""
    claim: str
    """`namespace/name` of the claim it is for; empty while it is for any."""
    available: bool
    storage_class: str
    modes: frozenset[str]
    size: int
    block: bool
    labels: dict[str, str]


class ClassFact(msgspec.Struct, frozen=True, gc=False):
    """How claims of a storage class come to volumes."""

    provisioner: str
    waits: bool
    """Until a pod that mounts the claim has a node."""
    terms: Terms
    """Nodes for which it makes volumes; empty: all."""


def claim_fact(claim: views.PersistentVolumeClaim) -> ClaimFact:
    """A claim whose size cannot be read asks for none in particular."""
    spec, meta = claim.spec, claim.metadata
    return ClaimFact(
        uid=meta.uid,
        volume=spec.volume_name,
        bound=claim.status.phase == "Bound",
        lost=claim.status.phase == "Lost",
        leaving=meta.deletion_timestamp is not None,
        storage_class=spec.storage_class_name,
        modes=frozenset(spec.access_modes),
        size=_bytes(spec.resources.requests.get("storage", "0")),
        block=spec.volume_mode == "Block",
        selector=selector_rules(spec.selector) if spec.selector is not None else None,
        node=meta.annotations.selected_node,
    )


def volume_fact(volume: views.PersistentVolume) -> VolumeFact:
    """One volume."""
    spec, labels = volume.spec, volume.metadata.labels
    affinity = spec.node_affinity
    claim = spec.claim_ref
    return VolumeFact(
        name=volume.metadata.name,
        terms=any_of(affinity.required) if affinity and affinity.required else (),
        zones=tuple(_zone(key, labels[key]) for key in ZONES if key in labels),
        claim=f"{claim.namespace}/{claim.name}" if claim else "",
        available=volume.status.phase in ("Available", "Pending")
        and volume.metadata.deletion_timestamp is None,
        storage_class=spec.storage_class_name,
        modes=frozenset(spec.access_modes),
        size=_bytes(spec.capacity.get("storage", "0")),
        block=spec.volume_mode == "Block",
        labels=labels,
    )


def class_fact(view: views.StorageClass) -> ClassFact:
    """One storage class."""
    terms = (
        NodeTerm(tuple(Requirement(rule.key, "In", rule.values) for rule in term.match_label_expressions))
        for term in view.allowed_topologies
    )
    return ClassFact(view.provisioner, view.volume_binding_mode == "WaitForFirstConsumer", tuple(terms))


def fits(claim: ClaimFact, key: str, volume: VolumeFact) -> bool:
    """Whether the claim (by `namespace/name`) may be bound to the volume, wherever that can be used."""
    if volume.claim:
        return volume.claim == key
    return (
        volume.available
        and volume.storage_class == claim.storage_class
        and volume.modes >= claim.modes
        and volume.size >= claim.size
        and volume.block == claim.block
        and (claim.selector is None or holds(claim.selector, volume.labels))
    )


def usable_on(volume: VolumeFact, node: str, labels: Mapping[str, str]) -> bool:
    """Whether the volume can be used on the node."""
    return all(
        not terms or any(_matches(t, node, labels) for t in terms) for terms in (volume.terms, *volume.zones)
    )


def at(node: str) -> Terms:
    """That node alone."""
    return (NodeTerm(fields=(Requirement("metadata.name", "In", (node,)),)),)


def _matches(term: NodeTerm, node: str, labels: Mapping[str, str]) -> bool:
    return holds(term.labels, labels) and holds(term.fields, {"metadata.name": node})


def _zone(key: str, text: str) -> Terms:
    """Nodes with one of the values; also those that say nothing of zones, as kube-scheduler has it."""
    values = tuple(sorted(text.split("__")))
    nowhere = tuple(Requirement(each, "DoesNotExist") for each in ZONES)
    return (NodeTerm((Requirement(key, "In", values),)), NodeTerm(nowhere))


def _bytes(text: quantity.Quantity) -> int:
    try:
        return quantity.whole(text)
    except ValueError:
        return 0
