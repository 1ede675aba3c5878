"""What must not stay: pods on nodes that are gone, and gangs of which only a part got nodes.

Both are given a little time first, since a watch may lag behind and the next cycle may still complete
a gang. What is deleted here is made anew by its owner.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable

from powertrain_scheduler import minimum
from powertrain_scheduler.snapshot import PodGroup

from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.kube.errors import ApiError

from . import names
from .cache import Cache
from .execute.evictor import Release
from .execute.writes import Fenced, Writes
from .outlook import Outlook
from .timing import Timing

_log = logging.getLogger(__name__)

ROUND = 1.0
"""Seconds between looks."""
NODE_GRACE = 5.0
"""A node may be registered anew under its name; its pods are left alone for so long."""


class Janitor:
    """Looks once a second, while we lead, and only at what cycles pointed out."""

    def __init__(
        self,
        writes: Writes,
        cache: Cache,
        outlook: Outlook,
        under_way: Collection[str],
        tell: Callable[[Release], Awaitable[None]],
        gang_seconds: float,
        timing: Timing,
    ) -> None:
        self._writes = writes
        self._cache = cache
        self._outlook = outlook
        self._under_way = under_way
        self._tell = tell
        self._gang_seconds = gang_seconds
        self._timing = timing
        self._partial: dict[str, float] = {}
        self._stranded: dict[str, float] = {}

    def changed(self, touched: Iterable[str]) -> None:
        """Note which of the groups that a cycle touched are partly placed, and since when."""
        now = self._timing.monotonic()
        for group in touched:
            if is_partial(self._cache.group(group)):
                self._partial.setdefault(group, now)
            else:
                self._partial.pop(group, None)

    async def run(self) -> None:
        """Look and clean up for as long as we lead."""
        while True:
            await self._timing.sleep(ROUND)
            await self.round()

    async def round(self) -> None:
        """One look at everything that is noted."""
        now = self._timing.monotonic()
        for group, since in list(self._partial.items()):
            if now - since >= self._gang_seconds and group not in self._under_way:
                await self._tried(self._release(group), group)
        strangers = self._cache.nodes.strangers
        self._stranded = {pod: self._stranded.get(pod, now) for pod in strangers}
        for pod, since in list(self._stranded.items()):
            if now - since >= NODE_GRACE:
                await self._tried(self._bury(pod), pod)

    async def _tried(self, work: Coroutine[None, None, None], what: str) -> None:
        """Do it; what fails is tried again in the next round and keeps nothing else from being done."""
        try:
            await work
        except (ApiError, Fenced) as failure:
            _log.warning("%s: clean-up is tried again: %s", what, failure)

    async def _release(self, group: str) -> None:
        """Have the gang's pods leave, so that it starts anew as a whole."""
        core = self._cache.group(group)
        if core is None or not is_partial(core):
            self._partial.pop(group, None)
            return
        release = self._release_of(core)
        await self._tell(release)
        for pod in release.pods:
            if (known := self._cache.pods.get(pod)) is not None:
                await self._writes.delete_pod(names.split(pod), known.uid)
                self._cache.leaves(pod)
        _log.warning("%s: %s", group, release.message)

    def _release_of(self, core: PodGroup) -> Release:
        pods = tuple(pod.name for pod in core.placed if not pod.leaving)
        waiting = self._outlook.waiting.get(core.name)
        when = to_rfc3339(self._timing.now())
        least = minimum.of(core)
        needed = len(least.placed) + minimum.missing(core)
        message = (
            f"Released at {when}: after {self._gang_seconds:g} s only {len(least.placed)} of {needed} pods"
            " held nodes, so what held nodes was deleted for a new start"
        )
        return Release(core.name, pods, f"{message} ({waiting.message})." if waiting else f"{message}.")

    async def _bury(self, pod: str) -> None:
        """Remove one of our pods whose node does not exist; nobody else would confirm its end."""
        known = self._cache.pods.get(pod)
        if known is None or not known.group or self._cache.is_assumed(pod):
            return
        if await self._writes.node_exists(known.node):
            self._stranded[pod] = self._timing.monotonic()
            return
        _log.warning("pod %s is deleted, since its node %s does not exist", pod, known.node)
        await self._writes.delete_pod(names.split(pod), known.uid, grace_seconds=0)


def is_partial(group: PodGroup | None) -> bool:
    """Whether some of its pods hold nodes, too few to start, and it has not started before."""
    if group is None or group.started is not None:
        return False
    return any(not pod.leaving for pod in group.placed) and minimum.missing(group) > 0
