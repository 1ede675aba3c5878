"""An independent watch: when each pod of the benchmark was seen bound, running and gone.

Times are of the monotonic clock, taken when the watch event arrives in this process, so every
system's bindings are timed by the same outsider.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from powertrain_operator.api.cluster import Pod, PodGroupView
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.reflector import Reflector
from powertrain_operator.kube.resources import PODGROUPS, PODS

from clusterbench.workloads import NAMESPACE


class TookTooLong(Exception):
    """What was waited for did not come within its bound; the text says what."""


class Sightings:
    """What the watch has seen so far. Keys are pod names, or group names in `told`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self.present: set[str] = set()
        self.bound: dict[str, float] = {}
        """Every pod that ever had a node: when that was first seen."""
        self.node: dict[str, str] = {}
        """Pods that have a node and are not gone."""
        self.running: set[str] = set()
        self.gone: dict[str, float] = {}
        self.refused: dict[str, float] = {}
        """Pods that were told `PodScheduled=False`: when first."""
        self.told: dict[str, tuple[str, float]] = {}
        """A PodGroup's reason to wait, and since when it is this one."""

    def pod(self, key: str, old: Pod | None, new: Pod | None) -> None:
        name = key.rpartition("/")[2]
        if new is None:
            self.present.discard(name)
            self.running.discard(name)
            self.node.pop(name, None)
            self.gone[name] = self._clock()
        else:
            self.present.add(name)
            self._state(name, new)
        self._changed.set()

    def _state(self, name: str, pod: Pod) -> None:
        if pod.spec.node_name and name not in self.bound:
            self.bound[name] = self._clock()
            self.node[name] = pod.spec.node_name
        if pod.status.phase == "Running":
            self.running.add(name)
        if any(found.type == "PodScheduled" and found.status == "False" for found in pod.status.conditions):
            self.refused.setdefault(name, self._clock())

    def group(self, key: str, old: PodGroupView | None, new: PodGroupView | None) -> None:
        if new is None:
            return
        name, reason = key.rpartition("/")[2], new.status.reason
        if reason and self.told.get(name, ("", 0.0))[0] != reason:
            self.told[name] = (reason, self._clock())
        self._changed.set()

    async def until(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """Return once `reached()`; it is asked again after each event. Raises TookTooLong."""
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TookTooLong(f"{what}: not within {seconds:.0f} s") from None


@asynccontextmanager
async def watching(client: Client) -> AsyncIterator[Sightings]:
    """Watch the benchmark's pods and pod groups while inside."""
    seen = Sightings()
    reflectors: list[Reflector[Pod] | Reflector[PodGroupView]] = [
        Reflector(client, PODS, Pod, namespace=NAMESPACE, on_change=seen.pod),
        Reflector(client, PODGROUPS, PodGroupView, namespace=NAMESPACE, on_change=seen.group),
    ]
    tasks = [asyncio.create_task(reflector.run()) for reflector in reflectors]
    try:
        async with asyncio.timeout(30):
            for reflector in reflectors:
                await reflector.synced.wait()
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
