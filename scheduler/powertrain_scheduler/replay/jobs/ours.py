"""The trace through `decide()`: jobs as pod groups whose alternatives are the accelerators.

Time goes from one arrival or end to the next. A gang starts when it is bound and ends when its
steps are done at the speed of its accelerator. Pods are made anew for another shape, and evicted
ones are gone, at once. Evicted work goes on from its checkpoint, after the time that a start from one takes.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.jobs.outcome import Ended
from powertrain_scheduler.replay.jobs.rounds import Progress
from powertrain_scheduler.replay.jobs.trace import Job
from powertrain_scheduler.replay.virtual import VirtualCluster
from powertrain_scheduler.snapshot import (
    CPU,
    MEMORY,
    PODS,
    Alternative,
    NodeFacts,
    Pod,
    PodClass,
    PodGroup,
    Pool,
    Power,
    Queue,
    Snapshot,
)

RESOURCE = "nvidia.com/gpu"
LABEL = "accelerator"
CHOICES = 16
"""Times that a moment is decided again because pods were made anew, at most."""

Decide = Callable[[Snapshot, Policy, float], Plan]


@dataclass(slots=True)
class _Run:
    """A job that is there."""

    job: Job
    left: float
    """Steps to go when it last started or was stopped."""
    wrong: float
    """What its owner says of its steps over the truth."""
    accelerator: str = ""
    """Empty while it waits."""
    since: float = 0.0
    """When it started there."""
    started: float | None = None
    held: float = 0.0
    stops: int = 0
    turn: int = 0
    """Counts starts and stops, so that an end that was expected before a stop is not taken for one."""


def run(
    jobs: Sequence[Job],
    devices: Mapping[str, int],
    decide: Decide,
    *,
    queue: Queue,
    policy: Policy,
    restart_seconds: float,
    estimates: Mapping[str, float],
    progress: Progress,
    devices_per_node: int = 4,
) -> list[Ended]:
    """The trace from its first arrival to its last end; see `rounds.run` for `estimates` and `restart_seconds`."""
    replay = _Replay(devices, devices_per_node, queue, restart_seconds)
    coming = sorted(jobs, key=lambda job: (job.arrival, job.name), reverse=True)
    while coming or replay.ends:
        now = min([*(end for end, *_ in replay.ends[:1]), *(job.arrival for job in coming[-1:])])
        replay.until(now)
        while coming and coming[-1].arrival <= now:
            job = coming.pop()
            replay.submit(job, estimates.get(job.name, 1.0))
        for _ in range(CHOICES):
            plan = decide(replay.cluster.snapshot(), policy, now)
            if not replay.carry_out(plan):
                break
        progress(len(replay.ended), now)
    return replay.ended


class _Replay:
    """The virtual cluster, and the jobs on it."""

    def __init__(
        self, devices: Mapping[str, int], per_node: int, queue: Queue, restart_seconds: float
    ) -> None:
        facts, pools = nodes(devices, per_node)
        self.cluster = VirtualCluster(facts, pools, {queue.name: queue})
        self.ends: list[tuple[float, str, int]] = []
        """A heap of (time, job, turn)."""
        self.ended: list[Ended] = []
        self._queue = queue.name
        self._restart = restart_seconds
        self._runs: dict[str, _Run] = {}
        self._classes = {name: _pod_class(name) for name in devices}

    def submit(self, job: Job, wrong: float) -> None:
        """The job is there, in the shape of its fastest accelerator."""
        self._runs[job.name] = entry = _Run(job, job.steps, wrong)
        self.cluster.submit(self._group(entry, job.fastest))

    def until(self, now: float) -> None:
        """Jobs whose steps are done by then end."""
        self.cluster.advance(now)
        while self.ends and self.ends[0][0] <= now:
            end, name, turn = heapq.heappop(self.ends)
            entry = self._runs.get(name)
            if entry is None or entry.turn != turn:
                continue
            self.cluster.finish(name)
            del self._runs[name]
            assert entry.started is not None
            held = entry.held + end - entry.since
            self.ended.append(Ended(entry.job, entry.started, end, held, entry.stops))

    def carry_out(self, plan: Plan) -> bool:
        """Does what the plan says; True where pods were made anew or have left, so that there is more to decide."""
        self.cluster.apply(plan)
        for name in sorted({bind.group for bind in plan.binds}):
            self._start(self._runs[name])
        for name in sorted({evict.group for evict in plan.evicts}):
            self._stop(self._runs[name])
        if plan.evicts:
            self.cluster.vacate()
        for choice in plan.choices:
            held = self.cluster.group(choice.group).nominated
            self.cluster.finish(choice.group)
            again = self._group(self._runs[choice.group], choice.shape)
            self.cluster.submit(replace(again, nominated=held, chosen=choice.shape))
        return bool(plan.choices or plan.evicts)

    def _start(self, entry: _Run) -> None:
        now = self.cluster.time
        entry.accelerator, entry.since, entry.turn = self._shape(entry), now, entry.turn + 1
        entry.started = now if entry.started is None else entry.started
        overhead = self._restart if entry.stops else 0.0
        end = now + overhead + entry.left / entry.job.rates[entry.accelerator]
        heapq.heappush(self.ends, (end, entry.job.name, entry.turn))

    def _stop(self, entry: _Run) -> None:
        ran = self.cluster.time - entry.since
        useful = max(0.0, ran - (self._restart if entry.stops else 0.0))
        entry.left = max(0.0, entry.left - useful * entry.job.rates[entry.accelerator])
        entry.held, entry.accelerator = entry.held + ran, ""
        entry.turn, entry.stops = entry.turn + 1, entry.stops + 1

    def _shape(self, entry: _Run) -> str:
        return self.cluster.group(entry.job.name).shape

    def _group(self, entry: _Run, accelerator: str) -> PodGroup:
        job = entry.job
        best = job.rates[job.fastest]
        shapes = {
            name: Alternative(name, job.workers, self._pods(job, name), rate / best)
            for name, rate in sorted(job.rates.items())
        }
        present = shapes.pop(accelerator)
        return PodGroup(
            name=job.name,
            queue=self._queue,
            min_member=job.workers,
            created=job.arrival,
            waiting=present.pods,
            expected_seconds=max(1.0, entry.left * entry.wrong / job.rates[accelerator]),
            alternatives=tuple(shapes.values()),
            shape=accelerator,
            speed=present.speed,
            objective="time",
            checkpoint_seconds=1.0,
        )

    def _pods(self, job: Job, accelerator: str) -> tuple[Pod, ...]:
        of = self._classes[accelerator]
        return tuple(Pod(f"{job.name}-{accelerator}-{i}", of) for i in range(job.workers))


def _pod_class(accelerator: str) -> PodClass:
    """One worker: one device of the accelerator."""
    request = ((CPU, 1000), (MEMORY, 1 << 30), (RESOURCE, 1), (PODS, 1))
    return PodClass(tuple(sorted(request)), node_selector=((LABEL, accelerator),))


def nodes(devices: Mapping[str, int], per_node: int) -> tuple[NodeFacts, tuple[Pool, ...]]:
    """Nodes with so many devices each, the last of each accelerator with what is left."""
    rows: list[tuple[str, str, int]] = []
    for name, number in devices.items():
        for i, first in enumerate(range(0, number, per_node)):
            rows.append((f"{name}-{i:04}", name, min(per_node, number - first)))
    rows.sort()
    accelerators = sorted(devices)
    pools = tuple(Pool(name, name, RESOURCE, Power(0.0, 0.0, 0.0)) for name in accelerators)
    table = [[110, 1_000_000, 1 << 40, count] for _, _, count in rows]
    facts = NodeFacts(
        names=tuple(name for name, _, _ in rows),
        resources=(PODS, CPU, MEMORY, RESOURCE),
        allocatable=np.array(table, dtype=np.int64),
        schedulable=np.ones(len(rows), dtype=np.bool_),
        labels=tuple({LABEL: accelerator} for _, accelerator, _ in rows),
        taints=tuple(() for _ in rows),
        pool=np.array([accelerators.index(accelerator) for _, accelerator, _ in rows], dtype=np.int32),
    )
    return facts, pools
