"""How the cost of a cycle grows: with nodes, with pods that wait and with queues; time and memory.

    python benchmarks/growth.py                 up to 20,000 nodes, the figures of docs/benchmarks.md
    python benchmarks/growth.py --largest 2500  less
    python benchmarks/growth.py --json -        figures as JSON, too

Time is the median CPU time of a cycle, which says more on a busy machine than the wall's. Each point is
measured in a process of its own, so that its memory is its own: the largest resident set, snapshot included. The exponent is the slope of a straight line through the logarithms: 1 is linear.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import decisions
from decisions import Fleet

RUNS = 3
NODES = (1250, 2500, 5000, 10_000, 20_000)
FIXED = 5000
"""Nodes where something else grows."""


def pods(number: int) -> Fleet:
    """So many one-device groups wait on 5,000 nodes."""
    fleet = Fleet(FIXED)
    for i in range(number):
        fleet.waits(f"one-{i:06}", 1, decisions.ONE)
    return fleet


def queues(number: int) -> Fleet:
    """2,000 gangs over so many queues, on 5,000 nodes."""
    return decisions.many_gangs(FIXED, number)


@dataclass(frozen=True)
class Line:
    """What grows, and how a fleet of each size is made."""

    name: str
    unit: str
    build: Callable[[int], Fleet]
    sizes: tuple[int, ...] = NODES


LINES = {
    "singles": Line("one-device groups, 4 for 5 nodes, all placed", "nodes", decisions.singles),
    "gang": Line("gang on 5/8 of the fleet, preferred block", "nodes", decisions.large_gang),
    "infeasible": Line("gang that fits no rack", "nodes", decisions.infeasible_gang),
    "reclaim": Line("reclaim for a gang on 1/5 of the fleet", "nodes", decisions.reclaim_nodes),
    "gangs": Line("2 gangs of 15 for 5 nodes, a queue for 25", "nodes", decisions.many_gangs),
    "idle": Line("nothing waits, 8 groups a node", "nodes", decisions.idle),
    "pods": Line("one-device groups on 5,000 nodes", "pods", pods, (1000, 2000, 4000, 8000, 16_000, 32_000)),
    "queues": Line("2,000 gangs of 15 on 5,000 nodes", "queues", queues, (25, 50, 100, 200, 400, 800)),
}


@dataclass(frozen=True)
class Point:
    """One size: median CPU milliseconds of a cycle, and MiB of the whole process."""

    size: int
    ms: float
    mib: float


def measure(line: str, size: int) -> Point:
    """In this process."""
    snapshot = LINES[line].build(size).snapshot()
    decisions.timed(snapshot)
    cpus = [decisions.timed(snapshot)[2] for _ in range(RUNS)]
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Point(size, statistics.median(cpus), mib)


def apart(line: str, size: int) -> Point:
    """The same in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--point", line, str(size)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Point(**json.loads(answer))


def exponent(points: Sequence[Point]) -> float:
    """Of the power law that fits best."""
    x, y = [math.log(p.size) for p in points], [math.log(max(p.ms, 1e-3)) for p in points]
    return statistics.linear_regression(x, y).slope


def table(found: dict[str, list[Point]]) -> str:
    """A section for each thing that grows."""
    parts = []
    for unit in dict.fromkeys(LINES[name].unit for name in found):
        lines = {name: points for name, points in found.items() if LINES[name].unit == unit}
        sizes = [point.size for point in next(iter(lines.values()))]
        head = f"| milliseconds (MiB) by {unit} | {' | '.join(f'{size:,}' for size in sizes)} | exponent |"
        rows = [head, "|---" * (len(sizes) + 2) + "|"]
        for name, points in lines.items():
            cells = " | ".join(f"{point.ms:.1f} ({point.mib:.0f})" for point in points)
            rows.append(f"| {LINES[name].name} | {cells} | {exponent(points):.2f} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 whatever the figures are."""
    parser = argparse.ArgumentParser(description="How the cost of a cycle grows.")
    parser.add_argument("--largest", type=int, default=NODES[-1], help="most nodes (default: 20000)")
    parser.add_argument("--only", default="", help="only lines whose key holds this")
    parser.add_argument("--json", metavar="PATH", help="write the figures there too; - for standard output")
    parser.add_argument("--point", nargs=2, metavar=("LINE", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.point:
        print(json.dumps(asdict(measure(options.point[0], int(options.point[1])))))
        return 0
    found = {
        name: [apart(name, size) for size in line.sizes if line.unit != "nodes" or size <= options.largest]
        for name, line in LINES.items()
        if options.only in name
    }
    print(table(found))
    if options.json:
        plain = {name: [asdict(point) for point in points] for name, points in found.items()}
        figures = json.dumps(plain, indent=2)
        print(figures) if options.json == "-" else Path(options.json).write_text(figures + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
