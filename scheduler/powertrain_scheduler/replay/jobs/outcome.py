"""What became of a trace's jobs, and the figures by which policies are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.replay.jobs.trace import Job

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ended:
    """One job that ran to its end; times in seconds from the trace's beginning."""

    job: Job
    started: float
    """When it first had devices."""
    ended: float
    held: float
    """Seconds during which it had devices."""
    stops: int = 0
    """How often it was stopped or moved, and went on from its checkpoint."""

    @property
    def jct(self) -> float:
        """Job completion time: from arrival to end."""
        return self.ended - self.job.arrival

    @property
    def waited(self) -> float:
        """Seconds without devices."""
        return self.jct - self.held


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds, but for counts and ratios."""

    jobs: int
    mean_jct: float
    median_jct: float
    p99_jct: float
    makespan: float
    """From the first arrival to the last end."""
    mean_wait: float
    utilization: float
    """Part of all devices' time, from the first arrival to the last, that jobs held."""
    mean_rho: float
    """Finish-time fairness: JCT over what it would be alone on an equal share of the cluster."""
    p99_rho: float
    worse_than_alone: float
    """Part of the jobs with a rho above 1."""
    stops: int


def figures(ended: Sequence[Ended], devices: Mapping[str, int]) -> Figures:
    """The figures of one run on a cluster with so many devices of each accelerator."""
    jct = np.array([each.jct for each in ended])
    fairness = rhos(ended, devices)
    first, last = min(e.job.arrival for e in ended), max(e.job.arrival for e in ended)
    return Figures(
        jobs=len(ended),
        mean_jct=float(jct.mean()),
        median_jct=float(np.percentile(jct, 50)),
        p99_jct=float(np.percentile(jct, 99)),
        makespan=max(each.ended for each in ended) - first,
        mean_wait=float(np.mean([each.waited for each in ended])),
        utilization=_utilization(ended, sum(devices.values()), first, last),
        mean_rho=float(fairness.mean()),
        p99_rho=float(np.percentile(fairness, 99)),
        worse_than_alone=float((fairness > 1.0).mean()),
        stops=sum(each.stops for each in ended),
    )


def rhos(ended: Sequence[Ended], devices: Mapping[str, int]) -> Floats:
    """Finish-time fairness of each job (Mahajan et al., Themis, NSDI 2020).

    Its share is an n-th of each accelerator's devices, n being the number of jobs that were there
    on average while it was. A gang wider than its share has it for part of the time.
    """
    present = _average_present(ended)
    total = sum(devices.values())
    found = np.empty(len(ended))
    for i, each in enumerate(ended):
        job = each.job
        share = min(1.0, total / (present[i] * job.workers)) / total
        rate = sum(rate * devices[name] * share for name, rate in job.rates.items())
        found[i] = each.jct / (job.steps / rate)
    return found


def _average_present(ended: Sequence[Ended]) -> Floats:
    """For each job, how many jobs were there on average from its arrival to its end, itself included."""
    arrivals = np.array([each.job.arrival for each in ended])
    ends = np.array([each.ended for each in ended])
    moments = np.unique(np.concatenate([arrivals, ends]))
    there = np.searchsorted(np.sort(arrivals), moments, "right") - np.searchsorted(
        np.sort(ends), moments, "right"
    )
    area = np.concatenate([[0.0], np.cumsum(there[:-1] * np.diff(moments))])
    sums = area[np.searchsorted(moments, ends)] - area[np.searchsorted(moments, arrivals)]
    average: Floats = np.maximum(1.0, sums / np.maximum(ends - arrivals, 1e-9))
    return average


def _utilization(ended: Sequence[Ended], devices: int, first: float, last: float) -> float:
    """Held device-seconds, spread evenly over each job's stay, between two moments."""
    if last <= first:
        return 1.0
    sums = 0.0
    for each in ended:
        inside = max(0.0, min(each.ended, last) - max(each.started, first))
        sums += each.job.workers * each.held * inside / max(each.ended - each.started, 1e-9)
    return min(1.0, sums / (devices * (last - first)))
