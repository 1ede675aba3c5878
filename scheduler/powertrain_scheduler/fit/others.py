"""What other pods allow: whom a class must be near, whom apart, and how evenly it is to be spread.

As kube-scheduler reads pod affinity, anti-affinity and topology spread. Everything is counted by
domain, the nodes that share a label's value, and answered for all nodes at once: where may one
more pod of the class go. The answer holds until the next pod is placed.
"""

from collections.abc import Iterator
from operator import itemgetter

import numpy as np

from powertrain_scheduler import columns
from powertrain_scheduler.columns import Codes, Mask
from powertrain_scheduler.fit import rules
from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.session import Session
from powertrain_scheduler.snapshot import NodeFacts, PodClass, PodSelector, PodTerm, SpreadRule


def heeds(session: Session, traits: Traits) -> bool:
    """Whether it matters to the class where other pods are."""
    if not traits.heeding:
        return False
    own = traits.pod_class
    if own.near or own.apart or own.spread or own.drawn:
        return True
    return any(term.selector in own.matched for term in session.neighbours.repelling())


def admits(session: Session, traits: Traits) -> Mask:
    """Nodes on which one more pod of the class would keep every required rule."""
    mask = undisputed(session, traits)
    for _, passed in (*_near(session, traits.pod_class), *_even(session, traits.pod_class)):
        mask &= passed
    return mask


def undisputed(session: Session, traits: Traits) -> Mask:
    """Nodes that nobody there, and nobody of whom the class must be apart, disputes: more pods never make them more."""
    mask = np.ones(session.fleet.size, dtype=np.bool_)
    for _, passed in _apart(session, traits.pod_class):
        mask &= passed
    return mask


def checks(session: Session, traits: Traits) -> Iterator[tuple[str, Mask]]:
    """Each rule by itself, as for people: (what failing nodes do, nodes that pass)."""
    yield from sorted(_apart(session, traits.pod_class), key=itemgetter(0))
    yield from _near(session, traits.pod_class)
    yield from _even(session, traits.pod_class)


def told(own: PodClass) -> Iterator[str]:
    """What the class requires of other pods, as for people: the ends of "the pods ..."."""
    for term in own.near:
        yield f"must be near to ({named(term.selector)} by {term.key})"
    for term in own.apart:
        yield f"must be apart from ({named(term.selector)} by {term.key})"
    for rule in own.spread:
        if rule.required:
            yield f"must be spread over {rule.key} (at most {rule.max_skew} apart)"


# -- required ---------------------------------------------------------------------------------------


def _apart(session: Session, own: PodClass) -> Iterator[tuple[str, Mask]]:
    """Anti-affinity of the class, and that of others against it; a node without the label is in nobody's domain."""
    facts, neighbours = session.fleet.facts, session.neighbours
    for term in own.apart:
        there = in_domain(facts, neighbours.matching(term.selector), term.key)
        yield f"have pods near that it must be apart from ({named(term.selector)} by {term.key})", there <= 0
    for term, holders in neighbours.repelling().items():
        if term.selector in own.matched:
            there = in_domain(facts, holders, term.key)
            yield f"have pods near that keep it away ({named(term.selector)} by {term.key})", there <= 0


def _near(session: Session, own: PodClass) -> Iterator[tuple[str, Mask]]:
    """Affinity: where its pods are, or anywhere for the first of a group that is to be near itself."""
    facts, neighbours = session.fleet.facts, session.neighbours
    free = neighbours.alone or first_of_its_kind(session, own)
    for term in own.near:
        labelled = columns.label(facts, term.key).codes >= 0
        there = in_domain(facts, neighbours.matching(term.selector), term.key)
        if free:
            yield f"lack label {term.key}", labelled
        else:
            told = f"have no pods near that it must be near to ({named(term.selector)} by {term.key})"
            yield told, there > 0


def first_of_its_kind(session: Session, own: PodClass) -> bool:
    """Whether the class is to be near pods of which there are none yet, and is such pods itself."""
    if not own.near or any(term.selector not in own.matched for term in own.near):
        return False
    facts, neighbours = session.fleet.facts, session.neighbours
    return not any(in_domain(facts, neighbours.matching(t.selector), t.key).any() for t in own.near)


def _even(session: Session, own: PodClass) -> Iterator[tuple[str, Mask]]:
    """Topology spread: one more here may not leave the emptiest domain more than the skew behind."""
    facts, neighbours = session.fleet.facts, session.neighbours
    for rule in own.spread:
        if not rule.required:
            continue
        codes, counted, existing = _domains(facts, own, rule)
        told = f"would break the spread over {rule.key} (at most {rule.max_skew} apart)"
        if neighbours.alone:
            yield told, codes >= 0
            continue
        totals = _totals(np.where(counted, neighbours.matching(rule.selector), 0), codes, len(existing) - 1)
        enough = int(existing.sum()) >= rule.min_domains
        least = int(totals[existing].min()) if enough and existing.any() else 0
        after = totals[codes + 1] + (rule.selector in own.matched)
        yield told, (codes >= 0) & (after - least <= rule.max_skew)


def _domains(facts: NodeFacts, own: PodClass, rule: SpreadRule) -> tuple[Codes, Mask, Mask]:
    """Domain of each node that has all the class's spread labels (-1 else), the nodes that count, and the domains
    (number + 1, the first for nodes in none) that have such nodes."""
    keys = tuple(sorted({each.key for each in own.spread if each.required == rule.required}))
    honoured = (own.node_selector, own.node_terms) if rule.honor_affinity else ()
    tolerated = own.tolerations if rule.honor_taints else None
    key = ("spread domains", rule.key, keys, honoured, tolerated)

    def build() -> tuple[Codes, Mask, Mask]:
        column = columns.label(facts, rule.key)
        counted = np.ones(len(facts.names), dtype=np.bool_)
        for each in keys:
            counted &= columns.label(facts, each).codes >= 0
        codes = np.where(counted, column.codes, -1)
        if rule.honor_affinity:
            counted &= rules.selected(facts, own)
        if rule.honor_taints:
            counted &= rules.tolerating(facts, own)
        existing = np.zeros(len(column.values) + 1, dtype=np.bool_)
        existing[codes[counted] + 1] = True
        existing[0] = False
        return codes, counted, existing

    return columns.remember(facts, key, build)


# -- wished -----------------------------------------------------------------------------------------

MOST = 100
"""What the node that meets a wish least is charged; the weights of node affinity are of this size, too."""


def unwished(session: Session, traits: Traits) -> Ints | None:
    """Per node, how little it is what the class wishes of other pods: 0 is best, `MOST` the worst of each of the two
    kinds of wishes; None where it has none."""
    own, facts = traits.pod_class, session.fleet.facts
    soft = [rule for rule in own.spread if not rule.required]
    if not own.drawn and not soft:
        return None
    drawn = np.zeros(session.fleet.size, dtype=np.int64)
    for weight, term in own.drawn:
        drawn -= weight * in_domain(facts, session.neighbours.matching(term.selector), term.key)
    crowded = np.zeros(session.fleet.size, dtype=np.int64)
    for rule in soft:
        codes, counted, existing = _domains(facts, own, rule)
        pods = np.where(counted, session.neighbours.matching(rule.selector), 0)
        totals = _totals(pods, codes, len(existing) - 1)
        worst = int(totals.max(initial=0)) + 1
        crowded += np.where(codes >= 0, totals[codes + 1], worst)
    return _scaled(drawn) + _scaled(crowded)


def _scaled(badness: Ints) -> Ints:
    least = int(badness.min(initial=0))
    span = max(1, int(badness.max(initial=0)) - least)
    scaled: Ints = (badness - least) * MOST // span
    return scaled


# -- by domain --------------------------------------------------------------------------------------


def in_domain(facts: NodeFacts, counts: Ints, key: str) -> Ints:
    """Per node, the sum of the counts over its domain; 0 on nodes without the label."""
    column = columns.label(facts, key)
    return _totals(counts, column.codes, len(column.values))[column.codes + 1]


def _totals(counts: Ints, codes: Codes, number: int) -> Ints:
    """Sums by code + 1; the first stands for nodes in no domain, and is 0."""
    totals = np.bincount(codes + 1, weights=counts, minlength=number + 1).astype(np.int64)
    totals[:1] = 0
    return totals


def settled(session: Session, traits: Traits, together: bool = False) -> bool:
    """Whether pods of the class change nothing for the next of them, but that `one_each` may hold.

    `together`: all nodes in question are in one domain of whom they are to be near.
    """
    own = traits.pod_class
    matched = set(own.matched)
    if any(rule.selector in matched for rule in own.spread):
        return False
    if any(term.selector in matched for _, term in own.drawn):
        return False
    if any(term.selector in matched and not _single(session, term) for term in own.apart):
        return False
    return together or not first_of_its_kind(session, own)


def one_each(session: Session, traits: Traits, fits: Ints) -> Ints:
    """`fits`, cut down to one pod a node where pods of the class must be apart from their like."""
    own = traits.pod_class
    for term in own.apart:
        if term.selector in own.matched:
            labelled = columns.label(session.fleet.facts, term.key).codes >= 0
            fits = np.where(labelled, np.minimum(fits, 1), fits)
    return fits


def most(session: Session, traits: Traits, fits: Ints) -> int:
    """A bound on how many pods of the class go where `fits` has room: one a domain where they must be apart."""
    own, bound = traits.pod_class, int(fits.sum())
    for term in own.apart:
        if term.selector in own.matched:
            codes = columns.label(session.fleet.facts, term.key).codes
            domains = np.unique(codes[(fits > 0) & (codes >= 0)])
            bound = min(bound, len(domains) + int(fits[codes < 0].sum()))
    return bound


def _single(session: Session, term: PodTerm) -> bool:
    """Whether the domains of the term are single nodes, and every node is one."""
    column = columns.label(session.fleet.facts, term.key)
    return len(column.values) == session.fleet.size


def named(selector: PodSelector) -> str:
    """The selector as people write it: `app=web`, `tier in (a, b)`."""
    return ", ".join(_rule(each.key, each.operator, each.values) for each in selector.labels) or "all pods"


def _rule(key: str, operator: str, values: tuple[str, ...]) -> str:
    match operator:
        case "In":
            return f"{key}={values[0]}" if len(values) == 1 else f"{key} in ({', '.join(values)})"
        case "NotIn":
            return f"{key} not in ({', '.join(values)})"
        case "Exists":
            return key
    return f"no {key}"
