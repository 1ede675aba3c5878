"""Traces of training jobs and measured throughputs, in the formats of Gavel (Narayanan et al., OSDI 2020).

A trace has one job a line and seven fields, separated by tabs: type of job, command, name of the
command's argument for steps, whether it needs data, steps, arrival in seconds, workers.
Throughputs are steps per second by accelerator and `('type', workers)`.
"""

import ast
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIELDS = ("type", "command", "steps argument", "needs data", "steps", "arrival", "workers")
ALONE = "null"
"""Under this name stands the throughput of a job that shares its devices with no other."""

Throughputs = Mapping[str, Mapping[tuple[str, int], float]]
"""Steps per second by accelerator and by (type of job, workers)."""


class BadTrace(Exception):
    """What was given cannot be read; the sentence names file, line and field."""


@dataclass(frozen=True, slots=True)
class Job:
    """One training job: a gang of `workers`, one device each."""

    name: str
    """Its place in the trace, from `job-00000`."""
    type: str
    steps: float
    arrival: float
    """Seconds from the trace's beginning."""
    workers: int
    rates: Mapping[str, float]
    """Steps per second of the whole gang, by accelerator; those on which it does not run are left out."""
    measured: bool = True
    """False where its rates are extrapolated to its number of workers."""

    def seconds(self, accelerator: str) -> float:
        """How long it would run there from start to end."""
        return self.steps / self.rates[accelerator]

    @property
    def fastest(self) -> str:
        """The accelerator on which it is done soonest; of equals the first by name."""
        return min(self.rates, key=lambda name: (-self.rates[name], name))


def jobs(lines: Iterable[str], file: str, throughputs: Throughputs, cluster: Mapping[str, int]) -> list[Job]:
    """The trace's jobs by arrival; raises BadTrace.

    Jobs that fit on none of the cluster's accelerators (named with their devices) have no rates.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            found.append(
                _job(line.rstrip("\r\n").split("\t"), f"{file}, line {number}", throughputs, cluster)
            )
    if not found:
        raise BadTrace(f"{file}: holds no jobs")
    found.sort(key=lambda job: job.arrival)
    return [
        Job(f"job-{i:05}", job.type, job.steps, job.arrival, job.workers, job.rates, job.measured)
        for i, job in enumerate(found)
    ]


def _job(fields: list[str], at: str, throughputs: Throughputs, cluster: Mapping[str, int]) -> Job:
    if len(fields) != len(FIELDS):
        raise BadTrace(
            f"{at}: has {len(fields)} fields separated by tabs, not {len(FIELDS)} ({', '.join(FIELDS)})"
        )
    steps, arrival = _number(fields, "steps", at), _number(fields, "arrival", at)
    workers = _number(fields, "workers", at)
    if steps <= 0:
        raise BadTrace(f"{at}, field steps: {fields[4]} is not more than 0")
    if workers < 1 or workers != int(workers):
        raise BadTrace(f"{at}, field workers: {fields[6]} is not a whole number from 1 on")
    rates, measured = _rates(fields[0], int(workers), at, throughputs, cluster)
    return Job("", fields[0], steps, arrival, int(workers), rates, measured)


def _number(fields: list[str], name: str, at: str) -> float:
    text = fields[FIELDS.index(name)]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise BadTrace(f"{at}, field {name}: {text!r} is not a number from 0 on")
    return value


def _rates(
    kind: str, workers: int, at: str, throughputs: Throughputs, cluster: Mapping[str, int]
) -> tuple[dict[str, float], bool]:
    """Rates where so many workers fit; beyond what was measured they grow with the workers."""
    rates, measured = {}, True
    for accelerator, devices in cluster.items():
        known = throughputs[accelerator]
        sizes = [size for (name, size) in known if name == kind and size <= workers]
        if not sizes:
            raise BadTrace(f"{at}, field type: no throughput of {kind!r} on {accelerator} is known")
        rate = known[kind, max(sizes)] * workers / max(sizes)
        measured &= max(sizes) == workers
        if rate > 0 and workers <= devices:
            rates[accelerator] = rate
    return rates, measured


def throughputs(document: Any, file: str, accelerators: Iterable[str]) -> Throughputs:
    """What the JSON document says of these accelerators; raises BadTrace."""
    if not isinstance(document, dict):
        raise BadTrace(f"{file}: is not a JSON object of accelerators")
    wanted = list(accelerators)
    for name in wanted:
        if not isinstance(document.get(name), dict):
            there = ", ".join(sorted(document))
            raise BadTrace(f"{file}: has no throughputs of accelerator {name}; it has {there}")
    return {name: dict(_entries(document[name], f"{file}, {name}")) for name in wanted}


def _entries(table: Mapping[str, Any], at: str) -> Iterator[tuple[tuple[str, int], float]]:
    for key, entry in table.items():
        try:
            kind, workers = ast.literal_eval(key)
            rate = float(entry[ALONE])
        except (ValueError, SyntaxError, TypeError, KeyError):
            raise BadTrace(f"{at}, {key}: is not ('type', workers) with a number under {ALONE!r}") from None
        yield (str(kind), int(workers)), rate


def cluster(text: str) -> dict[str, int]:
    """`v100=36,k80=36` as devices by accelerator, in the order of the names; raises BadTrace."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if not name or not number.isdigit() or int(number) < 1 or name in found:
            raise BadTrace(f"cluster: {part.strip()!r} is not ACCELERATOR=DEVICES, each accelerator once")
        found[name] = int(number)
    return dict(sorted(found.items()))
