"""What a cycle of the placement core costs on large fleets: time and memory of `decide()` alone.

    python benchmarks/decisions.py            5,000 nodes x 8 devices, the figures of docs/benchmarks.md
    python benchmarks/decisions.py --quick    a tenth of that, to see that everything runs
    python benchmarks/decisions.py --json -   figures as JSON, too

Every row is decided several times; best, median and worst wall time are told, and the median CPU
time, which says more on a busy machine. The first decision on a fleet also turns labels and taints
into columns, which the placement process does once and keeps: it is told apart.
"""

import argparse
import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scheduler")]

import numpy as np
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import (
    NodeFacts,
    PlacedPod,
    Pod,
    PodClass,
    PodGroup,
    Pool,
    Power,
    Queue,
    Quota,
    Snapshot,
    Topology,
)

GPU = "nvidia.com/gpu"
RACK, BLOCK = "topology.example/rack", "topology.example/block"
NOW = 1_000_000.0
DEVICES = 8
POOL = Pool("h100", "h100-sxm", GPU, Power(70.0, 700.0, 2800.0, 989.0), (BLOCK, RACK))


def pods_of(devices: int) -> PodClass:
    return PodClass((("cpu", 1000 * devices), (GPU, devices), ("memory", devices << 33), ("pods", 1)))


ONE, WHOLE = pods_of(1), pods_of(DEVICES)


@dataclass(frozen=True)
class Row:
    """One measurement, in milliseconds."""

    name: str
    target_ms: float
    first_ms: float
    best_ms: float
    median_ms: float
    worst_ms: float
    cpu_ms: float
    binds: int
    evicts: int
    waits: int


class Fleet:
    """Nodes in racks of 16 and blocks of 16 racks, and what runs on them."""

    def __init__(self, nodes: int) -> None:
        self.size = nodes
        self.names = tuple(f"node-{i:05}" for i in range(nodes))
        self.groups: dict[str, PodGroup] = {}
        self.queues = {"default": Queue("default")}

    def facts(self) -> NodeFacts:
        """Made anew each time: nothing is remembered from an earlier decision."""
        shape = [110, 192_000, 2 << 40, DEVICES]
        return NodeFacts(
            names=self.names,
            resources=("pods", "cpu", "memory", GPU),
            allocatable=np.tile(np.array(shape, dtype=np.int64), (self.size, 1)),
            schedulable=np.ones(self.size, dtype=np.bool_),
            labels=tuple(
                {RACK: f"rack-{i // 16:04}", BLOCK: f"block-{i // 256:03}"} for i in range(self.size)
            ),
            taints=((),) * self.size,
            pool=np.zeros(self.size, dtype=np.int32),
        )

    def waits(self, name: str, workers: int, of: PodClass, **more: object) -> None:
        pods = tuple(Pod(f"{name}-{i}", of) for i in range(workers))
        group = PodGroup(name, "default", workers, created=0.0, waiting=pods)
        self.groups[name] = replace(group, **more)  # type: ignore[arg-type]

    def runs(self, name: str, rows: Sequence[int], of: PodClass, **more: object) -> None:
        placed = tuple(PlacedPod(f"{name}-{i}", of, self.names[row]) for i, row in enumerate(rows))
        group = PodGroup(name, "default", len(rows), created=0.0, placed=placed, started=NOW - 3600.0)
        self.groups[name] = replace(group, **more)  # type: ignore[arg-type]

    def snapshot(self) -> Snapshot:
        facts = self.facts()
        used = np.zeros_like(facts.allocatable)
        row = {name: i for i, name in enumerate(self.names)}
        vectors = {of: np.array([dict(of.request).get(r, 0) for r in facts.resources]) for of in (ONE, WHOLE)}
        for group in self.groups.values():
            for pod in group.placed:
                used[row[pod.node]] += vectors[pod.pod_class]
        return Snapshot(facts, used, np.zeros_like(used), {}, (POOL,), self.queues, dict(self.groups))


# -- rows -------------------------------------------------------------------------------------------


def singles(nodes: int) -> Fleet:
    fleet = Fleet(nodes)
    for i in range(nodes * DEVICES // 10):
        fleet.waits(f"one-{i:06}", 1, ONE)
    return fleet


def large_gang(nodes: int) -> Fleet:
    fleet = Fleet(nodes)
    fleet.waits("gang", nodes * 5 // 8, WHOLE, topology=Topology(preferred=BLOCK))
    return fleet


def infeasible_gang(nodes: int) -> Fleet:
    """Full of work that may not be evicted; a rack's worth is asked for."""
    fleet = Fleet(nodes)
    for i in range(nodes):
        fleet.runs(f"full-{i:06}", [i], WHOLE, preemptible=False)
    fleet.waits("gang", 16, WHOLE, topology=Topology(required=RACK), priority=10)
    return fleet


def never_fits(nodes: int) -> Fleet:
    fleet = Fleet(nodes)
    fleet.waits("gang", nodes + 1, WHOLE)
    return fleet


def _owed(nodes: int) -> Fleet:
    fleet = Fleet(nodes)
    fleet.queues = {
        "owner": Queue("owner", quotas={"h100-sxm": Quota(nodes * DEVICES)}),
        "borrower": Queue("borrower", quotas={"h100-sxm": Quota(0)}),
    }
    return fleet


def reclaim_nodes(nodes: int) -> Fleet:
    """Each victim holds a whole node."""
    fleet = _owed(nodes)
    for i in range(nodes):
        fleet.runs(f"lent-{i:06}", [i], WHOLE, queue="borrower", started=NOW - i)
    fleet.waits("gang", nodes // 5, WHOLE, queue="owner")
    return fleet


def reclaim_devices(nodes: int) -> Fleet:
    """Each victim holds one device, those of a node started at different times."""
    fleet = _owed(nodes)
    for i in range(nodes * DEVICES):
        fleet.runs(f"lent-{i:06}", [i // DEVICES], ONE, queue="borrower", started=NOW - (i * 7919) % 100_000)
    fleet.waits("gang", nodes // 5, WHOLE, queue="owner")
    return fleet


def reclaim_hopeless(nodes: int) -> Fleet:
    """All is lent, but no rack can be emptied: one node of each may not be evicted."""
    fleet = _owed(nodes)
    for i in range(nodes):
        fleet.runs(f"lent-{i:06}", [i], WHOLE, queue="borrower", preemptible=i % 16 != 0)
    fleet.waits("gang", 16, WHOLE, queue="owner", topology=Topology(required=RACK))
    return fleet


def reclaim_singles(nodes: int) -> Fleet:
    """Many small claims rather than one."""
    fleet = _owed(nodes)
    for i in range(nodes * DEVICES):
        fleet.runs(f"lent-{i:06}", [i // DEVICES], ONE, queue="borrower", started=NOW - (i * 7919) % 100_000)
    for i in range(nodes // 10):
        fleet.waits(f"claim-{i:06}", 1, ONE, queue="owner")
    return fleet


def reserved(nodes: int) -> Fleet:
    """Full of work that says how long it runs; a gang is given a start, small work is tried in the gaps."""
    fleet = Fleet(nodes)
    for i in range(nodes):
        fleet.runs(f"full-{i:06}", [i], WHOLE, expected_seconds=3600.0 + 10 * (i % 997))
    fleet.waits("gang", nodes // 5, WHOLE, topology=Topology(preferred=BLOCK), expected_seconds=7200.0)
    for i in range(nodes // 10):
        fleet.waits(f"small-{i:06}", 1, ONE, expected_seconds=600.0)
    return fleet


def many_gangs(nodes: int, queues: int | None = None) -> Fleet:
    """Two gangs of 15 one-device pods for every 5 nodes, in a tree of queues, one for every 25 nodes; three
    quarters of the fleet run for them already, so that a third of what waits finds room."""
    fleet = Fleet(nodes)
    leaves = queues or max(4, nodes // 25)
    owned = Quota(nodes * DEVICES // leaves)
    parents = [f"department-{i:03}" for i in range(max(1, leaves // 10))]
    teams = [f"team-{i:04}" for i in range(leaves)]
    fleet.queues = {name: Queue(name) for name in parents} | {
        name: Queue(name, parents[i % len(parents)], {"h100-sxm": owned}) for i, name in enumerate(teams)
    }
    for i in range(nodes * 3 // 4):
        fleet.runs(f"full-{i:06}", [i], WHOLE, queue=teams[i * 7919 % leaves], preemptible=i % 3 != 0)
    for i in range(nodes * 2 // 5):
        fleet.waits(f"gang-{i:06}", 15, ONE, queue=teams[i % leaves], priority=i % 3, created=float(i))
    return fleet


def idle(nodes: int) -> Fleet:
    """Full, 8 single-device groups a node, and nothing waits."""
    fleet = Fleet(nodes)
    for i in range(nodes * DEVICES):
        fleet.runs(f"full-{i:06}", [i // DEVICES], ONE)
    return fleet


ROWS: tuple[tuple[str, float, Callable[[int], Fleet]], ...] = (
    ("one-device groups, all placed", 500, singles),
    ("gang on 5/8 of the fleet, preferred block", 100, large_gang),
    ("gang that fits no rack: full, nobody may be evicted", 20, infeasible_gang),
    ("gang larger than the fleet", 20, never_fits),
    ("reclaim for a gang on 1/5 of the fleet: whole nodes", 200, reclaim_nodes),
    ("the same from groups of one device", 200, reclaim_devices),
    ("reclaim that no rack allows", 200, reclaim_hopeless),
    ("reclaim for many groups of one device", 2000, reclaim_singles),
    ("reservation and estimates, full fleet", 500, reserved),
    ("2,000 gangs of 15 pods over 200 queues", 1000, many_gangs),
    ("nothing waits, 8 groups a node", 2, idle),
)


def measure(name: str, target: float, build: Callable[[int], Fleet], nodes: int, runs: int) -> Row:
    snapshot = build(nodes).snapshot()
    plan, first, _ = timed(snapshot)
    again = [timed(snapshot)[1:] for _ in range(runs)]
    walls, cpus = [wall for wall, _ in again], [cpu for _, cpu in again]
    times = (first, min(walls), statistics.median(walls), max(walls), statistics.median(cpus))
    return Row(name, target, *times, len(plan.binds), len(plan.evicts), len(plan.waits))


def timed(snapshot: Snapshot) -> tuple[Plan, float, float]:
    """The plan, and the milliseconds it took: of the wall's clock, and of the CPU."""
    gc.collect()
    begin, cpu = time.perf_counter(), time.process_time()
    plan = decide(snapshot, Policy(), NOW)
    return plan, (time.perf_counter() - begin) * 1000, (time.process_time() - cpu) * 1000


def table(rows: Sequence[Row], nodes: int) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    head = f"{nodes} nodes x {DEVICES} devices; peak memory of all rows {peak:.0f} MiB; milliseconds\n\n"
    lines = [
        "| row | first | best | median | worst | CPU, median | aim | binds | evicts | waits |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        times = (row.first_ms, row.best_ms, row.median_ms, row.worst_ms, row.cpu_ms)
        figures = " | ".join([*(f"{each:.1f}" for each in times), f"{row.target_ms:g}"])
        lines.append(f"| {row.name} | {figures} | {row.binds} | {row.evicts} | {row.waits} |")
    return head + "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 whatever the figures are: a busy machine is no failure."""
    parser = argparse.ArgumentParser(description="What a cycle of the placement core costs.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the fleet")
    parser.add_argument("--runs", type=int, default=5, help="decisions a row after the first (default: 5)")
    parser.add_argument("--only", default="", help="only rows whose name holds this")
    parser.add_argument("--json", metavar="PATH", help="write the figures there too; - for standard output")
    options = parser.parse_args(arguments)
    nodes = 500 if options.quick else 5000
    rows = [measure(*row, nodes, options.runs) for row in ROWS if options.only in row[0]]
    print(table(rows, nodes))
    if options.json:
        figures = json.dumps({"nodes": nodes, "rows": [asdict(row) for row in rows]}, indent=2)
        print(figures) if options.json == "-" else Path(options.json).write_text(figures + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
