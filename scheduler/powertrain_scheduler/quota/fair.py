"""What each queue may hold by right: its own as far as it wants it, and by weight of what then is left.

Shared out level by level: what a queue gets is what its children share. Among siblings everybody gets
of its nominal quota what it wants, though all of these together be more than there is; the rest goes
to the siblings of the highest priority first, in proportion to their weights, until they want no more
or are at their limits, and then to the next. Weight 0 gets nothing of it.
"""

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.columns import Mask
from powertrain_scheduler.fleet import Ints
from powertrain_scheduler.quota import Quotas


def shares(quotas: Quotas, demand: Ints) -> Ints:
    """By queue row and kind; `demand` is what each queue's subtree holds and asks for."""
    found = np.zeros_like(demand)
    owned = _owned(quotas)

    def share_out(parent: int | None, whole: Ints) -> None:
        rows = quotas.children.get(parent)
        if not rows:
            return
        for kind, total in enumerate(whole.tolist()):
            found[rows, kind] = _among(
                quotas, rows, total, owned[rows, kind], _wanted(quotas, rows, kind, demand)
            )
        for row in rows:
            share_out(row, found[row])

    share_out(None, quotas.capacity)
    return found


def _owned(quotas: Quotas) -> Ints:
    """Nominal quota; of a queue without an entry, what its children have."""
    owned = quotas.nominal.copy()

    def fill(row: int) -> None:
        for child in quotas.children.get(row, ()):
            fill(child)
            owned[row] += np.where(quotas.entry[row], 0, owned[child])

    for row in quotas.children.get(None, ()):
        fill(row)
    return owned


def _wanted(quotas: Quotas, rows: list[int], kind: int, demand: Ints) -> Ints:
    wanted: Ints = np.minimum(demand[rows, kind], quotas.limit[rows, kind])
    return wanted


def _among(quotas: Quotas, rows: list[int], total: int, owned: Ints, wanted: Ints) -> Ints:
    got: Ints = np.minimum(owned, wanted)
    rest = total - int(got.sum())
    queues = [quotas.fleet.queue_list[row] for row in rows]
    weight = np.array([queue.weight for queue in queues], dtype=np.float64)
    priority = np.array([queue.priority for queue in queues], dtype=np.int64)
    for level in np.unique(priority)[::-1].tolist():
        if rest <= 0:
            break
        more = _pour(rest, np.where(priority == level, wanted - got, 0), weight)
        got = got + more
        rest -= int(more.sum())
    return got


def _pour(rest: int, room: Ints, weight: NDArray[np.float64]) -> Ints:
    """The rest in proportion to the weights, nobody beyond its room; fractions of a unit stay out."""
    got = np.zeros_like(room)
    while True:
        open_: Mask = (room > got) & (weight > 0)
        left = rest - int(got.sum())
        if left <= 0 or not open_.any():
            return got
        part = np.where(open_, weight, 0.0) * (left / float(weight[open_].sum()))
        full = open_ & (got + part >= room)
        if not full.any():
            return got + np.floor(part).astype(np.int64)
        got = np.where(full, room, got)
