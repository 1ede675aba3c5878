"""Reads what `replay jobs` is given and runs it, policy by policy."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO

import click
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.jobs import fifo, maxmin, ours, outcome, rounds, sharing, trace
from powertrain_scheduler.replay.jobs.outcome import Ended
from powertrain_scheduler.snapshot import Queue

from . import lp

QUEUES = {
    "powertrain": Queue("default"),
    "powertrain-shortest": Queue("default", order="shortest"),
}
"""The queue that all jobs are in, by policy of ours."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How to run."""

    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    devices_per_node: int
    restart_seconds: float
    estimate_error: float


@dataclass(frozen=True, slots=True)
class Load:
    """What to run."""

    file: str
    cluster: Mapping[str, int]
    jobs: tuple[trace.Job, ...]
    impossible: tuple[trace.Job, ...]
    """Jobs of more workers than any accelerator has devices."""

    def notes(self) -> Iterator[str]:
        """What is not as the trace says."""
        if self.impossible:
            yield f"{len(self.impossible)} jobs fit on no accelerator and are left out"
        if guessed := sum(not job.measured for job in self.jobs):
            yield (
                f"{guessed} of {len(self.jobs)} jobs have numbers of workers that were not measured; their "
                "throughput is that of the next smaller number, grown in proportion"
            )


@dataclass(frozen=True, slots=True)
class Run:
    """One policy with one seed."""

    policy: str
    seed: int
    seconds: float
    """Of real time."""
    ended: tuple[Ended, ...]
    figures: outcome.Figures
    rhos: tuple[float, ...]


def load(trace_file: str, throughputs_file: str, cluster: str, first: int | None) -> Load:
    """Reads the files; what is wrong with them is told with file, line and field."""
    try:
        devices = trace.cluster(cluster)
        known = trace.throughputs(_json(throughputs_file), throughputs_file, devices)
        with open(trace_file, encoding="utf-8") as lines:
            jobs = trace.jobs(lines, trace_file, known, devices)
    except (trace.BadTrace, UnicodeDecodeError) as bad:
        raise click.ClickException(str(bad)) from bad
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be read: {error.strerror}") from error
    chosen = jobs[:first]
    fitting = tuple(job for job in chosen if job.rates)
    if not fitting:
        raise click.ClickException(f"{trace_file}: none of its jobs fits on cluster {cluster}")
    return Load(trace_file, devices, fitting, tuple(job for job in chosen if not job.rates))


def _json(file: str) -> object:
    with open(file, encoding="utf-8") as text:
        try:
            return json.load(text)
        except json.JSONDecodeError as error:
            raise trace.BadTrace(f"{file}, line {error.lineno}: is not JSON: {error.msg}") from error


def run(load: Load, setup: Setup, screen: TextIO) -> list[Run]:
    """Every policy with every seed, in the order given."""
    return [_one(load, setup, policy, seed, screen) for policy in setup.policies for seed in setup.seeds]


def _one(load: Load, setup: Setup, policy: str, seed: int, screen: TextIO) -> Run:
    label = policy if len(setup.seeds) == 1 else f"{policy}, seed {seed}"
    begin = time.monotonic()
    with click.progressbar(length=len(load.jobs), label=f"{label:<19}", file=screen) as bar:
        ended = _simulate(load, setup, policy, seed, lambda done, _: bar.update(done - bar.pos))
    seconds = time.monotonic() - begin
    figures = outcome.figures(ended, load.cluster)
    rhos = tuple(float(rho) for rho in outcome.rhos(ended, load.cluster))
    return Run(policy, seed, seconds, tuple(ended), figures, rhos)


def _simulate(load: Load, setup: Setup, policy: str, seed: int, progress: rounds.Progress) -> list[Ended]:
    if policy == "fifo":
        return fifo.run(load.jobs, load.cluster, progress=progress)
    estimates = _estimates(load, setup.estimate_error, seed)
    if policy in QUEUES:
        return ours.run(
            load.jobs,
            load.cluster,
            decide,
            queue=QUEUES[policy],
            policy=Policy(tell=False),
            restart_seconds=setup.restart_seconds,
            estimates=estimates,
            progress=progress,
            devices_per_node=setup.devices_per_node,
        )
    make: dict[str, Callable[[], rounds.RoundPolicy]] = {
        "srtf": sharing.ShortestRemaining,
        "las": sharing.LeastAttained,
        "gavel": lambda: maxmin.MaxMin(lp.solve),
    }
    return rounds.run(
        load.jobs,
        load.cluster,
        make[policy](),
        restart_seconds=setup.restart_seconds,
        estimates=estimates,
        progress=progress,
    )


def _estimates(load: Load, error: float, seed: int) -> dict[str, float]:
    """By job, what its owner says of its run time over the truth; the same for every policy."""
    dice = random.Random(seed)
    return {job.name: dice.lognormvariate(0.0, error) if error else 1.0 for job in load.jobs}
