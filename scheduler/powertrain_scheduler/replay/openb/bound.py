"""How full a fleet can be at most when it first has to turn a pod away, CPU and memory aside.

Until then all who came are there, in the proportions of the list. The fewest devices that hold them,
fractions of patterns allowed, is the linear program whose prices packing goes by (`scores.prices`).
"""

from collections.abc import Sequence

import numpy as np

from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.replay.openb.trace import Shape
from powertrain_scheduler.scores import prices


def fullest(shapes: Sequence[Shape]) -> float:
    """Percent of the devices allocated."""
    shares = [shape.share for shape in shapes if 0 < shape.share < DEVICE]
    whole = sum(shape.devices for shape in shapes if shape.share == DEVICE)
    asked = whole * DEVICE + sum(shares)
    sizes, counts = np.unique(-(-np.array(shares, dtype=np.int64) // prices.STEP), return_counts=True)
    fewest = float(prices.prices(sizes, counts.astype(np.float64)) @ counts) if len(sizes) else 0.0
    return 100.0 * asked / (DEVICE * (whole + fewest))
