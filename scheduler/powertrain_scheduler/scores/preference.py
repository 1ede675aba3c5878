"""What the pods' owner would rather have: preferred node affinity, and taints of effect PreferNoSchedule."""

import numpy as np

from powertrain_scheduler import columns, fit
from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import NodeFacts, PodClass

TAINT_WEIGHT = 100
"""A taint that asks to be avoided weighs as much as the strongest preference."""


def disliked(session: Session, traits: Traits) -> Ints | None:
    """Per node, the weight of wishes it does not meet; None where all nodes are alike."""
    facts = session.fleet.facts
    return session.fleet.keep("disliked", traits.number, lambda: _disliked(facts, traits.pod_class))


def _disliked(facts: NodeFacts, pod_class: PodClass) -> Ints | None:
    key = ("disliked", pod_class.preferred, pod_class.tolerations)
    return columns.remember(facts, key, lambda: _unmet(facts, pod_class))


def _unmet(facts: NodeFacts, pod_class: PodClass) -> Ints | None:
    taints = columns.taint_sets(facts)
    soft = [[t for t in group if t.effect == "PreferNoSchedule"] for group in taints.sets]
    untolerated = [sum(not fit.tolerated(t, pod_class.tolerations) for t in group) for group in soft]
    weight = TAINT_WEIGHT * np.array(untolerated, dtype=np.int64)[taints.codes]
    for preferred, term in pod_class.preferred:
        weight += preferred * ~fit.term_matches(facts, term)
    return weight if weight.any() else None
