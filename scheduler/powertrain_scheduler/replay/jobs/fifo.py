"""First in, first out, without time sharing: the head of the line waits for room, and all behind it."""

import heapq
from collections.abc import Mapping, Sequence

from powertrain_scheduler.replay.jobs.outcome import Ended
from powertrain_scheduler.replay.jobs.rounds import Progress
from powertrain_scheduler.replay.jobs.trace import Job


def run(jobs: Sequence[Job], devices: Mapping[str, int], *, progress: Progress) -> list[Ended]:
    """Each job in its turn takes its fastest accelerator of those that have room now, and keeps it to its end.

    The baseline of Gavel's evaluation in its form that knows throughputs. Nobody waits for a faster
    accelerator, and nobody goes ahead of the head.
    """
    free, ended = dict(devices), list[Ended]()
    coming = sorted(jobs, key=lambda job: (job.arrival, job.name), reverse=True)
    line: list[Job] = []
    running: list[tuple[float, int, str, Ended]] = []
    """By end, then by start."""
    starts = 0
    while coming or line or running:
        moments = [*(end for end, *_ in running[:1]), *(job.arrival for job in coming[-1:])]
        now = min(moments)
        while running and running[0][0] <= now:
            _, _, accelerator, done = heapq.heappop(running)
            free[accelerator] += done.job.workers
            ended.append(done)
        while coming and coming[-1].arrival <= now:
            line.append(coming.pop())
        while line and (room := [name for name in line[0].rates if free[name] >= line[0].workers]):
            job = line.pop(0)
            accelerator = min(room, key=lambda name: (-job.rates[name], name))
            free[accelerator] -= job.workers
            end = now + job.seconds(accelerator)
            starts += 1
            heapq.heappush(running, (end, starts, accelerator, Ended(job, now, end, end - now)))
        progress(len(ended), now)
    return ended
