"""Volume claims: where a pod's volumes can be used or made, and what is to be done so that they are.

A bound claim keeps its pods to the nodes on which its volume can be used. One whose class waits for
the first consumer keeps them to where a volume may be made or lies unused; once the pod has a node,
`steps` says what binds the claim there. Any other unbound claim is waited for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar

from powertrain_scheduler.snapshot import PodClass

from .. import names
from ..translate import views, volumes
from ..translate.pods import PodFact
from ..translate.volumes import STATIC, ClaimFact, ClassFact, Terms, VolumeFact

V = TypeVar("V")
MOST_CLASSES = 1024
"""Narrowed classes kept; all are made anew beyond this."""


class Step(NamedTuple):
    """What binds one claim for a pod on its node."""

    claim: str
    uid: str
    volume: str
    """The volume to be bound; empty: its class makes one for the node."""


class NoVolume(Exception):
    """A claim's volume is gone, or others took it."""


class Claims:
    """Claims by `namespace/name`, volumes and classes by name; fed only where some pod mounts a claim."""

    def __init__(self) -> None:
        self.wanted = False
        """Some pod mounts a claim, so they need to be watched."""
        self.watched = False
        """They are: a claim that is not here does not exist."""
        self._claims: dict[str, ClaimFact] = {}
        self._volumes: dict[str, VolumeFact] = {}
        self._classes: dict[str, ClassFact] = {}
        self._promised: dict[str, str] = {}
        """By volume, the claim that is being bound to it."""
        self._withdrawn: dict[str, str] = {}
        """By claim, the node for which no volume could be made after all."""
        self._narrowed: dict[tuple[int, tuple[Terms, ...]], tuple[PodClass, PodClass]] = {}

    # --- what the watches say; True where anything changed

    def put_claim(self, key: str, claim: views.PersistentVolumeClaim | None) -> bool:
        """Take in a claim."""
        before, after = self._claims.get(key), volumes.claim_fact(claim) if claim else None
        if before is not None and before.node and after is not None and not after.node:
            self._withdrawn[key] = before.node
        return _put(self._claims, key, after)

    def put_volume(self, key: str, volume: views.PersistentVolume | None) -> bool:
        """Take in a volume."""
        fact = volumes.volume_fact(volume) if volume else None
        if fact is None or fact.claim:
            self._promised.pop(key, None)
        return _put(self._volumes, key, fact)

    def put_class(self, key: str, view: views.StorageClass | None) -> bool:
        """Take in a storage class."""
        return _put(self._classes, key, volumes.class_fact(view) if view else None)

    # --- where a pod may go

    def trouble(self, pod: PodFact) -> str:
        """What is missing of the pod's mounts, as the end of "mounts ..."; empty: nothing."""
        for key in pod.claims:
            if missing := self._missing(key):
                return f"volume claim {names.split(key).name}, {missing}"
        return ""

    def narrowed(self, pod: PodFact) -> PodClass:
        """The pod's class, kept to nodes on which its volumes can be used or made."""
        if not pod.claims:
            return pod.pod_class
        found = {terms for key in pod.claims for terms in self._terms(key) if terms}
        if not found:
            return pod.pod_class
        each = tuple(sorted(found, key=repr))
        known = self._narrowed.get((id(pod.pod_class), each))
        if known is None:
            if len(self._narrowed) >= MOST_CLASSES:
                self._narrowed.clear()
            known = pod.pod_class, replace(pod.pod_class, volumes=each)
            self._narrowed[id(pod.pod_class), each] = known
        return known[1]

    # --- once it has a node

    def steps(self, pod: PodFact, node: str, labels: Mapping[str, str]) -> list[Step]:
        """What binds the pod's claims on that node, each volume promised to its claim from now on.

        Raises NoVolume where one can't be bound there (any more); nothing is promised then.
        """
        found: list[Step] = []
        try:
            for key in pod.claims:
                claim = self._claims.get(key)
                if claim is None:
                    raise NoVolume(f"volume claim {names.split(key).name} does not exist any more")
                self._withdrawn.pop(key, None)
                if not claim.bound:
                    volume = self._choose(key, claim, node, labels)
                    found.append(Step(key, claim.uid, volume))
                    if volume:
                        self._promised[volume] = key
        except NoVolume:
            self.give_up(found)
            raise
        return found

    def give_up(self, steps: list[Step]) -> None:
        """These volumes are free for others again."""
        for step in steps:
            if self._promised.get(step.volume) == step.claim:
                del self._promised[step.volume]

    def is_bound(self, step: Step) -> bool:
        """Whether the claim has its volume. Raises NoVolume where it never will."""
        claim = self._claims.get(step.claim)
        if claim is None or claim.uid != step.uid or claim.lost or claim.leaving:
            raise NoVolume(f"volume claim {names.split(step.claim).name} is gone")
        return claim.bound

    def is_withdrawn(self, claim: str, node: str) -> bool:
        """Whether its class could not make the volume for this node, and says so by taking the node back."""
        return self._withdrawn.get(claim) == node

    def chosen_node(self, claim: str) -> str:
        """The node for which the claim's volume is being made; empty where nobody said so."""
        known = self._claims.get(claim)
        return known.node if known else ""

    # --- inside

    def _missing(self, key: str) -> str:
        if not self.watched:
            return "of which nothing is known (yet): volume claims could not be read"
        claim = self._claims.get(key)
        if claim is None:
            return "which does not exist"
        if claim.lost or claim.leaving:
            return "which is being deleted" if claim.leaving else "whose volume is lost"
        if claim.bound:
            return "" if claim.volume in self._volumes else f"whose volume {claim.volume} does not exist"
        if claim.volume:
            return f"which is being bound to volume {claim.volume}"
        kind = self._classes.get(claim.storage_class)
        if kind is None:
            named = claim.storage_class
            return (
                f"whose storage class {named} does not exist"
                if named
                else "which is not bound and has no class"
            )
        if not kind.waits:
            return (
                f"which is not bound (yet): its class {claim.storage_class} binds claims when they are made"
            )
        if kind.provisioner == STATIC and not any(self._candidates(key, claim)):
            return f"for which no volume of class {claim.storage_class} is free"
        return ""

    def _terms(self, key: str) -> Iterator[Terms]:
        """Of each thing that keeps the claim's pods to some nodes, the terms of which one must hold."""
        claim = self._claims.get(key)
        if claim is None:
            return
        if claim.bound:
            if (volume := self._volumes.get(claim.volume)) is not None:
                yield volume.terms
                yield from volume.zones
            return
        if claim.node:
            yield volumes.at(claim.node)
            return
        kind = self._classes.get(claim.storage_class)
        if kind is None:
            return
        if kind.provisioner != STATIC:
            yield kind.terms
            return
        candidates = list(self._candidates(key, claim))
        if all(volume.terms for volume in candidates):
            yield tuple(dict.fromkeys(term for volume in candidates for term in volume.terms))

    def _candidates(self, key: str, claim: ClaimFact) -> Iterator[VolumeFact]:
        """Volumes that the claim may be bound to, those made for it alone where there are any."""
        free = [
            volume
            for name, volume in self._volumes.items()
            if self._promised.get(name, key) == key and volumes.fits(claim, key, volume)
        ]
        own = [volume for volume in free if volume.claim or self._promised.get(volume.name) == key]
        yield from sorted(own or free, key=lambda volume: (volume.size, volume.name))

    def _choose(self, key: str, claim: ClaimFact, node: str, labels: Mapping[str, str]) -> str:
        """The smallest volume that will do on the node; empty where the class makes one."""
        kind = self._classes.get(claim.storage_class)
        if kind is not None and kind.provisioner != STATIC:
            return ""
        for volume in self._candidates(key, claim):
            if volumes.usable_on(volume, node, labels):
                return volume.name
        raise NoVolume(f"no volume for claim {names.split(key).name} is free on node {node} any more")


def _put(table: dict[str, V], key: str, value: V | None) -> bool:
    if table.get(key) == value:
        return False
    if value is None:
        del table[key]
    else:
        table[key] = value
    return True
