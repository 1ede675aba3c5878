"""How near the core comes to the best that could be done: small random clusters, solved exactly by HiGHS.

    python benchmarks/optimality.py                 300 instances, the figures of docs/benchmarks.md
    python benchmarks/optimality.py --instances 20  fewer
    python benchmarks/optimality.py --json -        every instance, too

An instance is a few racks of nodes on which something runs already, and gangs that want more than there
is. Two optima are asked for. The most devices: any set of gangs that fits together. By priority: the
gangs in the order of the line, each started if any placement of those before it leaves room for it,
which is what the core's order promises; the core, which places one gang after the other and never moves
the first for the second, may fall behind it.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scheduler")]

import highspy
import numpy as np
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import (
    NodeFacts,
    Pod,
    PodClass,
    PodGroup,
    Pool,
    Power,
    Queue,
    Snapshot,
    Topology,
)

GPU, RACK = "nvidia.com/gpu", "topology.example/rack"
POOL = Pool("h100", "h100-sxm", GPU, Power(70.0, 700.0, 2800.0, 989.0), (RACK,))
DEVICES = 8


@dataclass(frozen=True)
class Gang:
    """So many pods of so many devices each, in one rack if they must be."""

    name: str
    pods: int
    devices: int
    one_rack: bool

    @property
    def size(self) -> int:
        return self.pods * self.devices


@dataclass(frozen=True)
class Instance:
    """Free devices by node, the rack of each node, and the gangs in the order of the line."""

    free: tuple[int, ...]
    rack: tuple[int, ...]
    gangs: tuple[Gang, ...]


@dataclass(frozen=True)
class Result:
    """Devices that start."""

    seed: int
    ours: int
    most: int
    by_priority: int
    same_gangs: bool
    """Whether just those start that the order of the line promises."""

    @property
    def gap(self) -> float:
        return 1.0 - self.ours / self.most if self.most else 0.0

    @property
    def gap_by_priority(self) -> float:
        return 1.0 - self.ours / self.by_priority if self.by_priority else 0.0


def instance(seed: int) -> Instance:
    """Two to four racks of two to four nodes, of which a third is in use; gangs for 1.5 times what is free."""
    dice = Random(seed)
    free, rack = [], []
    for number in range(dice.randint(2, 4)):
        for _ in range(dice.randint(2, 4)):
            free.append(DEVICES - dice.choice([0, 0, 1, 2, 4, 6]))
            rack.append(number)
    gangs: list[Gang] = []
    while sum(gang.size for gang in gangs) < 1.5 * sum(free):
        pods, devices = dice.choice([1, 1, 2, 3, 4, 6]), dice.choice([1, 1, 2, 2, 3, 4, 8])
        gangs.append(Gang(f"gang-{len(gangs):02}", pods, devices, dice.random() < 0.3))
    return Instance(tuple(free), tuple(rack), tuple(gangs))


# -- the core ---------------------------------------------------------------------------------------


def snapshot(case: Instance) -> Snapshot:
    """The instance as the core gets it."""
    size = len(case.free)
    facts = NodeFacts(
        names=tuple(f"node-{i:02}" for i in range(size)),
        resources=("pods", "cpu", "memory", GPU),
        allocatable=np.tile(np.array([110, 192_000, 2 << 40, DEVICES], dtype=np.int64), (size, 1)),
        schedulable=np.ones(size, dtype=np.bool_),
        labels=tuple({RACK: f"rack-{rack}"} for rack in case.rack),
        taints=((),) * size,
        pool=np.zeros(size, dtype=np.int32),
    )
    used = np.zeros_like(facts.allocatable)
    used[:, 3] = DEVICES - np.array(case.free)
    groups = {gang.name: _group(gang, place) for place, gang in enumerate(case.gangs)}
    return Snapshot(facts, used, np.zeros_like(used), {}, (POOL,), {"default": Queue("default")}, groups)


def _group(gang: Gang, place: int) -> PodGroup:
    of = PodClass((("cpu", 1000), (GPU, gang.devices), ("memory", 1 << 30), ("pods", 1)))
    pods = tuple(Pod(f"{gang.name}-{i}", of) for i in range(gang.pods))
    topology = Topology(required=RACK) if gang.one_rack else Topology()
    return PodGroup(gang.name, "default", gang.pods, float(place), waiting=pods, topology=topology)


def ours(case: Instance) -> set[str]:
    """Gangs that the core starts."""
    return {bind.group for bind in _plan(case).binds}


def left(case: Instance) -> tuple[int, ...]:
    """Devices of each node that the core leaves free."""
    free = list(case.free)
    for bind in _plan(case).binds:
        free[int(bind.node.removeprefix("node-"))] -= sum(count for _, count in bind.devices)
    return tuple(free)


def _plan(case: Instance) -> Plan:
    return decide(snapshot(case), Policy(backfill=False), 0.0)


# -- the optima -------------------------------------------------------------------------------------


class Exact:
    """The instance as an integer program: pods of each gang by node, and whether it starts."""

    def __init__(self, case: Instance) -> None:
        self._case = case
        self._solver = solver = _solver()
        nodes, racks = range(len(case.free)), range(max(case.rack) + 1)
        self._starts = [solver.addBinary() for _ in case.gangs]
        pods = [[solver.addIntegral(0, gang.pods) for _ in nodes] for gang in case.gangs]
        for gang, starts, on in zip(case.gangs, self._starts, pods, strict=True):
            solver.addConstr(sum(on) == gang.pods * starts)
            if gang.one_rack:
                chosen = [solver.addBinary() for _ in racks]
                solver.addConstr(sum(chosen) == starts)
                for node in nodes:
                    solver.addConstr(on[node] <= gang.pods * chosen[case.rack[node]])
        for node in nodes:
            taken = sum(gang.devices * on[node] for gang, on in zip(case.gangs, pods, strict=True))
            solver.addConstr(taken <= case.free[node])

    def most_devices(self) -> int:
        """Devices of the gangs that fit together best."""
        gangs = zip(self._case.gangs, self._starts, strict=True)
        return round(self._maximum(sum(gang.size * starts for gang, starts in gangs)))

    def by_priority(self) -> set[str]:
        """Gangs in line order, each if it fits beside those before it, however these are placed."""
        started: set[str] = set()
        for gang, starts in zip(self._case.gangs, self._starts, strict=True):
            if self._maximum(1 * starts) > 0.5:
                started.add(gang.name)
                self._solver.addConstr(1 * starts >= 1)
            else:
                self._solver.addConstr(1 * starts <= 0)
        return started

    def _maximum(self, objective: Any) -> float:
        self._solver.maximize(objective)
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError("the solver found no optimum")
        return float(self._solver.getObjectiveValue())


def _solver() -> highspy.Highs:
    with _silence():
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    return solver


@contextmanager
def _silence() -> Iterator[None]:
    """HiGHS greets on standard output as it is made, before it can be told not to."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


# -- side by side -----------------------------------------------------------------------------------


def compare(seed: int) -> Result:
    """One instance, by the core and exactly."""
    case = instance(seed)
    size = {gang.name: gang.size for gang in case.gangs}
    started, promised = ours(case), Exact(case).by_priority()
    return Result(
        seed=seed,
        ours=sum(size[name] for name in started),
        most=Exact(case).most_devices(),
        by_priority=sum(size[name] for name in promised),
        same_gangs=started == promised,
    )


def table(results: Sequence[Result]) -> str:
    """The distribution of both gaps."""
    same = sum(result.same_gangs for result in results)
    lines = [
        f"{len(results)} instances; just the gangs that the order of the line promises start in {same}\n",
        "| devices that start, short of | mean | median | p90 | worst |",
        "|---|---|---|---|---|",
        _row("the most that any set of gangs could have", [result.gap for result in results]),
        _row("the exact optimum by priority", [result.gap_by_priority for result in results]),
    ]
    return "\n".join(lines)


def _row(name: str, gaps: list[float]) -> str:
    gaps = sorted(gaps)
    told = (statistics.mean(gaps), statistics.median(gaps), gaps[int(0.9 * (len(gaps) - 1))], gaps[-1])
    return f"| {name} | {' | '.join(f'{gap:.1%}' for gap in told)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 whatever the gaps are."""
    parser = argparse.ArgumentParser(description="How near the core comes to the optimum.")
    parser.add_argument("--instances", type=int, default=300, help="how many (default: 300)")
    parser.add_argument(
        "--json", metavar="PATH", help="write every instance there too; - for standard output"
    )
    options = parser.parse_args(arguments)
    results = [compare(seed) for seed in range(options.instances)]
    print(table(results))
    if options.json:
        figures = json.dumps([asdict(result) for result in results], indent=2)
        print(figures) if options.json == "-" else Path(options.json).write_text(figures + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
