"""Pods, and what makes them alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taint:
    """A node's taint. Only `NoSchedule` and `NoExecute` keep pods away here."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True)
class Toleration:
    """A pod's toleration; an empty `key` with `Exists` tolerates all, an empty `effect` any."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One label rule: operator is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """Rules that must all hold: over labels, and over the node's name (`fields`)."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port claimed on the node; address `0.0.0.0` clashes with every address."""

    protocol: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class PodSelector:
    """Pods picked out by their labels. Whoever builds the snapshot says which pods it picks
    (`PodClass.matched`, `Snapshot.matching`); here it is only a name for them."""

    namespaces: tuple[str, ...]
    """Sorted; empty: every namespace."""
    labels: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class PodTerm:
    """Pods of the selector within one domain of the level `key` (a node label key)."""

    selector: PodSelector
    key: str


@dataclass(frozen=True, slots=True)
class SpreadRule:
    """A topology spread constraint: the domains of `key` hold about equally many of the selector's pods."""

    selector: PodSelector
    key: str
    max_skew: int = 1
    required: bool = True
    """`DoNotSchedule`; False: `ScheduleAnyway`, a wish."""
    min_domains: int = 1
    honor_affinity: bool = True
    """Only nodes that the pod's selector and node affinity admit count as domains."""
    honor_taints: bool = False
    """Only nodes whose taints it tolerates do."""


@dataclass(frozen=True, slots=True)
class PodClass:
    """What makes pods interchangeable for placement. Two equal classes are decided once."""

    request: tuple[tuple[str, int], ...]
    """(resource, amount) sorted by resource; always holds (`pods`, 1)."""
    node_terms: tuple[NodeTerm, ...] = ()
    """Required node affinity: any one term suffices; empty means any node."""
    node_selector: tuple[tuple[str, str], ...] = ()
    """Labels the node must have, sorted."""
    preferred: tuple[tuple[int, NodeTerm], ...] = ()
    """Preferred node affinity: (weight 1-100, term)."""
    tolerations: tuple[Toleration, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    share: tuple[str, int] | None = None
    """A part of one device: (extended resource, thousandths 1-999). The resource is not in `request`."""
    volumes: tuple[tuple[NodeTerm, ...], ...] = ()
    """Per volume, the node terms of which one must hold: where its data lie or may be made."""
    matched: tuple[PodSelector, ...] = ()
    """Selectors of anybody's rules that pick these pods, sorted by `repr`."""
    near: tuple[PodTerm, ...] = ()
    """Required pod affinity: every term holds."""
    apart: tuple[PodTerm, ...] = ()
    """Required pod anti-affinity: no term holds."""
    drawn: tuple[tuple[int, PodTerm], ...] = ()
    """Preferred pod affinity: (weight 1-100, term); negative weights for anti-affinity."""
    spread: tuple[SpreadRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A member of a group that waits for a node."""

    name: str
    pod_class: PodClass
    subgroup: str = ""
    """The part of its group that it belongs to; empty: the group itself."""


@dataclass(frozen=True, slots=True)
class PlacedPod:
    """A member of a group that holds a node, or has just been given one (assumed)."""

    name: str
    pod_class: PodClass
    node: str
    leaving: bool = False
    """Being deleted: still counted as used, but about to be free."""
    subgroup: str = ""
    device: str = ""
    """Name of the device it has a share of; empty for pods of whole devices."""
    fixed: bool = False
    """May not be evicted, whatever its group says."""

    def waits(self) -> Pod:
        """The pod as it would wait for a node, once it has been made anew."""
        return Pod(self.name, self.pod_class, self.subgroup)
