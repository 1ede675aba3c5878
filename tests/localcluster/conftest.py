"""A cluster of this room's own, and ways to see what still runs."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from localcluster import DEMO_FLEET, Cluster


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With the demo's fleet; tests that break something mend it."""
    with Cluster.start(tmp_path_factory.mktemp("local"), log=print) as cluster:
        cluster.add_nodes(DEMO_FLEET)
        yield cluster


def running_in(directory: Path) -> list[str]:
    """The command names of all processes whose working directory is that one."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and process.joinpath("cwd").readlink() == directory.resolve():
                found.append(process.joinpath("comm").read_text().strip())
        except OSError:  # it has ended, or belongs to another user
            continue
    return found


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(done: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s"
        time.sleep(0.02)
