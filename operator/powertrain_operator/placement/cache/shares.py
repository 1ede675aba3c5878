"""Devices that pods have shares of: thousandths by device, and whole devices by node."""

from collections.abc import Mapping
from typing import NamedTuple

from powertrain_scheduler.snapshot import SharedDevice

from ..translate.pods import PodFact


class Whole(NamedTuple):
    """Devices of a node that count as used whole, and those of them that are about to be free."""

    used: int
    leaving: int


class Shares:
    """By node, resource and device, the thousandths that pods hold there.

    A pod whose device nobody knows (its annotation is gone) counts as holding one whole: that is
    never too little.
    """

    def __init__(self) -> None:
        self._held: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}

    def clear(self) -> None:
        """Nobody holds anything."""
        self._held.clear()

    def count(self, pod: PodFact, sign: int) -> Whole:
        """One more pod, or one less, has its share; what that changes in whole devices of its node."""
        assert pod.pod_class.share is not None
        resource, part = pod.pod_class.share
        if not pod.device:
            return Whole(sign, sign if pod.leaving else 0)
        devices = self._held.setdefault(pod.node, {})
        used, leaving = devices.get((resource, pod.device), (0, 0))
        after = used + sign * part, leaving + (sign * part if pod.leaving else 0)
        devices[resource, pod.device] = after
        if after == (0, 0):
            del devices[resource, pod.device]
            if not devices:
                del self._held[pod.node]
        return _difference(_whole(used, leaving), _whole(*after))

    def by_node(self) -> Mapping[str, tuple[SharedDevice, ...]]:
        """As the core wants them."""
        return {
            node: tuple(SharedDevice(*name, *held) for name, held in sorted(devices.items()))
            for node, devices in self._held.items()
        }


def _whole(used: int, leaving: int) -> Whole:
    return Whole(int(used > 0), int(used > 0 and leaving == used))


def _difference(before: Whole, after: Whole) -> Whole:
    return Whole(after.used - before.used, after.leaving - before.leaving)
