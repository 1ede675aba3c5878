"""Shares of devices, in thousandths: which split devices have room, and which one a share goes to.

A split device is one that pods have shares of. Arrays hold the thousandths used, one row a node and
one slot a split device, 0 where the slot holds none. A world is one state of a node: a share that
must have room in several worlds has it on the same device in all of them.
"""

from collections.abc import Callable, Sequence

import numpy as np

from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.kinds import DEVICE

NEW = -1
"""Stands for a device that nobody has a share of in any world."""

Slots = Sequence[int]
Prefer = Callable[[int, Slots, Slots], int]
"""Of a node's slots that would do (`NEW` among them), the one to take: (row, these, what each slot has in use)."""


def room(split: Ints, whole: Ints, share: int) -> Ints:
    """How many more shares each node can take; `whole` are its devices that nobody uses."""
    most: Ints = np.maximum(whole, 0) * (DEVICE // share)
    joined: Ints = np.where(split > 0, np.maximum(DEVICE - split, 0) // share, 0).sum(axis=1)
    return most + joined


def room_at(split: Sequence[int], whole: int, share: int) -> int:
    """The same for one node."""
    joined = sum((DEVICE - used) // share for used in split if 0 < used < DEVICE)
    return joined + max(whole, 0) * (DEVICE // share)


def room_in_all(splits: Sequence[Ints], wholes: Sequence[Ints], share: int) -> Ints:
    """How many shares each node can take in every world at once; the splits have equally many slots.

    Split devices are looked at in slot order, so that where they compete for the same whole device of
    some world it may be less than the most possible, but never more.
    """
    left = [np.maximum(whole, 0) for whole in wholes]
    total = np.zeros(len(wholes[0]), dtype=np.int64)
    for slot in range(splits[0].shape[1]):
        used = [split[:, slot] for split in splits]
        fits = np.minimum.reduce([np.maximum(DEVICE - each, 0) // share for each in used])
        here = np.logical_or.reduce([each > 0 for each in used]) & (fits > 0)
        for each, whole in zip(used, left, strict=True):
            here &= (each > 0) | (whole > 0)
        for each, whole in zip(used, left, strict=True):
            whole -= here & (each == 0)
        total += np.where(here, fits, 0)
    begun: Ints = np.minimum.reduce(left) * (DEVICE // share)
    return total + begun


def choose(
    splits: Sequence[list[int]], wholes: Sequence[int], share: int, count: int, prefer: Prefer, row: int = 0
) -> list[int] | None:
    """Slots of one node for so many shares, one after another; None where they don't all fit. Slots behind
    the last are those of new devices, in the order in which they are begun.

    In one world `prefer` has the whole choice. In several, devices that are split in all of them go
    first: any other takes a whole device away from some world.
    """
    splits, wholes = [list(split) for split in splits], list(wholes)
    chosen: list[int] = []
    for _ in range(count):
        would_do = [slot for slot in range(len(splits[0])) if _does(splits, wholes, share, slot)]
        joined = [slot for slot in would_do if all(split[slot] for split in splits)]
        if len(splits) > 1 and joined:
            would_do = joined
        elif all(whole > 0 for whole in wholes):
            would_do.append(NEW)
        if not would_do:
            return None
        slot = prefer(row, would_do, splits[0]) if len(would_do) > 1 else would_do[0]
        if slot == NEW:
            slot = len(splits[0])
            for split in splits:
                split.append(0)
        chosen.append(slot)
        for world, split in enumerate(splits):
            wholes[world] -= split[slot] == 0
            split[slot] += share
    return chosen


def fullest(row: int, slots: Slots, used: Slots) -> int:
    """The split device with least left, the first of equals; a new one only where no other would do."""
    return max(slots, key=lambda slot: (used[slot] if slot != NEW else -1, -slot))


def _does(splits: Sequence[list[int]], wholes: Sequence[int], share: int, slot: int) -> bool:
    used = [split[slot] for split in splits]
    return any(used) and all(
        each + share <= DEVICE if each else whole > 0 for each, whole in zip(used, wholes, strict=True)
    )
