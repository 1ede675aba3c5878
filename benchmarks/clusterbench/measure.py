"""One run: an empty cluster, a fleet, a system, pods, and how long and how much it took.

`measure` and `_sequence` read as the run's order of events; the steps are in `stage`, the arithmetic
in `figures`. What takes longer than its bound ends the run with a `problem` instead of figures.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from demo import install
from localcluster import Cluster, LocalClusterError
from powertrain_operator.kube.client import Client

from clusterbench import figures, usage, workloads
from clusterbench.result import Result
from clusterbench.stage import Stage
from clusterbench.systems import SYSTEMS, Setup
from clusterbench.watching import TookTooLong, watching
from clusterbench.workloads import Row


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every run."""

    directory: Path
    """Where each run's cluster lives and leaves its logs."""
    scale: float
    concurrency: int
    timeout: float
    """Seconds for any one step of a run."""


def measure(row: Row, system: str, run: int, options: Options) -> Result:
    """One system at one row, on a cluster of its own."""
    directory = options.directory / f"run{run}-row{row.name}-{system}"
    directory.mkdir(parents=True)
    with Cluster.start(directory) as cluster:
        prepare(cluster, row)
        setup = Setup(cluster, directory, row, options.scale, options.concurrency)
        return asyncio.run(_measure(setup, system, run, options.timeout))


def prepare(cluster: Cluster, row: Row) -> None:
    """Everything that exists before the system starts, the same for every system."""
    install.custom_resources(cluster)
    install.rights(cluster)
    install.namespace(cluster, workloads.NAMESPACE)
    install.apply(cluster, workloads.fixtures(row))
    cluster.add_nodes([workloads.fleet(row)])


async def _measure(setup: Setup, system: str, run: int, timeout: float) -> Result:
    row, admin = setup.row, str(setup.cluster.kubeconfig)
    blank = Result(row=row.name, system=system, run=run, scale=setup.scale, pods=row.pods, bound=0)
    async with (
        Client.connect(admin, user_agent="bench-watch", concurrency=4) as client,
        watching(client) as seen,
    ):
        stage = Stage(setup, SYSTEMS[system], timeout, client, seen)
        try:
            return await _sequence(stage, blank)
        except (TookTooLong, LocalClusterError) as error:
            stage.keep_state()
            return figures.failed(blank, row, seen, str(error))
        finally:
            stage.stop()


async def _sequence(stage: Stage, blank: Result) -> Result:
    """Order of events: the system comes before the pods, or, in row 1b, after them."""
    row = stage.row
    if row.submitted_first:
        receipt = await stage.submit()
        writes, costs = await stage.meters()
        started, submitted = time.monotonic(), Counter[str]()
        stage.start()
    else:
        stage.start()
        await stage.canary()
        await stage.fill()
        writes, costs = await stage.meters()
        receipt = await stage.submit()
        started, submitted = receipt.first_sent, Counter(receipt.created)
    await (stage.told_and_let_through() if row.unplaceable else stage.all_bound())
    await stage.settle()
    writes_after, costs_after = await stage.meters()
    return figures.result(
        blank,
        row,
        stage.seen,
        receipt,
        started,
        costs={name: cost.since(costs[name]) for name, cost in costs_after.items()} | stage.system_cost(),
        writes=usage.caused(writes, writes_after, submitted),
    )
