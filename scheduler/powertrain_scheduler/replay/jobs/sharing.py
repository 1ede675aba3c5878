"""Round policies that serve one job after another: who is first takes what it likes best of what is free."""

import numpy as np

from powertrain_scheduler.replay.jobs.rounds import NONE, Active, Floats, Ints


class ShortestRemaining:
    """SRTF: the job with the least time to go on its fastest accelerator first, on the fastest that is free.

    Preemptive and aware of throughputs: the strongest reading of the textbook policy (Schrage, 1968:
    least mean completion time on one machine).
    """

    def changed(self, active: Active) -> None:
        """Nothing is kept."""

    def choose(self, active: Active) -> Ints:
        """Accelerator of each job."""
        return greedy(active, active.told / active.rates.max(axis=1), active.rates)


class LeastAttained:
    """LAS: the job that has had the fewest device-seconds first (Gu et al., Tiresias, NSDI 2019, two-dimensional).

    Blind to throughputs, as published: a job that goes on keeps its accelerator, others get the one of
    which most is free. Not cut into Tiresias' few priority levels: with rounds of minutes nothing thrashes.
    """

    def changed(self, active: Active) -> None:
        """Nothing is kept."""

    def choose(self, active: Active) -> Ints:
        """Accelerator of each job."""
        likes = np.where(active.rates > 0, 1.0, 0.0)
        stays = np.flatnonzero(active.last != NONE)
        likes[stays, active.last[stays]] = 2.0
        return greedy(active, active.attained, likes, most_free=True)


def greedy(active: Active, order: Floats, likes: Floats, *, most_free: bool = False) -> Ints:
    """Jobs by `order`, least first, then by arrival; each takes what it likes most of what has room.

    `likes` has shape (jobs, accelerators), 0 where the job does not run; of equals the one of which
    most is free, or the first.
    """
    free = active.devices.tolist()
    chosen = np.full(len(active.jobs), NONE, dtype=np.int64)
    workers, liked = active.workers.tolist(), likes.tolist()
    left = sum(free)
    for i in np.argsort(order, kind="stable").tolist():
        if not left:
            break
        best, best_key = NONE, (0.0, 0)
        for k, like in enumerate(liked[i]):
            key = (like, free[k] if most_free else -k)
            if like > 0 and free[k] >= workers[i] and (best == NONE or key > best_key):
                best, best_key = k, key
        if best != NONE:
            chosen[i] = best
            free[best] -= workers[i]
            left -= workers[i]
    return chosen
