"""What a move costs and what it gains, in device-seconds. Without devices, CPU counts as for `Units`."""

import numpy as np

from powertrain_scheduler.actions import backfill
from powertrain_scheduler.asks import Ask
from powertrain_scheduler.columns import Mask
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.snapshot import CPU
from powertrain_scheduler.units import CORES_PER_DEVICE

UNKNOWN_WAIT = 1800.0
"""Seconds that a group is thought to wait at least where nobody knows when others end."""


def worth_it(draft: Draft, wanted: Ask, units: Mask) -> bool:
    """Whether the group gains more by starting now than those lose who move for it.

    Each loses its work since its last checkpoint and the time of the move. The group gains the time
    that it would otherwise wait: till its start as far as ends are known, else as long again as those in
    its way have run.
    """
    return size(draft, wanted) * _wait(draft, wanted, units) > cost(draft, units)


def cost(draft: Draft, units: Mask) -> float:
    """Of moving these units."""
    mine = draft.units()
    return float((mine.lost[units] + draft.policy.move_seconds * mine.size[units]).sum())


def size(draft: Draft, wanted: Ask) -> float:
    """Devices that the group asks for, or what its CPU counts for."""
    shares = [(len(need.pods), need.traits.pod_class.share) for need in wanted.needs]
    devices = sum(pods * share[1] / 1000 for pods, share in shares if share is not None)
    devices += sum(len(need.pods) * count for need in wanted.needs for _, count in need.traits.taken)
    cpu = draft.fleet.column_of[CPU]
    cores = sum(len(need.pods) * max(1, int(need.traits.vector[cpu])) for need in wanted.needs) / 1000
    return float(devices) or cores / CORES_PER_DEVICE


def _wait(draft: Draft, wanted: Ask, units: Mask) -> float:
    """Seconds till the group would start if nobody moved."""
    if (first := backfill.first_start(draft, wanted)) is not None:
        return first[0] - draft.time
    holdings = draft.holdings
    ages = [
        draft.time - (holdings.groups[i].started or draft.time) for i in np.unique(draft.units().group[units])
    ]
    return max([UNKNOWN_WAIT, *ages])
