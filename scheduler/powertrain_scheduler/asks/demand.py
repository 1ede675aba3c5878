"""What all waiting groups ask for together."""

from collections import Counter

import numpy as np

from powertrain_scheduler import minimum
from powertrain_scheduler.asks.options import accelerators
from powertrain_scheduler.fleet import Fleet, Ints, Traits
from powertrain_scheduler.quota import NO_POOL


def demand(fleet: Fleet) -> Ints:
    """What the waiting pods of groups that could start would take, by queue row and kind.

    Of pods that may have several accelerators, as much of each.
    """
    sums = np.zeros((len(fleet.queue_list), len(fleet.kinds)), dtype=np.int64)
    for group in fleet.snapshot.groups.values():
        if not group.waiting or not group.exists or minimum.of(group).short:
            continue
        row = fleet.queue_row[group.queue]
        for number, count in Counter(fleet.traits(pod.pod_class).number for pod in group.waiting).items():
            sums[row] += count * _reach(fleet, fleet.every_traits()[number])
    return sums


def _reach(fleet: Fleet, traits: Traits) -> Ints:
    """The most that one pod of the class may take of each kind."""
    models = accelerators(fleet, traits) or (NO_POOL,)
    pools = [i for i, each in enumerate(fleet.accelerator_of_pool) if each in models] or [-1]
    found: Ints = traits.charges[pools].max(axis=0)
    return found
