"""What all tests share: how properties are tried, and which tests need the real API server."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
_ON_REAL_CLUSTER = ROOT / "tests" / "cluster"

# In CI the same examples every time, so that a red run is red again when looked
# at; by hand new ones each time. A busy machine is no reason to fail: no deadline.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`pytest -m "not cluster"` is everything that takes seconds."""
    for item in items:
        if item.path.is_relative_to(_ON_REAL_CLUSTER):
            item.add_marker(pytest.mark.cluster)
