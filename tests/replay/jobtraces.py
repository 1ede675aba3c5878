"""Small traces and throughputs, as values and as files."""

import json
from collections.abc import Mapping
from pathlib import Path

from powertrain_scheduler.replay.jobs.trace import Job

FAST, SLOW = "fast", "slow"


def job(number: int, arrival: float, workers: int = 1, **rates: float) -> Job:
    """10,000 steps; `rates` are steps per second by accelerator."""
    return Job(f"job-{number:05}", "model", 10_000.0, arrival, workers, rates)


def line(
    kind: str = "model", steps: object = 10_000, arrival: object = 0, workers: object = 1, *more: str
) -> str:
    """One line of a trace."""
    return "\t".join([kind, "python3 train.py", "-steps", "1", str(steps), str(arrival), str(workers), *more])


def files(folder: Path, lines: list[str], rates: Mapping[str, Mapping[tuple[str, int], float]]) -> list[str]:
    """Options of `powertrain replay jobs` that name a trace and throughputs with this content."""
    trace, throughputs = folder / "jobs.trace", folder / "throughputs.json"
    trace.write_text("".join(f"{each}\n" for each in lines))
    table = {
        name: {repr(key): {"null": rate} for key, rate in known.items()} for name, known in rates.items()
    }
    throughputs.write_text(json.dumps(table))
    return ["--trace", str(trace), "--throughputs", str(throughputs)]
