from collections.abc import AsyncIterator

import pytest
from controller.cluster import Cluster


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster.start() as cluster:
        yield cluster
