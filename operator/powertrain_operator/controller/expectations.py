"""Our own writes that the stores have not shown yet.

The stores lag behind the API server. An object whose last writes are not seen in them is not looked
at: what it would show is older than what we have decided already, and a pod just made would seem to
be missing. Each write is announced before it is sent and settled by the change it brings about.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from powertrain_operator.controller.keys import Key
from powertrain_operator.reconcile.views import Metadata

_log = logging.getLogger(__name__)

LONGEST_WAIT = 30.0
"""Seconds. A write that is not seen by then was undone before the stores were listed anew."""


class Child(Protocol):
    @property
    def metadata(self) -> Metadata: ...


Name = tuple[str, str, str]
"""Kind, namespace and name of a child."""


@dataclass(frozen=True, slots=True)
class _Expected:
    key: Key
    since: float
    settled: Callable[[Child | None], bool]


class Expectations:
    """`clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_child: dict[Name, _Expected] = {}
        self._by_key: dict[Key, set[Name]] = defaultdict(set)

    def creation(self, key: Key, child: Name) -> None:
        """Settled by the child's being there."""
        self._expect(key, child, lambda now: now is not None)

    def application(self, key: Key, child: Name, mark: str) -> None:
        """Settled by the child's carrying this hash."""
        self._expect(key, child, lambda now: now is not None and now.metadata.annotations.spec_hash == mark)

    def deletion(self, key: Key, child: Name, uid: str) -> None:
        """Settled by the child's being gone or on its way out."""

        def settled(now: Child | None) -> bool:
            return now is None or now.metadata.uid != uid or now.metadata.deletion_timestamp is not None

        self._expect(key, child, settled)

    def _expect(self, key: Key, child: Name, settled: Callable[[Child | None], bool]) -> None:
        self._by_child[child] = _Expected(key, self._clock(), settled)
        self._by_key[key].add(child)

    def drop(self, child: Name) -> None:
        """The write has failed, or what it was to bring about was there before."""
        expected = self._by_child.pop(child, None)
        if expected is not None:
            children = self._by_key[expected.key]
            children.discard(child)
            if not children:
                del self._by_key[expected.key]

    def saw(self, child: Name, now: Child | None) -> None:
        """The stores have come to show this of the child."""
        expected = self._by_child.get(child)
        if expected is not None and expected.settled(now):
            self.drop(child)

    def wait_for(self, key: Key) -> float:
        """Seconds until it is no use waiting any longer for the object's writes; 0: all are seen."""
        children = self._by_key.get(key)
        if not children:
            return 0.0
        last = max(self._by_child[child].since for child in children)
        left = last + LONGEST_WAIT - self._clock()
        if left > 0:
            return left
        _log.warning("%d writes were never seen, going on without them", len(children), extra={"object": key})
        self.forget(key)
        return 0.0

    def forget(self, key: Key) -> None:
        """The object is gone, or what was expected will not come."""
        for child in list(self._by_key.get(key, ())):
            self.drop(child)
