"""What is left of a split device is worth what the shares expected to come can make of it.

Shares of given sizes and numbers are cut from as few devices as possible: the linear program of
cutting stock, solved by generating columns (Gilmore and Gomory, Operations Research 9, 1961). Its
dual values are the prices of the shares in devices. A remainder is worth the dearest set of shares
that fits into it; what it holds beyond that worth is waste.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.kinds import DEVICE

Floats = NDArray[np.float64]

STEP = 10
"""Thousandths; sizes are rounded up to whole steps."""
STEPS = DEVICE // STEP
_MOST_ROUNDS = 1000
_PRECISION = 1e-9


def waste(shares: Mapping[int, float]) -> Floats:
    """By the steps left of a device (0 to `STEPS`), thousandths of these that are wasted.

    `shares` are the sizes in thousandths and how many of each are expected. Negative where the
    remainder is just what a share needs that is worth more than its size; 0 for a whole device.
    """
    demand: dict[int, float] = {}
    for size, number in sorted(shares.items()):
        steps = -(-size // STEP)
        demand[steps] = demand.get(steps, 0.0) + number
    left = np.arange(STEPS + 1) * float(STEP)
    if not demand:
        return np.where(left == left[-1], 0.0, left)
    sizes = np.array(sorted(demand), dtype=np.int64)
    worth = _worth(sizes, prices(sizes, np.array([demand[size] for size in sizes.tolist()])))[0]
    worth[-1] = 1.0  # whatever the shares: whole devices are wanted too
    wasted: Floats = np.rint(left - DEVICE * worth)
    return wasted


def prices(sizes: NDArray[np.int64], demand: Floats) -> Floats:
    """Of a share of each size, in devices: the dual values of the fewest devices that meet the demand."""
    patterns = np.diag(STEPS // sizes).astype(np.float64)
    for _ in range(_MOST_ROUNDS):
        inverse = np.linalg.inv(patterns)
        found: Floats = np.maximum(inverse.sum(axis=0), 0.0)
        worth, pattern = _worth(sizes, found)
        if worth[-1] <= 1.0 + _PRECISION:
            break
        gain, devices = inverse @ pattern, inverse @ demand
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = np.where(gain > _PRECISION, devices / gain, np.inf)
        patterns[:, int(np.argmin(bound))] = pattern
    return found


def _worth(sizes: NDArray[np.int64], price: Floats) -> tuple[Floats, Floats]:
    """What each number of steps is worth at these prices, and the dearest set of shares of a device."""
    worth = np.zeros(STEPS + 1)
    last = np.full(STEPS + 1, -1)
    for steps in range(int(sizes[0]), STEPS + 1):
        fits = int(np.searchsorted(sizes, steps, side="right"))
        offers = worth[steps - sizes[:fits]] + price[:fits]
        best = int(np.argmax(offers))
        worth[steps], last[steps] = worth[steps - 1], -1
        if offers[best] > worth[steps - 1] + _PRECISION:
            worth[steps], last[steps] = offers[best], best
    pattern = np.zeros(len(sizes))
    steps = STEPS
    while steps > 0:
        if last[steps] < 0:
            steps -= 1
        else:
            pattern[last[steps]] += 1.0
            steps -= int(sizes[last[steps]])
    return worth, pattern
