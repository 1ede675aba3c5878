"""Which selectors pick a pod, found by the pod's labels and not by asking every selector."""

from collections.abc import Iterable, Iterator, Mapping

from powertrain_scheduler.snapshot import PodSelector

from ..translate.company import Pick, holds, in_order

NOWHERE = ("",)
"""Namespaces of a selector that reaches none: no namespace has this name."""
_Key = tuple[str, str, str]
"""Namespace, label and value; empty ones stand for any."""


def resolve(pick: Pick, namespaces: Mapping[str, Mapping[str, str]]) -> PodSelector:
    """The selector with the namespaces it reaches as things are."""
    if pick.labels is None:
        return PodSelector(NOWHERE)
    if pick.of_namespaces is None:
        return PodSelector(pick.namespaces or NOWHERE, pick.labels)
    if not pick.of_namespaces:
        return PodSelector((), pick.labels)
    reached = {name for name, labels in namespaces.items() if holds(pick.of_namespaces, labels)}
    return PodSelector(tuple(sorted(reached | set(pick.namespaces))) or NOWHERE, pick.labels)


def both(selectors: Iterable[PodSelector]) -> PodSelector:
    """Pods that every one of the selectors picks."""
    first, *rest = selectors
    names, labels = set(first.namespaces), first.labels
    for each in rest:
        labels = in_order((*labels, *each.labels))
        if not each.namespaces:
            continue
        names = (names & set(each.namespaces) or set(NOWHERE)) if names else set(each.namespaces)
    return PodSelector(tuple(sorted(names)), labels)


class Index:
    """Selectors by a label that they ask for."""

    def __init__(self) -> None:
        self._by_label: dict[_Key, dict[PodSelector, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_label)

    def add(self, selector: PodSelector) -> None:
        """From now on it is found."""
        for key in _keys(selector):
            self._by_label.setdefault(key, {})[selector] = None

    def drop(self, selector: PodSelector) -> None:
        """It is found no more."""
        for key in _keys(selector):
            del self._by_label[key][selector]
            if not self._by_label[key]:
                del self._by_label[key]

    def picking(self, namespace: str, labels: Mapping[str, str]) -> Iterator[PodSelector]:
        """Selectors that pick a pod with these labels."""
        table = self._by_label
        for where in (namespace, ""):
            for key in ((where, "", ""), *((where, name, value) for name, value in labels.items())):
                for selector in table.get(key, ()):
                    if holds(selector.labels, labels):
                        yield selector


def _keys(selector: PodSelector) -> list[_Key]:
    """Where it stands: by one label with one value, where it asks for any such, in each of its namespaces."""
    if selector.namespaces == NOWHERE:
        return []
    one = next((rule for rule in selector.labels if rule.operator == "In" and len(rule.values) == 1), None)
    label = (one.key, one.values[0]) if one else ("", "")
    return [(namespace, *label) for namespace in selector.namespaces or ("",)]
