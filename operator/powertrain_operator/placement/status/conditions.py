"""The standard word of a pod that waits: condition PodScheduled=False, reason Unschedulable.

People and cluster autoscalers look there. Only pods that have no PodGroup to tell it get one, only
once, and only after they have waited a little: a pod that is placed at once costs no such write.
"""

import logging
from collections.abc import Callable

from powertrain_operator.api.time import to_rfc3339
from powertrain_operator.kube.errors import ApiError, NotFound
from powertrain_operator.kube.resources import PODS

from .. import names
from ..cache import Cache
from ..execute.writes import Fenced, Writes
from ..outlook import Difference, Outlook
from ..timing import Timing
from .agenda import Agenda

_log = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds of waiting before a pod is told."""


class Conditions:
    """Tells waiting pods that no PodGroup speaks for."""

    def __init__(
        self,
        writes: Writes,
        cache: Cache,
        outlook: Outlook,
        is_there: Callable[[str], bool],
        timing: Timing,
    ) -> None:
        self._writes = writes
        self._cache = cache
        self._outlook = outlook
        self._is_there = is_there
        self._timing = timing
        self._agenda = Agenda(timing)
        self._told: dict[str, str] = {}
        """uid of the pod that was told, by group."""

    def changed(self, difference: Difference) -> None:
        """Note who began to wait, and who does no longer."""
        for group in difference.urgent:
            if group not in self._outlook.waiting:
                self._told.pop(group, None)
                self._agenda.drop(group)
            elif group not in self._told and not self._is_there(group):
                self._agenda.put(group, PATIENCE)

    async def run(self) -> None:
        """Tell one pod after another for as long as we lead."""
        while True:
            group = await self._agenda.take()
            try:
                await self._tell(group)
            except NotFound:
                pass  # the pod was deleted, as the watch is about to say
            except (ApiError, Fenced) as failure:
                _log.warning("the waiting pod of %s was not told: %s", group, failure)
                self._agenda.put(group, PATIENCE)

    async def _tell(self, group: str) -> None:
        """Write the first waiting pod's condition; of a group without PodGroup object one pod is enough."""
        waiting = self._outlook.waiting.get(group)
        core = self._cache.group(group)
        members = self._cache.groups.members(group)
        first = core.waiting[0].name if core and core.waiting else min(members, default="")
        pod = members.get(first)
        if waiting is None or pod is None or pod.node or self._is_there(group):
            return
        if self._told.get(group) == pod.uid:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": waiting.message,
            "lastTransitionTime": to_rfc3339(self._timing.now()),
        }
        await self._writes.put_status(PODS, names.split(pod.key), {"conditions": [condition]})
        self._told[group] = pod.uid
