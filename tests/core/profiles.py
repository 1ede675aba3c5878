"""How many examples the properties try: few in every run, as many as one likes by POWERTRAIN_PROPERTIES=N.

    POWERTRAIN_PROPERTIES=5000 python -m pytest tests/core -k 'propert or rich'

The few are always the same ones; the many are others each time.
"""

import os

from hypothesis import HealthCheck, settings

_MANY = int(os.environ.get("POWERTRAIN_PROPERTIES", "0"))


def examples(few: int) -> settings:
    """Settings for a property that is tried `few` times where nobody asks for more."""
    return settings(
        max_examples=_MANY or few,
        derandomize=not _MANY,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
    )
