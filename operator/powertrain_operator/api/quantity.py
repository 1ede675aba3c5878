"""Kubernetes quantities ("500m", "8Gi", "1e3", 2) as whole numbers.

Amounts are rounded up, as the API server and kube-scheduler round them, and capped at the largest
64-bit number, as `resource.Quantity` caps them, so that they always fit the core's int64 columns.
"""

import re
from functools import lru_cache

LARGEST = 2**63 - 1
"""What every larger amount is cut down to."""

Quantity = str | int | float
"""A quantity as JSON or YAML carries it; the API server itself always answers with text."""

_FORM = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]{0,64})(?:\.(?P<part>[0-9]{0,64}))?"
    r"(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,9}))?"
)
_TENS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_TWOS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_MOST_TENS = 200
"""Powers of ten beyond this change neither a capped nor a rounded-up result of 128 digits."""


def whole(quantity: Quantity) -> int:
    """Bytes or a count: the amount rounded up to a whole number.

    Raises ValueError that names the text where it is no quantity or is negative.
    """
    return quantity if type(quantity) is int and 0 <= quantity <= LARGEST else _scaled(str(quantity), 0)


def cpu_milli(quantity: Quantity) -> int:
    """Thousandths of a core, rounded up. Raises ValueError that names the text."""
    return _scaled(str(quantity), 3)


def amount(resource: str, quantity: Quantity) -> int:
    """What a resource counts in: thousandths of a core for `cpu`, bytes or whole units for the others."""
    return cpu_milli(quantity) if resource == "cpu" else whole(quantity)


@lru_cache(maxsize=8192)
def _scaled(text: str, tens: int) -> int:
    """The quantity times 10**tens. Cached: a cluster repeats few texts many times."""
    found = _FORM.fullmatch(text)
    if found is None or not (found["whole"] or found["part"]):
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2 or 8Gi")
    digits = int((found["whole"] or "") + (found["part"] or ""))
    if found["sign"] == "-" and digits:
        raise ValueError(f"{text!r} is negative")
    suffix = found["suffix"] or ""
    shift = tens + _TENS.get(suffix, 0) + int(found["exponent"] or 0) - len(found["part"] or "")
    digits <<= _TWOS.get(suffix, 0)
    if shift >= 0:
        return min(digits * _ten_to(shift), LARGEST)
    return min(-(-digits // _ten_to(-shift)), LARGEST)


def _ten_to(power: int) -> int:
    return int(10 ** min(power, _MOST_TENS))
