"""Cases in a line or two, for tests of the runner itself."""

from typing import Any

import yaml
from scenarios.case import Case
from scenarios.read import read


def case(text: str, **changes: Any) -> Case:
    """The case of this YAML, on one node of two GPUs with a queue unless it says otherwise."""
    usual = """
        id: own-1
        origin: own
        says: what it is about
        stage: settled
        nodes: [{name: n0, gpus: 2}]
        queues: [{name: q0, quota: {gpus: 2}, weight: 0}]
    """
    return read(yaml.safe_load(usual) | yaml.safe_load(text) | changes, "own")
