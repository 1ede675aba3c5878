"""The volumes of a pod that was given a node: bound first, and then the pod.

A claim whose class makes volumes is told the node; one whose class has volumes lying about is
promised one of them. The cluster's volume controllers do the rest, which may take minutes.
"""

from collections.abc import Callable

from powertrain_operator.kube.errors import ApiError

from .. import names
from ..cache import Cache
from ..cache.claims import NoVolume, Step
from ..timing import Timing
from .writes import Writes

PATIENCE = 600.0
"""Seconds until a claim that is not bound is given up on: as long as kube-scheduler waits."""
LOOK = 0.2
"""Seconds between looks at what the watch says."""


class Volumes:
    """Binds claims through the cluster's volume controllers."""

    def __init__(self, writes: Writes, cache: Cache, timing: Timing) -> None:
        self._writes = writes
        self._cache = cache
        self._timing = timing

    def steps(self, pod: str, node: str) -> list[Step]:
        """What is to be done first. Raises NoVolume where it cannot be."""
        known, fact = self._cache.pods.get(pod), self._cache.nodes.facts.get(node)
        if known is None or fact is None or not known.claims:
            return []
        return self._cache.claims.steps(known, node, fact.labels)

    async def bind(self, steps: list[Step], node: str, still_wanted: Callable[[], bool]) -> bool:
        """Returns whether all are bound; False where the pod is not wanted any more.

        Raises NoVolume where that will not be or takes too long, ApiError where a write failed, and Fenced.
        """
        try:
            for step in steps:
                await self._begin(step, node)
            done = await self._wait(steps, node, still_wanted)
        except (NoVolume, ApiError):
            await self._give_back(steps, node)
            raise
        if not done:
            await self._give_back(steps, node)
        return done

    async def _begin(self, step: Step, node: str) -> None:
        claim = names.split(step.claim)
        if step.volume:
            await self._writes.promise_volume(step.volume, claim, step.uid)
        elif self._cache.claims.chosen_node(step.claim) != node:
            await self._writes.select_node(claim, step.uid, node)

    async def _wait(self, steps: list[Step], node: str, still_wanted: Callable[[], bool]) -> bool:
        until = self._timing.monotonic() + PATIENCE
        while still_wanted():
            claims = self._cache.claims
            left = [step for step in steps if not claims.is_bound(step)]
            if not left:
                return True
            for step in left:
                if claims.is_withdrawn(step.claim, node):
                    raise NoVolume(f"no volume could be made on node {node} for {_named(step)}")
            if self._timing.monotonic() > until:
                raise NoVolume(f"{_named(left[0])} was not bound on node {node} within {PATIENCE:g} s")
            await self._timing.sleep(LOOK)
        return False

    async def _give_back(self, steps: list[Step], node: str) -> None:
        """Whoever is placed next chooses anew; what was bound meanwhile stays so."""
        self._cache.claims.give_up(steps)
        for step in steps:
            if not step.volume and self._cache.claims.chosen_node(step.claim) == node:
                try:
                    await self._writes.select_node(names.split(step.claim), step.uid, None)
                except ApiError:
                    return  # its pods are kept to that node, where it may still be bound


def _named(step: Step) -> str:
    return f"volume claim {names.split(step.claim).name}"
