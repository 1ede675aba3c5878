"""Pods counted by the selectors that somebody's rules name, and those that keep others away.

A selector is counted as long as a pod of ours names it, or a placed pod of anyone's must be apart
from what it picks. Where nobody has such rules nothing is counted, and no event costs anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from powertrain_scheduler.snapshot import PodClass, PodSelector, PodTerm, SpreadRule

from .. import names
from ..translate.company import Company, Near, Pick
from ..translate.pods import PodFact
from .picking import Index, both, resolve

Counts = NDArray[np.int64]
Labels = Mapping[str, str]
K = TypeVar("K")
MOST_CLASSES = 4096
"""Dressed classes kept; all are made anew beyond this."""


@dataclass(slots=True)
class _Picked:
    """Who names a selector, and whom it picks."""

    text: str
    """Its `repr`, by which selectors are sorted."""
    named: int = 0
    """Pods of ours whose rules name it."""
    shunned: int = 0
    """Placed pods of anyone's that must be apart from what it picks."""
    waiting: int = 0
    """Waiting pods of ours that it picks."""
    on: dict[str, int] = field(default_factory=dict)
    """By node, placed pods that it picks."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """A pod's rules over selectors as they reach now."""

    near: tuple[PodTerm, ...]
    apart: tuple[PodTerm, ...]
    drawn: tuple[tuple[int, PodTerm], ...]
    spread: tuple[SpreadRule, ...]

    def selectors(self) -> Iterator[PodSelector]:
        yield from (term.selector for term in (*self.near, *self.apart))
        yield from (term.selector for _, term in self.drawn)
        yield from (rule.selector for rule in self.spread)


class Neighbours:
    """What of the pods' company matters to anybody; `mark` is told of groups whose pods' classes change."""

    def __init__(self, pods: Mapping[str, PodFact], mark: Callable[[str], None]) -> None:
        self.namespaces_wanted = False
        """Some rule picks namespaces by their labels, so these need to be watched."""
        self.namespaces_watched = False
        self._pods = pods
        self._mark = mark
        self._namespaces: dict[str, Labels] = {}
        self._picked: dict[PodSelector, _Picked] = {}
        self._holders: dict[PodTerm, dict[str, int]] = {}
        """By term, placed pods that must be apart, by node."""
        self._index = Index()
        self._fresh: dict[PodSelector, None] = {}
        """Named since the last refresh: whom they pick is still to be counted."""
        self._stale: dict[PodSelector, None] = {}
        """Named no more: pods that they picked have other classes now."""
        self._rules: dict[Company, _Rules] = {}
        self._classes: dict[
            tuple[int, tuple[PodSelector, ...], Company | None], tuple[PodClass, PodClass]
        ] = {}
        self._moved = True
        self._again = False
        """Namespaces changed of which some rule asks."""

    # --- what changes

    def change(self, before: PodFact | None, after: PodFact | None) -> None:
        """What is believed of a pod changed; `before` must be what was told last."""
        if not self._picked and (after is None or after.company is None):
            return
        if after is not None:  # first, so that what both name is not forgotten and counted anew
            self._count(after, 1)
        if before is not None:
            self._count(before, -1)

    def put_namespace(self, name: str, labels: Labels | None) -> None:
        """Take in a namespace's labels; None: it is gone."""
        if self._namespaces.get(name) == labels:
            return
        if labels is None:
            del self._namespaces[name]
        else:
            self._namespaces[name] = labels
        self._again |= self.namespaces_wanted

    def refresh(self) -> bool:
        """Count for selectors that are new, and tell whose classes change; True where any count moved."""
        if self._again:
            self._start_over()
        if self._fresh or self._stale:
            self._look_over()
        moved, self._moved = self._moved, False
        return moved

    # --- what follows

    def dressed(self, pod: PodFact, pod_class: PodClass) -> PodClass:
        """The pod's class with what it asks of others, and with the selectors that pick it."""
        if not self._picked:
            return pod_class
        picked = self._index.picking(names.split(pod.key).namespace, pod.labels)
        matched = tuple(sorted(picked, key=lambda selector: self._picked[selector].text))
        if not matched and pod.company is None:
            return pod_class
        key = (id(pod_class), matched, pod.company)
        if (known := self._classes.get(key)) is None:
            if len(self._classes) >= MOST_CLASSES:
                self._classes.clear()
            known = self._classes[key] = (pod_class, self._dress(pod_class, matched, pod.company))
        return known[1]

    def matching(self, rows: Mapping[str, int]) -> dict[PodSelector, Counts]:
        """Per node (by its row), how many pods each selector picks that a pod of ours names."""
        return {
            selector: _vector(picked.on, rows)
            for selector, picked in self._picked.items()
            if picked.named and picked.on
        }

    def repelling(self, rows: Mapping[str, int]) -> dict[PodTerm, Counts]:
        """Per node, how many pods must be apart from pods of which some of ours wait."""
        return {
            term: _vector(on, rows)
            for term, on in self._holders.items()
            if self._picked[term.selector].waiting
        }

    def trouble(self, pod: PodFact) -> str:
        """Why the pod's rules cannot be kept yet, as the end of a sentence; empty where they can."""
        asks = pod.company is not None and any(pick.of_namespaces for pick in pod.company.picks())
        if asks and not self.namespaces_watched:
            return "pods of namespaces with certain labels, of which nothing is known (yet): namespaces could not be read"
        return ""

    # --- inside

    def _start_over(self) -> None:
        """Count everything anew: selectors reach other namespaces now."""
        self._picked, self._holders, self._index = {}, {}, Index()
        self._fresh, self._stale, self._rules, self._classes = {}, {}, {}, {}
        self._again, self._moved = False, True
        for pod in self._pods.values():
            self.change(None, pod)
            if pod.group:
                self._mark(pod.group)

    def _count(self, pod: PodFact, sign: int) -> None:
        if pod.company is not None:
            self._count_rules(pod, self._resolved(pod.company), sign)
        if not self._index:
            return
        for selector in self._index.picking(names.split(pod.key).namespace, pod.labels):
            if selector not in self._fresh:
                self._count_picked(self._picked[selector], pod, sign)

    def _count_rules(self, pod: PodFact, rules: _Rules, sign: int) -> None:
        if pod.node:
            for term in rules.apart:
                self._moved = True
                _add(self._holders.setdefault(term, {}), pod.node, sign)
                if not self._holders[term]:
                    del self._holders[term]
                self._name(term.selector, 0, sign)
        if pod.group:
            for selector in rules.selectors():
                self._name(selector, sign, 0)

    def _name(self, selector: PodSelector, named: int, shunned: int) -> None:
        """One more pod, or one less, names the selector."""
        picked = self._picked.get(selector)
        if picked is None:
            picked = self._picked[selector] = _Picked(repr(selector))
            self._index.add(selector)
            self._fresh[selector] = None
            self._stale.pop(selector, None)
        before = bool(picked.named)
        picked.named += named
        picked.shunned += shunned
        self._moved |= before != bool(picked.named)
        if not picked.named and not picked.shunned:
            del self._picked[selector]
            self._index.drop(selector)
            self._fresh.pop(selector, None)
            self._stale[selector] = None

    def _count_picked(self, picked: _Picked, pod: PodFact, sign: int) -> None:
        if pod.node:
            self._moved = True
            _add(picked.on, pod.node, sign)
        elif pod.group:
            self._moved |= not picked.waiting or picked.waiting + sign == 0
            picked.waiting += sign

    def _look_over(self) -> None:
        """One pass over the pods for all selectors that came and went."""
        fresh, gone = Index(), Index()
        for selector in self._fresh:
            fresh.add(selector)
        for selector in self._stale:
            gone.add(selector)
        self._fresh, self._stale, self._moved = {}, {}, True
        for pod in self._pods.values():
            namespace = names.split(pod.key).namespace
            changed = any(gone.picking(namespace, pod.labels))
            for selector in fresh.picking(namespace, pod.labels):
                self._count_picked(self._picked[selector], pod, 1)
                changed = True
            if changed and pod.group:
                self._mark(pod.group)

    def _resolved(self, company: Company) -> _Rules:
        """The same until namespaces change, so that what is counted for a pod is taken back alike."""
        known = self._rules.get(company)
        if known is None:
            if len(self._rules) >= MOST_CLASSES:
                self._rules.clear()
            self.namespaces_wanted |= any(pick.of_namespaces for pick in company.picks())
            known = self._rules[company] = self._resolve(company)
        return known

    def _resolve(self, company: Company) -> _Rules:
        def term(near: Near) -> PodTerm:
            return PodTerm(pick(near.pick), near.key)

        def pick(each: Pick) -> PodSelector:
            return resolve(each, self._namespaces)

        near = [term(each) for each in company.near]
        every = both([each.selector for each in near]) if near else None
        return _Rules(
            # Pods count only if every term picks them, as kube-scheduler has it.
            near=tuple(PodTerm(every, each.key) for each in near) if every else (),
            apart=tuple(map(term, company.apart)),
            drawn=tuple((weight, term(each)) for weight, each in company.drawn),
            spread=tuple(
                SpreadRule(
                    pick(each.pick), each.key, each.max_skew, each.required,
                    each.min_domains, each.honor_affinity, each.honor_taints,
                )
                for each in company.spread
            ),
        )  # fmt: skip

    def _dress(
        self, pod_class: PodClass, matched: tuple[PodSelector, ...], company: Company | None
    ) -> PodClass:
        if company is None:
            return replace(pod_class, matched=matched)
        rules = self._resolved(company)
        return replace(
            pod_class,
            matched=matched,
            near=rules.near,
            apart=rules.apart,
            drawn=rules.drawn,
            spread=rules.spread,
        )


def _add(table: dict[K, int], key: K, sign: int) -> None:
    if number := table.get(key, 0) + sign:
        table[key] = number
    else:
        table.pop(key, None)


def _vector(on: Mapping[str, int], rows: Mapping[str, int]) -> Counts:
    counts = np.zeros(len(rows), dtype=np.int64)
    for node, number in on.items():
        if (row := rows.get(node)) is not None:
            counts[row] = number
    counts.flags.writeable = False
    return counts
