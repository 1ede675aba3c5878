"""What all waiting groups ask for together."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from powertrain_scheduler import minimum
from powertrain_scheduler.asks.options import accelerators
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.quota import NO_POOL
from powertrain_scheduler.snapshot import Pod, PodClass


def demand(fleet: Fleet) -> Ints:
    """What the waiting pods of groups that could start would take, by queue row and kind.

    Of pods that may have several accelerators, as much of each.
    """
    sums = np.zeros((len(fleet.queue_list), len(fleet.kinds)), dtype=np.int64)
    for group in fleet.snapshot.groups.values():
        if not group.waiting or not group.exists or minimum.of(group).short:
            continue
        row = fleet.queue_row[group.queue]
        for pod_class, count in _classes(group.waiting):
            sums[row] += count * _reach(fleet, fleet.traits(pod_class))
    return sums


def _classes(pods: Sequence[Pod]) -> Iterable[tuple[PodClass, int]]:
    """The pods' classes, and how many there are of each."""
    first = pods[0].pod_class
    if all(pod.pod_class is first for pod in pods):
        return [(first, len(pods))]
    return Counter(pod.pod_class for pod in pods).items()


def _reach(fleet: Fleet, traits: Traits) -> Ints:
    """The most that one pod of the class may take of each kind."""

    def build() -> Ints:
        models = accelerators(fleet, traits) or (NO_POOL,)
        pools = [i for i, each in enumerate(fleet.accelerator_of_pool) if each in models] or [-1]
        found: Ints = traits.charges[pools].max(axis=0)
        return found

    return fleet.keep("reach", traits.number, build)
