"""A real API server for the tests here: one for the whole run, a namespace and nodes for each test.

What a failed test leaves to look at is in pytest's own temporary folder:
`/tmp/pytest-of-<user>/pytest-current/cluster*/logs`.
"""

import re
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from demo import install
from localcluster import Cluster, NodeShape

_numbers = count(1)

Fleet = Callable[..., list[str]]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Kinds installed, and the chart's two ServiceAccounts with the chart's rights; nothing of ours runs."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    log = reporter.write_line if reporter else print
    with Cluster.start(tmp_path_factory.mktemp("cluster"), log=log) as cluster:
        install.custom_resources(cluster)
        install.rights(cluster)
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, named after it, where pods may be made at once."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_")).strip("-")
    name = f"{words[:40].strip('-')}-{next(_numbers)}"
    cluster.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    # Without its default ServiceAccount the first pod would be refused.
    eventually(lambda: cluster.api.answers(f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    yield name
    cluster.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def fleet(cluster: Cluster) -> Iterator[Fleet]:
    """`fleet(NodeShape(...), ...)` makes nodes that are gone after the test, and gives their names."""
    made: list[str] = []

    def add(*shapes: NodeShape) -> list[str]:
        names = [node["metadata"]["name"] for shape in shapes for node in shape.manifests()]
        made.extend(names)
        cluster.add_nodes(shapes)
        return names

    yield add
    cluster.kubectl("delete", "node", "--ignore-not-found", "--wait=false", *made) if made else None


def eventually(done: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits until it is so; a test that fails here says how long it waited."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s"
        time.sleep(0.05)
