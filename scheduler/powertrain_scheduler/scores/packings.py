"""Packings of the literature, to compare with: each a whole-number score of every node, 0 to 100, most first.

As their authors implemented them for the FGD simulator (github.com/hkust-adsl/kubernetes-scheduler-simulator)
and its fork for PWR (github.com/Fr4nz83/PWR-plugin-kubernetes): scores are cut to whole numbers before they
are compared, equal ones are taken by name, and so is the device of a share. Chosen with `Policy.packing`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler import fit, shares
from powertrain_scheduler.fleet import Ints, Traits
from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.scores import fragments, sockets
from powertrain_scheduler.session import Rows, Session
from powertrain_scheduler.shares import NEW, Prefer, Slots
from powertrain_scheduler.snapshot import CPU

Floats = NDArray[np.float64]
Score = Callable[[Session, Traits, Rows], Ints]

OWN = "powertrain"
_MOST = 100
_MOST_CPU, _MOST_DEVICES = 128_000, 8_000
"""What the simulator normalises by: the largest nodes of its fleet, in thousandths of cores and devices."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Scores added up by weight, and which device a share goes to."""

    scores: tuple[tuple[int, str, Score], ...]
    """(weight, name, score)."""
    prefer: Callable[[Session, Traits], Prefer]


def keys(name: str, session: Session, traits: Traits, disliked: Ints | None) -> Ints:
    """Each node's key, least first: what its owner dislikes, then the score turned round."""
    packing = PACKINGS[name]
    if packing is None or not packing.scores:
        key = _dice(session, np.arange(session.fleet.size)) >> 24
        return key if disliked is None else key + (disliked << 40)
    room = fit.room(session, traits) > 0
    total = np.zeros(session.fleet.size, dtype=np.int64)
    for weight, kind, score in packing.scores:
        found = session.vector(kind, traits, score, None)
        total += weight * (_stretched(found, room) if kind == "watts" else found)
    key = sum(weight for weight, _, _ in packing.scores) * _MOST - total
    return key if disliked is None else key + (disliked << 40)


def prefer(name: str, session: Session, traits: Traits) -> Prefer:
    """Which device a share goes to."""
    packing = PACKINGS[name]
    return shares.fullest if packing is None else packing.prefer(session, traits)


# -- what the nodes have left --------------------------------------------------------------------------


def _cpu(session: Session, rows: Rows) -> Ints:
    column = session.fleet.column_of[CPU]
    found: Ints = session.fleet.facts.allocatable[rows, column] - session.used[rows, column]
    return found


def _idle(session: Session, rows: Rows) -> tuple[Ints, Ints]:
    """Idle thousandths of each node's devices, and how many of these are in whole ones."""
    these = fragments.nodes(session, np.arange(session.fleet.size)[rows])
    return these.whole * DEVICE + these.left.sum(axis=1), these.whole


def _taken(session: Session, traits: Traits, rows: Rows) -> Ints:
    found: Ints = DEVICE * traits.devices[session.fleet.facts.pool[rows]] + traits.share
    return found


# -- scores --------------------------------------------------------------------------------------------


def dot_product(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Least dot product of what is free and what is asked for (Grandl et al., Tetris, SIGCOMM 2014), turned so
    that full nodes come first."""
    cpu = _cpu(session, rows) / _MOST_CPU * (traits.vector[session.fleet.column_of[CPU]] / _MOST_CPU)
    devices = _idle(session, rows)[0] / _MOST_DEVICES * (_taken(session, traits, rows) / _MOST_DEVICES)
    return _cut(_MOST * (1 - (cpu + devices) / 2))


def best_fit(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Least left of CPU and devices, half of the weight each (as in Protean, OSDI 2020)."""
    cpu = (_cpu(session, rows) - traits.vector[session.fleet.column_of[CPU]]) / _MOST_CPU
    devices = (_idle(session, rows)[0] - _taken(session, traits, rows)) / _MOST_DEVICES
    return _cut((1 - (0.5 * cpu + 0.5 * devices)) * _MOST)


def clustering(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Pods that take as many devices, or a share, together (Xiao et al., Gandiva, OSDI 2018); full nodes first.

    Nodes with such pods alone, then with others too, then empty ones, then those with others alone.
    """
    tag = session.tag(traits)
    if tag is None:
        return np.zeros(len(session.fleet.facts.pool[rows]), dtype=np.int64)
    every = session.tagged()
    alike = every[tag][rows] if tag in every else np.zeros(session.fleet.size, dtype=np.int64)[rows]
    others = sum(each[rows] for each in every.values()) - alike
    tier = np.where(alike > 0, np.where(others == 0, 3, 2), np.where(others == 0, 1, 0))
    full = 25 * (_MOST_DEVICES - _idle(session, rows)[0]) // _MOST_DEVICES
    found: Ints = 25 * tier + full
    return found


def packing(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Split devices before whole ones, these before empty nodes (Weng et al., MLaaS in the Wild, NSDI 2022)."""
    fleet, whole = session.fleet, _idle(session, rows)[1]
    devices = traits.devices[fleet.facts.pool[rows]]
    empty = np.maximum(33 - whole, whole)
    found = np.maximum(50 - devices, 33)
    if traits.share:
        split = session.split(traits.share_column)[rows]
        left = np.where((split > 0) & (split + traits.share <= DEVICE), DEVICE - split, 2 * DEVICE)
        least = left.min(axis=1, initial=2 * DEVICE)
        joined = np.maximum(_MOST - least * 100 // DEVICE // 10, 50)
        found = np.where(least < DEVICE, joined, 49)
    found = np.where(whole == fleet.present[rows], empty, found)
    return np.where(_taken(session, traits, rows) > 0, found, 0)


def gradient(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Fragments undone, through a sigmoid (Weng et al., FGD, USENIX ATC 2023)."""
    numbers = np.arange(session.fleet.size)[rows]
    state = _state(session, numbers)
    _, first, alike = np.unique(state, axis=0, return_index=True, return_inverse=True)
    best = fragments.gradients(session, traits, numbers[first]).max(axis=1)
    return _bent(best)[alike.reshape(-1)]


def _state(session: Session, rows: Ints) -> Ints:
    """What tells nodes apart for the fragments on them."""
    these = fragments.nodes(session, rows)
    may = fragments.targets(session.fleet).may[rows]
    marks = np.unique(may, axis=0, return_inverse=True)[1].reshape(-1)
    pool = session.fleet.facts.pool[rows]
    return np.concatenate([np.stack([pool, marks, these.cpu, these.whole], axis=1), these.left], axis=1)


def _bent(undone: Floats) -> Ints:
    with np.errstate(over="ignore"):
        return _cut(_MOST / (1 + np.exp(-undone / DEVICE)))


def _cut(score: Floats) -> Ints:
    found: Ints = np.trunc(score).astype(np.int64)
    return found


def watts(session: Session, traits: Traits, rows: Rows) -> Ints:
    """Watts that the pod adds, negative (Lettich et al., PWR, CCGrid 2025); stretched over the nodes that fit."""
    return sockets.saved(session, traits, rows)


def _stretched(found: Ints, room: NDArray[np.bool_]) -> Ints:
    """0 for the least of the nodes with room to 100 for the most."""
    if not room.any():
        return found
    least, most = int(found[room].min()), int(found[room].max())
    if least == most:
        return np.zeros_like(found)
    return (found - least) * _MOST // (most - least)


# -- devices -------------------------------------------------------------------------------------------


def _fullest(session: Session, traits: Traits) -> Prefer:
    return shares.fullest


def _least_fragments(session: Session, traits: Traits) -> Prefer:
    def chosen(row: int, slots: Slots, used: Slots) -> int:
        undone = _bent(fragments.gradients(session, traits, np.array([row]))[0])
        places = [slot if slot != NEW else len(undone) - 1 for slot in slots]
        known = [undone.item(place) if place < len(undone) else 0 for place in places]
        return slots[max(range(len(slots)), key=lambda i: (known[i], -i))]

    return chosen


def _any(session: Session, traits: Traits) -> Prefer:
    """Any device, whole ones counted one by one."""

    def chosen(row: int, slots: Slots, used: Slots) -> int:
        fleet, column = session.fleet, traits.share_column
        whole = fleet.facts.allocatable.item(row, column) - session.used.item(row, column)
        split = [slot for slot in slots if slot != NEW]
        number = int(_dice(session, np.array([fleet.size + row]))[0] >> 8) % (len(split) + max(whole, 0))
        return split[number] if number < len(split) else NEW

    return chosen


def _dice(session: Session, numbers: Ints) -> Ints:
    """A number of 64 bits less sign for each, at random by seed, placements so far and number (splitmix64)."""
    start = np.uint64((session.fleet.policy.seed * 1_000_003 + session.moment) & ((1 << 63) - 1))
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start * np.uint64(
            0xD1B54A32D192ED03
        )
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    found: Ints = (mixed >> np.uint64(1)).astype(np.int64)
    return found


PACKINGS: dict[str, Packing | None] = {
    OWN: None,
    "random": Packing((), _any),
    "best-fit": Packing(((1, "best fit", best_fit),), _fullest),
    "dotprod": Packing(((1, "dot product", dot_product),), _fullest),
    "gpu-packing": Packing(((1, "packing", packing),), _fullest),
    "gpu-clustering": Packing(((1, "clustering", clustering),), _fullest),
    "fgd": Packing(((1, "gradient", gradient),), _least_fragments),
    "pwr": Packing(((1, "watts", watts),), _least_fragments),
    "pwr+fgd": Packing(((1, "watts", watts), (9, "gradient", gradient)), _least_fragments),
}
"""By name; `powertrain` is the default and no score of this kind. `pwr+fgd` weighs 1 to 9, as PWR100+FGD900 of
the PWR paper."""
