"""Where labels, taints and names let a class of pods go, as kube-scheduler reads them.

Worked out once per set of facts: no placement changes it. A rule that Kubernetes would refuse
matches nothing.
"""

import re
from collections.abc import Iterator
from functools import partial
from operator import eq

import numpy as np

from powertrain_scheduler import columns
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Fleet, Traits
from powertrain_scheduler.snapshot import NodeFacts, NodeTerm, PodClass, Requirement, Taint, Toleration

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_LIMIT = 1 << 63
"""Kubernetes reads numbers in labels as 64-bit integers; what is none matches neither Gt nor Lt."""
HOLDING_EFFECTS = ("NoSchedule", "NoExecute")


def may(fleet: Fleet, traits: Traits) -> Mask:
    """Nodes that pass everything but free room: schedulable, selected, and every taint tolerated."""
    return fleet.keep("may", traits.number, lambda: static(fleet.facts, traits.pod_class))


def static(facts: NodeFacts, pod_class: PodClass) -> Mask:
    """The same, kept for as long as the facts live: equal rules share one mask."""
    selection = (pod_class.node_terms, pod_class.node_selector)
    key = ("static", *selection, pod_class.tolerations, pod_class.volumes)
    return columns.remember(facts, key, lambda: _static(facts, pod_class))


def _static(facts: NodeFacts, pod_class: PodClass) -> Mask:
    mask = facts.schedulable.copy()
    for _, passed in checks(facts, pod_class):
        mask &= passed
    return mask


def selected(facts: NodeFacts, pod_class: PodClass) -> Mask:
    """Nodes that the class's selector and required node affinity admit."""
    return _all(facts, _selection(facts, pod_class))


def tolerating(facts: NodeFacts, pod_class: PodClass) -> Mask:
    """Nodes without a taint that keeps the class away."""
    return _all(facts, _taints(facts, pod_class))


def _all(facts: NodeFacts, checked: Iterator[tuple[str, Mask]]) -> Mask:
    mask = np.ones(len(facts.names), dtype=np.bool_)
    for _, passed in checked:
        mask &= passed
    return mask


def checks(facts: NodeFacts, pod_class: PodClass) -> Iterator[tuple[str, Mask]]:
    """Each check by itself, in the order they are told to people: (what failing nodes do, nodes that pass)."""
    yield from _selection(facts, pod_class)
    yield from _taints(facts, pod_class)
    for terms in pod_class.volumes:
        yield "are where a volume of the pod cannot be used", any_term(facts, terms)


def _selection(facts: NodeFacts, pod_class: PodClass) -> Iterator[tuple[str, Mask]]:
    for key, value in pod_class.node_selector:
        yield f"lack label {key}={value}", columns.label(facts, key).rows_where(partial(eq, value))
    if pod_class.node_terms:
        yield "do not match the pod's node affinity", any_term(facts, pod_class.node_terms)


def _taints(facts: NodeFacts, pod_class: PodClass) -> Iterator[tuple[str, Mask]]:
    taints = columns.taint_sets(facts)
    holding = [[t for t in group if t.effect in HOLDING_EFFECTS] for group in taints.sets]
    refused = [next((t for t in group if not tolerated(t, pod_class.tolerations)), None) for group in holding]
    for taint in dict.fromkeys(t for t in refused if t is not None):
        free = np.array([t != taint for t in refused], dtype=np.bool_)
        yield f"have taint {taint.key}{'=' + taint.value if taint.value else ''}", free[taints.codes]


def tolerated(taint: Taint, tolerations: tuple[Toleration, ...]) -> bool:
    """Whether any of the tolerations matches the taint."""
    return any(_tolerates(each, taint) for each in tolerations)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in ("", "Equal") and toleration.value == taint.value


def any_term(facts: NodeFacts, terms: tuple[NodeTerm, ...]) -> Mask:
    """Nodes that one of the terms matches."""
    mask = np.zeros(len(facts.names), dtype=np.bool_)
    for term in terms:
        mask |= term_matches(facts, term)
    return mask


def term_matches(facts: NodeFacts, term: NodeTerm) -> Mask:
    """Nodes on which every rule of the term holds; a term without rules matches none."""
    if not term.labels and not term.fields:
        return np.zeros(len(facts.names), dtype=np.bool_)
    mask = np.ones(len(facts.names), dtype=np.bool_)
    for rule in term.labels:
        mask &= _label_matches(facts, rule)
    for rule in term.fields:
        mask &= _name_matches(facts, rule)
    return mask


def _label_matches(facts: NodeFacts, rule: Requirement) -> Mask:
    column = columns.label(facts, rule.key)
    match rule.operator:
        case "In":
            return column.rows_where(lambda value: value in rule.values)
        case "NotIn":
            return column.rows_where(lambda value: value not in rule.values, missing=True)
        case "Exists":
            return column.rows_where(lambda value: True)
        case "DoesNotExist":
            return column.rows_where(lambda value: False, missing=True)
        case "Gt" | "Lt":
            return column.rows_where(lambda value: _compares(value, rule))
    return np.zeros(len(facts.names), dtype=np.bool_)


def _compares(value: str, rule: Requirement) -> bool:
    if len(rule.values) != 1 or not (_INTEGER.fullmatch(value) and _INTEGER.fullmatch(rule.values[0])):
        return False
    own, bound = int(value), int(rule.values[0])
    if not all(-_LIMIT <= number < _LIMIT for number in (own, bound)):
        return False
    return own > bound if rule.operator == "Gt" else own < bound


def _name_matches(facts: NodeFacts, rule: Requirement) -> Mask:
    """Kubernetes knows one field of a node, its name, and two operators for it."""
    if rule.key != "metadata.name" or rule.operator not in ("In", "NotIn"):
        return np.zeros(len(facts.names), dtype=np.bool_)
    mask = np.zeros(len(facts.names), dtype=np.bool_)
    rows = columns.row_of(facts)
    mask[[rows[name] for name in rule.values if name in rows]] = True
    return mask if rule.operator == "In" else ~mask
