from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakekube import FakeKube, FakeTime
from powertrain_operator.kube.client import Client


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with FakeKube.start() as kube:
        yield kube


@pytest.fixture
def time() -> FakeTime:
    """Sleeps are over at once; the clock moves on by them."""
    return FakeTime()


@pytest.fixture
async def client(kube: FakeKube, time: FakeTime, tmp_path: Path) -> AsyncIterator[Client]:
    async with Client.connect(kube.kubeconfig(tmp_path), waiting=time.waiting) as client:
        yield client
