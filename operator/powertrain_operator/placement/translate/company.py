"""What a pod asks of other pods: affinity, anti-affinity and topology spread, as kube-scheduler reads them.

Selectors are kept as they were written: which namespaces they reach depends on the namespaces'
labels, and which pods they pick on the pods that there are.
"""

from collections.abc import Iterable, Mapping

import msgspec
from powertrain_scheduler.snapshot import Requirement

from .views import LabelSelector, Metadata, PodSpec, PodTerm, PodTerms, SpreadConstraint

Labels = Mapping[str, str]
Rules = tuple[Requirement, ...]


class Pick(msgspec.Struct, frozen=True, gc=False):
    """Pods by their labels and namespaces."""

    labels: Rules | None
    """All must hold; None picks nobody."""
    namespaces: tuple[str, ...] = ()
    """Those named, sorted."""
    of_namespaces: Rules | None = None
    """And those with such labels; none of these rules: every namespace."""


class Near(msgspec.Struct, frozen=True, gc=False):
    """Pods within one domain of a node label."""

    pick: Pick
    key: str


class Spread(msgspec.Struct, frozen=True, gc=False):
    """A topology spread constraint."""

    pick: Pick
    key: str
    max_skew: int
    required: bool
    min_domains: int
    honor_affinity: bool
    honor_taints: bool


class Company(msgspec.Struct, frozen=True, gc=False):
    """Everything that one pod asks of others."""

    near: tuple[Near, ...] = ()
    apart: tuple[Near, ...] = ()
    drawn: tuple[tuple[int, Near], ...] = ()
    """(weight, term); negative weights where it would rather be apart."""
    spread: tuple[Spread, ...] = ()

    def picks(self) -> Iterable[Pick]:
        """Every selector in it."""
        yield from (term.pick for term in (*self.near, *self.apart))
        yield from (term.pick for _, term in self.drawn)
        yield from (rule.pick for rule in self.spread)


def company(meta: Metadata, spec: PodSpec, ours: bool) -> Company | None:
    """What the pod asks of others, None where that is nothing; of pods that others place, only whom they keep away."""
    affinity = spec.affinity
    terms = affinity is not None and (affinity.pod_affinity or affinity.pod_anti_affinity)
    if not terms and not spec.topology_spread_constraints:
        return None
    near = affinity.pod_affinity if affinity is not None else None
    apart = affinity.pod_anti_affinity if affinity is not None else None
    found = Company(
        near=_required(meta, near) if ours else (),
        apart=_required(meta, apart),
        drawn=(*_preferred(meta, near, 1), *_preferred(meta, apart, -1)) if ours else (),
        spread=tuple(_spread(meta, each) for each in spec.topology_spread_constraints) if ours else (),
    )
    return found if found != Company() else None


def _required(meta: Metadata, terms: PodTerms | None) -> tuple[Near, ...]:
    return tuple(_near(meta, term) for term in terms.required) if terms else ()


def _preferred(meta: Metadata, terms: PodTerms | None, sign: int) -> tuple[tuple[int, Near], ...]:
    return (
        tuple((sign * each.weight, _near(meta, each.pod_affinity_term)) for each in terms.preferred)
        if terms
        else ()
    )


def _near(meta: Metadata, term: PodTerm) -> Near:
    """Without namespaces of its own a term means the pod's."""
    of_namespaces = _rules(term.namespace_selector) if term.namespace_selector is not None else None
    own = term.namespaces or ((meta.namespace,) if of_namespaces is None else ())
    labels = _with_keys(_rules(term.label_selector), meta.labels, term.match_label_keys, "In")
    labels = _with_keys(labels, meta.labels, term.mismatch_label_keys, "NotIn")
    return Near(Pick(labels, tuple(sorted(set(own))), of_namespaces), term.topology_key)


def _spread(meta: Metadata, rule: SpreadConstraint) -> Spread:
    labels = _with_keys(_rules(rule.label_selector), meta.labels, rule.match_label_keys, "In")
    return Spread(
        pick=Pick(labels, (meta.namespace,)),
        key=rule.topology_key,
        max_skew=max(1, rule.max_skew),
        required=rule.when_unsatisfiable == "DoNotSchedule",
        min_domains=rule.min_domains or 1,
        honor_affinity=rule.node_affinity_policy != "Ignore",
        honor_taints=rule.node_taints_policy == "Honor",
    )


def selector_rules(selector: LabelSelector) -> Rules:
    """Its rules in one order, however they were written."""
    found = [Requirement(key, "In", (value,)) for key, value in selector.match_labels.items()]
    found += [Requirement(r.key, r.operator, tuple(sorted(r.values))) for r in selector.match_expressions]
    return in_order(found)


def _rules(selector: LabelSelector | None) -> Rules | None:
    return selector_rules(selector) if selector is not None else None


def _with_keys(rules: Rules | None, labels: Labels, keys: Iterable[str], operator: str) -> Rules | None:
    """The rules and one more for each key that the pod's own labels have: pods with, or without, the same value."""
    if rules is None:
        return None
    return in_order((*rules, *(Requirement(key, operator, (labels[key],)) for key in keys if key in labels)))


def in_order(rules: Iterable[Requirement]) -> Rules:
    """Each once, sorted: equal selectors are equal values."""
    return tuple(sorted(set(rules), key=lambda rule: (rule.key, rule.operator, rule.values)))


def holds(rules: Rules, labels: Labels) -> bool:
    """Whether the labels pass every rule."""
    return all(_holds(rule, labels) for rule in rules)


def _holds(rule: Requirement, labels: Labels) -> bool:
    value = labels.get(rule.key)
    match rule.operator:
        case "In":
            return value is not None and value in rule.values
        case "NotIn":
            return value is None or value not in rule.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False
