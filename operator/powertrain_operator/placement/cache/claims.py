"""Volume claims: which have a volume, and on which nodes that volume can be used.

Placement does not choose volumes in this version. A pod whose claims are bound goes where their
volumes can be used; one with an unbound claim waits and says so.
"""

from dataclasses import replace
from itertools import product

from powertrain_scheduler.snapshot import NodeTerm, PodClass

from .. import names
from ..translate import views
from ..translate.constraints import any_of
from ..translate.pods import PodFact


class Claims:
    """Claims by `namespace/name`, volumes by name; fed only where some pod mounts a claim."""

    def __init__(self) -> None:
        self.wanted = False
        """Some pod mounts a claim, so they need to be watched."""
        self.watched = False
        """They are: a claim that is not here does not exist."""
        self._volume_of: dict[str, str] = {}
        self._terms: dict[str, tuple[NodeTerm, ...]] = {}

    def put_claim(self, key: str, claim: views.PersistentVolumeClaim | None) -> bool:
        """Take in a claim; True where its volume is another one now. An unbound one has the volume ''."""
        bound = claim is not None and claim.status.phase == "Bound"
        volume = None if claim is None else claim.spec.volume_name if bound else ""
        if self._volume_of.get(key) == volume:
            return False
        if volume is None:
            del self._volume_of[key]
        else:
            self._volume_of[key] = volume
        return True

    def put_volume(self, key: str, volume: views.PersistentVolume | None) -> bool:
        """Take in a volume; True where its nodes are others now. One with no rule can be used anywhere."""
        affinity = volume.spec.node_affinity if volume else None
        terms = any_of(affinity.required) if affinity and affinity.required else ()
        if self._terms.get(key) == (terms if volume else None):
            return False
        if volume is None:
            del self._terms[key]
        else:
            self._terms[key] = terms
        return True

    def trouble(self, pod: PodFact) -> str:
        """What is missing of the pod's mounts, as the end of "mounts ..."; empty: nothing."""
        for key in pod.claims:
            claim = f"volume claim {names.split(key).name}"
            if not self.watched:
                return f"{claim}, of which nothing is known (yet): volume claims could not be read"
            volume = self._volume_of.get(key)
            if volume is None:
                return f"{claim}, which does not exist"
            if not volume:
                return f"{claim}, which is not bound; powertrain binds none: use volumeBindingMode Immediate"
            if volume not in self._terms:
                return f"{claim}, whose volume {volume} does not exist"
        return ""

    def narrowed(self, pod: PodFact) -> PodClass:
        """The pod's class, kept to nodes on which its volumes can be used."""
        narrowed = pod.pod_class
        for key in pod.claims:
            if terms := self._terms.get(self._volume_of.get(key, ""), ()):
                narrowed = replace(narrowed, node_terms=_both(narrowed.node_terms, terms))
        return narrowed


def _both(first: tuple[NodeTerm, ...], second: tuple[NodeTerm, ...]) -> tuple[NodeTerm, ...]:
    """Terms of which one holds where one of each holds; no terms at all hold anywhere."""
    if not first:
        return second
    pairs = product(first, second)
    return tuple(NodeTerm(one.labels + other.labels, one.fields + other.fields) for one, other in pairs)
