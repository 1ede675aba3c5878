"""Gavel's heterogeneity-aware max-min fairness (Narayanan et al., OSDI 2020, sections 4.1 and 5).

A linear program gives each job a fraction of time on each accelerator so that the least of all
normalized throughputs is greatest; rounds then realize these fractions, the job furthest behind first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from powertrain_scheduler.replay.jobs.rounds import NONE, Active, Floats, Ints


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """Maximize `objective @ x` where `upper_rows @ x <= upper` row by row, and x lies in 0..1 but for its
    last entry, which is free from 0 up. Rows are sparse: (row, column, value) triples."""

    objective: Floats
    rows: Ints
    columns: Ints
    values: Floats
    upper: Floats


Solve = Callable[[Program], Floats]
"""Gives x. The solver is not part of the core: whoever runs a replay hands one in."""


class MaxMin:
    """Keeps the fractions of the jobs that are there, and how much of its time each has had so far."""

    def __init__(self, solve: Solve) -> None:
        self._solve = solve
        self._fractions: Floats = np.zeros((0, 0))
        self._had: Floats = np.zeros((0, 0))
        self._rounds = 0

    def changed(self, active: Active) -> None:
        """New fractions, and a new account of what each job has had."""
        self._fractions = self._solution(active)
        self._had = np.zeros_like(active.rates)
        self._rounds = 0

    def choose(self, active: Active) -> Ints:
        """The greatest priority first: the fraction wanted over the fraction had, section 5."""
        wanted = np.where(self._fractions > 1e-6, self._fractions, 0.0)
        priority = wanted / np.maximum(self._had / max(1, self._rounds), 1e-9)
        # Where nothing was had yet the wanted fraction itself decides.
        free, chosen = active.devices.tolist(), np.full(len(active.jobs), NONE, dtype=np.int64)
        width, workers = active.rates.shape[1], active.workers.tolist()
        left = sum(free)
        for pair in np.argsort(-priority, axis=None, kind="stable").tolist():
            i, k = divmod(pair, width)
            if not left or priority[i, k] <= 0:
                break
            if chosen[i] == NONE and free[k] >= workers[i]:
                chosen[i] = k
                free[k] -= workers[i]
                left -= workers[i]
        run = np.flatnonzero(chosen != NONE)
        self._had[run, chosen[run]] += 1.0
        self._rounds += 1
        return chosen

    def _solution(self, active: Active) -> Floats:
        """Fractions of time, shape (jobs, accelerators).

        After the least normalized throughput, what is left over goes where it gives the greatest sum of
        them, so that nothing lies idle that somebody could use (the paper fills up level by level).
        """
        shape = active.rates.shape
        equal = active.rates @ (active.devices / active.devices.sum())
        worth = active.rates * active.workers[:, None] / equal[:, None]
        least = self._solve(_program(active, worth, None))[-1]
        return self._solve(_program(active, worth, least * (1.0 - 1e-6)))[:-1].reshape(shape)


def _program(active: Active, worth: Floats, least: float | None) -> Program:
    """The first program's last variable is the least throughput, to be greatest; in the second it is given."""
    jobs, width = worth.shape
    each, number = np.arange(jobs * width), jobs * width
    owner, accelerator = np.divmod(each, width)
    time = (owner, each, np.ones(number))
    room = (jobs + accelerator, each, active.workers[owner].astype(np.float64))
    # least - worth @ x <= 0, for each job
    floor = (jobs + width + owner, each, -worth.ravel())
    bound = (jobs + width + np.arange(jobs), np.full(jobs, number), np.ones(jobs))
    rows, columns, values = (np.concatenate(parts) for parts in zip(time, room, floor, bound, strict=True))
    objective = np.append(np.zeros(number), 1.0) if least is None else np.append(worth.ravel(), 0.0)
    upper = np.concatenate([np.ones(jobs), active.devices, np.zeros(jobs)])
    if least is not None:
        upper[jobs + width :] = -least
        values[-jobs:] = 0.0
    return Program(objective, rows, columns, values, upper)
