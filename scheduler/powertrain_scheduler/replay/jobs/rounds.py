"""Time sharing in rounds, the mechanism of Gavel (Narayanan et al., OSDI 2020, section 5).

Time is cut into rounds. At the beginning of each a policy says which jobs have devices in it, and
of which accelerator; a job keeps them until the round ends, also when it is done sooner. One
that had no devices of that accelerator in the round before has to be started from its checkpoint,
which takes part of the round. Devices of an accelerator are counted, not placed on nodes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.replay.jobs.outcome import Ended
from powertrain_scheduler.replay.jobs.trace import Job

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[int, float], None]
"""Told how many jobs have ended, and the time."""

NONE = -1
"""No accelerator."""
ROUND_SECONDS = 360.0


@dataclass(slots=True)
class Active:
    """The jobs that are there and not done, as columns in the order of their arrival."""

    accelerators: tuple[str, ...]
    devices: Ints
    """By accelerator."""
    jobs: list[Job]
    rates: Floats
    """Steps per second, shape (jobs, accelerators); 0 where it does not run."""
    workers: Ints
    left: Floats
    """Steps to go."""
    told: Floats
    """Steps to go as far as policies know: the owners' estimates."""
    attained: Floats
    """Device-seconds held so far."""
    last: Ints
    """Accelerator in the round before, `NONE` for none."""
    held: Floats
    started: Floats
    stops: Ints


class RoundPolicy(Protocol):
    """Who has devices in the next round."""

    def changed(self, active: Active) -> None:
        """Jobs have come or gone, and the columns with them."""

    def choose(self, active: Active) -> Ints:
        """Accelerator of each job, `NONE` for those that wait."""


def run(
    jobs: Sequence[Job],
    devices: Mapping[str, int],
    policy: RoundPolicy,
    *,
    restart_seconds: float,
    estimates: Mapping[str, float],
    progress: Progress,
    round_seconds: float = ROUND_SECONDS,
) -> list[Ended]:
    """The trace from its first arrival to its last end. `estimates` are, by job, what owners say of its
    steps over the truth; `restart_seconds` what a start from a checkpoint takes."""
    active, ended = _nobody(devices), list[Ended]()
    coming = sorted(jobs, key=lambda job: (job.arrival, job.name), reverse=True)
    now, others = coming[-1].arrival if coming else 0.0, False
    while coming or active.jobs:
        if not active.jobs and coming[-1].arrival > now:
            now += math.ceil((coming[-1].arrival - now) / round_seconds) * round_seconds
        arrived = []
        while coming and coming[-1].arrival <= now:
            arrived.append(coming.pop())
        if arrived:
            active = _joined(active, arrived, estimates)
        if arrived or others:
            policy.changed(active)
        chosen = policy.choose(active)
        done = _pass(active, chosen, now, round_seconds, restart_seconds, ended)
        others = bool(done.any())
        active = _rest(active, ~done) if others else active
        now += round_seconds
        progress(len(ended), now)
    return ended


def _pass(
    active: Active, chosen: Ints, now: float, seconds: float, restart: float, ended: list[Ended]
) -> NDArray[np.bool_]:
    """One round goes by; which jobs are done."""
    run = np.flatnonzero(chosen != NONE)
    anew = chosen[run] != active.last[run]
    rate = active.rates[run, chosen[run]]
    begins = np.where(anew, restart, 0.0)
    takes = begins + active.left[run] / rate
    fresh = np.isnan(active.started[run])
    active.stops[run] += anew & ~fresh
    active.started[run] = np.where(fresh, now, active.started[run])
    did = np.maximum(0.0, seconds - begins) * rate
    active.left[run] -= did
    active.told[run] = np.maximum(active.told[run] - did, rate)  # who overruns is always nearly done
    active.attained[run] += seconds * active.workers[run]
    active.held[run] += np.minimum(takes, seconds)
    active.last = chosen
    done = np.zeros(len(active.jobs), dtype=np.bool_)
    done[run[takes <= seconds]] = True
    for i, at in sorted(zip(run[takes <= seconds].tolist(), takes[takes <= seconds].tolist(), strict=True)):
        job, first, held = active.jobs[i], float(active.started[i]), float(active.held[i])
        ended.append(Ended(job, first, now + at, held, int(active.stops[i])))
    return done


def _nobody(devices: Mapping[str, int]) -> Active:
    names = tuple(devices)
    none = np.zeros(0)
    return Active(
        accelerators=names,
        devices=np.array([devices[name] for name in names], dtype=np.int64),
        jobs=[],
        rates=np.zeros((0, len(names))),
        workers=none.astype(np.int64),
        left=none,
        told=none,
        attained=none,
        last=none.astype(np.int64),
        held=none,
        started=none,
        stops=none.astype(np.int64),
    )


def _joined(active: Active, arrived: list[Job], estimates: Mapping[str, float]) -> Active:
    new = len(arrived)
    rates = [[job.rates.get(name, 0.0) for name in active.accelerators] for job in arrived]
    steps = np.array([job.steps for job in arrived])
    wrong = np.array([estimates.get(job.name, 1.0) for job in arrived])
    return Active(
        accelerators=active.accelerators,
        devices=active.devices,
        jobs=[*active.jobs, *arrived],
        rates=np.concatenate([active.rates, np.array(rates)]),
        workers=np.append(active.workers, [job.workers for job in arrived]),
        left=np.append(active.left, steps),
        told=np.append(active.told, steps * wrong),
        attained=np.append(active.attained, np.zeros(new)),
        last=np.append(active.last, np.full(new, NONE)),
        held=np.append(active.held, np.zeros(new)),
        started=np.append(active.started, np.full(new, np.nan)),
        stops=np.append(active.stops, np.zeros(new, dtype=np.int64)),
    )


def _rest(active: Active, keep: NDArray[np.bool_]) -> Active:
    return Active(
        accelerators=active.accelerators,
        devices=active.devices,
        jobs=[job for job, stays in zip(active.jobs, keep.tolist(), strict=True) if stays],
        rates=active.rates[keep],
        workers=active.workers[keep],
        left=active.left[keep],
        told=active.told[keep],
        attained=active.attained[keep],
        last=active.last[keep],
        held=active.held[keep],
        started=active.started[keep],
        stops=active.stops[keep],
    )
