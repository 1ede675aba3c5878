"""Reads what `replay openb` is given and fills the fleet, policy by policy and seed by seed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO, TypeVar

import click
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.replay.openb import fill, reference, trace
from powertrain_scheduler.replay.openb.account import PERCENTS, Curves
from powertrain_scheduler.replay.openb.trace import Arrival, Machine

T = TypeVar("T")

Published = Mapping[str, Mapping[str, Mapping[int, float]]]
"""By `allocated` and `fragments`, packing and percent arrived."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What to run."""

    machines: Sequence[Machine]
    pods: Sequence[Arrival]


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """One packing with one seed."""

    policy: str
    seed: int
    curves: Curves
    seconds: float
    """Of real time."""


def load(nodes: str, pods: str) -> Trace:
    """Reads the files; what is wrong with them is told with file, line and column."""
    machines = _read(nodes, lambda lines: trace.machines(lines, nodes))
    return Trace(machines, _read(pods, lambda lines: trace.arrivals(lines, pods, machines)))


def published(folder: str, pods: str) -> Published:
    """What the authors report of this list of pods."""
    workload, found = Path(pods).stem, {}
    for figure, name in (("allocated", reference.ALLOCATION), ("fragments", reference.FRAGMENTS)):
        file = str(Path(folder) / name)
        found[figure] = _read(file, partial(_means, file, workload))
    if not found["allocated"]:
        raise click.ClickException(f"{folder} has no results of workload {workload}")
    return found


def _means(file: str, workload: str, lines: TextIO) -> dict[str, dict[int, float]]:
    return reference.means(lines, file, workload, PERCENTS)


def _read(file: str, read: Callable[[TextIO], T]) -> T:
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            return read(lines)
    except (trace.BadTrace, UnicodeDecodeError) as bad:
        raise click.ClickException(str(bad)) from bad
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be read: {error.strerror}") from error


def run(what: Trace, policies: Sequence[str], seeds: Sequence[int], screen: TextIO) -> list[Run]:
    """Every packing with every seed, in the order given."""
    runs = []
    for policy in policies:
        with click.progressbar(seeds, label=f"{policy:<14}", file=screen) as bar:
            for seed in bar:
                begin = time.monotonic()
                curves = fill.run(what.machines, what.pods, policy, seed, decide)
                runs.append(Run(policy, seed, curves, time.monotonic() - begin))
    return runs
