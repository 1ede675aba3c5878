"""The steps of a run: start the system, create pods, wait for what must come, read the meters."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from localcluster.process import Process, Processes
from powertrain_operator.kube.client import Client
from powertrain_operator.kube.resources import PODS

from clusterbench import usage
from clusterbench.submit import Order, Receipt
from clusterbench.systems import Setup, System
from clusterbench.usage import Usage
from clusterbench.watching import Sightings, TookTooLong
from clusterbench.workloads import CANARY, NAMESPACE, Row, node_names, pod

SYSTEM_PROCESS = "system"
_CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kwok")
_SETTLING_SECONDS = 3.0
"""After the last pod runs: events and status writes still on their way belong to the run."""
_SMALL_POD_SECONDS = 20.0
"""How long row 4's small pod may wait before it counts as not let through."""
_LOOK_SECONDS = 1.0
"""How often a wait without news checks that the system still runs."""


@dataclass(slots=True)
class Stage:
    """A run in progress: who takes part in it."""

    setup: Setup
    system: System
    timeout: float
    client: Client
    seen: Sightings
    _programs: Processes = field(default_factory=Processes)
    _argv: Sequence[str | Path] = field(init=False)

    def __post_init__(self) -> None:
        # Now, for the token it asks for is a write that must not fall between two readings of the meters.
        self._argv = self.system.command(self.setup)

    @property
    def row(self) -> Row:
        return self.setup.row

    def start(self) -> None:
        """The system's own process."""
        self._spawn(SYSTEM_PROCESS, self._argv)

    def stop(self) -> None:
        self._programs.stop([program.name for program in self._programs.all()])

    async def canary(self) -> None:
        """One pod bound and gone again: the system is up, and knows that all is free."""
        (name,) = CANARY.pod_names()
        await self.client.create(PODS, pod(CANARY, name, self.system.scheduler), NAMESPACE)
        await self._until(lambda: name in self.seen.bound, "the canary is bound")
        await self.client.delete(PODS, NAMESPACE, name)
        await self._until(lambda: name in self.seen.gone, "the canary is gone")
        await asyncio.sleep(_LOOK_SECONDS)

    async def fill(self) -> None:
        """Row 5's pods, which hold every device before anything is asked for."""
        filling = self.row.filling
        if filling is None:
            return
        await self._create(self._order(filling_nodes=node_names(self.row)))
        names = frozenset(filling.pod_names())
        await self._until(lambda: names <= self.seen.running, "the filling runs")
        await asyncio.sleep(_SETTLING_SECONDS)

    async def submit(self) -> Receipt:
        """The row's pods, by the submitter's process; the watch goes on meanwhile."""
        receipt = await self._create(self._order())
        if self.row.submitted_first:
            names = {name for group in self.row.groups for name in group.pod_names()}
            await self._until(lambda: names <= self.seen.present, "the watch has seen every pod")
        return receipt

    async def all_bound(self) -> None:
        names = frozenset(name for group in self.row.placeable for name in group.pod_names())
        wanted = len(names)
        await self._until(
            lambda: len(self.seen.bound) >= wanted and names <= self.seen.bound.keys(), "every pod is bound"
        )

    async def told_and_let_through(self) -> None:
        """Row 4: somebody said that the gang waits, and the small pod had its time to get through."""
        misfit, (small,) = self.row.unplaceable, self.row.placeable
        (name,) = small.pod_names()
        await self._until(
            lambda: misfit in self.seen.told or any(pod.startswith(misfit) for pod in self.seen.refused),
            "the gang that cannot fit is told so",
        )
        try:
            await self.seen.until(
                lambda: name in self.seen.bound, _SMALL_POD_SECONDS, "the small pod is bound"
            )
        except TookTooLong:
            return  # an answer too: it is not let through

    async def settle(self) -> None:
        """Wait until every bound pod runs, and a little more."""
        await self._until(lambda: self.seen.node.keys() <= self.seen.running, "every bound pod runs")
        await asyncio.sleep(_SETTLING_SECONDS)

    async def meters(self) -> tuple[Counter[str], dict[str, Usage]]:
        """Writes so far, and what each process of the control plane has used so far."""
        page = await asyncio.to_thread(self.setup.cluster.kubectl, "get", "--raw", "/metrics")
        return usage.writes(page), usage.of_processes(map(self.setup.cluster.process, _CONTROL_PLANE))

    def system_cost(self) -> dict[str, Usage]:
        """What the system has used since it was started."""
        return usage.of_processes([self._programs[SYSTEM_PROCESS]])

    def keep_state(self) -> None:
        """For whoever asks why a run failed: our objects and what was told of them, beside the logs."""
        kinds = "podgroups,queues,acceleratorpools,events"
        state = self.setup.cluster.kubectl("get", kinds, "-A", "-o", "yaml", check=False)
        (self.setup.directory / "state.yaml").write_text(state)

    def _order(self, filling_nodes: tuple[str, ...] = ()) -> Order:
        return Order(
            kubeconfig=str(self.setup.cluster.kubeconfig),
            row=self.row.name,
            scale=self.setup.scale,
            scheduler=self.system.scheduler,
            pod_groups=self.system.pod_groups,
            concurrency=self.setup.concurrency,
            filling_nodes=filling_nodes,
        )

    async def _create(self, order: Order) -> Receipt:
        order_path, receipt_path = (self.setup.directory / name for name in ("order.json", "receipt.json"))
        order_path.write_bytes(msgspec.json.encode(order))
        receipt_path.unlink(missing_ok=True)
        process = self._spawn(
            "submit", [sys.executable, "-m", "clusterbench.submit", order_path, receipt_path]
        )
        deadline = time.monotonic() + self.timeout
        while not await asyncio.to_thread(process.wait, _LOOK_SECONDS):
            if time.monotonic() > deadline:
                raise TookTooLong(f"the pods are created: not within {self.timeout:.0f} s")
        if process.returncode:
            process.require_alive()  # raises, with the end of its log
        return msgspec.json.decode(receipt_path.read_bytes(), type=Receipt)

    def _spawn(self, name: str, argv: Sequence[str | Path]) -> Process:
        directory = self.setup.directory
        # The child finds the same packages as we do, installed or from the source tree.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return self._programs.start(
            name, argv, directory / f"{name}.log", environment=environment, cwd=directory
        )

    async def _until(self, reached: Callable[[], bool], what: str) -> None:
        """As `Sightings.until`, and ends early when the system's process has ended."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return await self.seen.until(reached, _LOOK_SECONDS, what)
            except TookTooLong:
                if SYSTEM_PROCESS in self._programs:
                    self._programs[SYSTEM_PROCESS].require_alive()
                if time.monotonic() > deadline:
                    raise TookTooLong(f"{what}: not within {self.timeout:.0f} s") from None
