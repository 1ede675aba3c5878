"""The process that `make up` leaves behind: a cluster with Powertrain until SIGTERM.

The one module here that knows Powertrain; it sets the cluster up the same way
as the demo does, with the demo's own functions.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from demo import install, story
from demo.interrupts import Interrupted, interruptible
from demo.running import running

from localcluster import background
from localcluster.cluster import Cluster
from localcluster.fleet import DEMO_FLEET

FILES = "cluster"
_ENVIRONMENT = "environment.json"
_LOOK_SECONDS = 2.0


def keep(directory: Path) -> None:
    """Returns on SIGTERM with everything stopped; raises when a program ends by itself."""
    try:
        with interruptible(), Cluster.start(directory / FILES, log=_log) as cluster:
            install.custom_resources(cluster)
            install.rights(cluster)
            cluster.add_nodes(DEMO_FLEET)
            for manifest in story.FLEET:
                cluster.kubectl("apply", "-f", str(manifest))
            with running(cluster, directory) as powertrain:
                _write_environment(cluster, directory)
                _log(
                    f"Powertrain's metrics: {powertrain.operator_url}/metrics {powertrain.scheduler_url}/metrics"
                )
                background.say_ready()
                while True:
                    cluster.require_alive()
                    powertrain.require_alive()
                    time.sleep(_LOOK_SECONDS)
    except Interrupted:
        _log("stopped")


def environment(directory: Path) -> dict[str, str]:
    """What a shell needs to talk to the kept cluster; PATH is only the addition to it."""
    found: dict[str, str] = json.loads((directory / _ENVIRONMENT).read_text())
    return found


def _write_environment(cluster: Cluster, directory: Path) -> None:
    wanted = cluster.environment | {"PATH": str(cluster.programs)}
    (directory / _ENVIRONMENT).write_text(json.dumps(wanted, indent=1))


def _log(text: str) -> None:
    print(text, flush=True)
