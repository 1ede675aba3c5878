"""The trace with its own arrivals and departures, on a virtual clock.

The list is a sample: it asks for 1 % of the devices. So arrivals are moved together, and how long each
pod stays is left as it was, until they ask for a given part of the devices. The list is played several times
on end, and what is measured is the last time, when the fleet is as full as it gets. Its first hundredth, which
comes far ahead of the rest, is there from the start. Who does not fit waits, and runs as long once it does.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_scheduler.kinds import DEVICE
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.replay.openb import fill
from powertrain_scheduler.replay.openb import world as worlds
from powertrain_scheduler.replay.openb.account import Machines
from powertrain_scheduler.replay.openb.trace import Arrival, BadTrace, Machine, Shape
from powertrain_scheduler.replay.virtual import VirtualCluster
from powertrain_scheduler.scores import sockets
from powertrain_scheduler.snapshot import Queue, Snapshot

Decide = Callable[[Snapshot, Policy, float], Plan]
Floats = NDArray[np.float64]

ROUNDS = 4
"""How often the list is played."""
_AHEAD = 0.01
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Stay:
    """A pod that comes at a time and runs for so long, both in seconds."""

    name: str
    shape: Shape
    arrives: float
    seconds: float


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What came of a run."""

    span: float
    """Seconds measured."""
    waits: Floats
    """Of each pod that started, in seconds."""
    waiting: int
    """Pods that had not started at the end."""
    allocated: float
    """Part of the devices, on average."""
    kwh: float
    """By PWR's model, all nodes awake."""
    kwh_asleep: float
    """The same if nodes without pods drew nothing."""
    empty: float
    """Part of the nodes without pods, on average."""
    gflops_per_watt: float
    """Peak FP16 of the devices in use over the watts, all nodes awake."""


def stays(pods: Sequence[Arrival], machines: Sequence[Machine], load: float) -> list[Stay]:
    """The pods by arrival, moved together for this load; raises BadTrace where the list has no times or the
    load cannot be."""
    timed = [pod for pod in pods if pod.created is not None and pod.deleted is not None]
    if len(timed) < len(pods):
        raise BadTrace("the list of pods has no creation_time and deletion_time for each")
    created = np.array([pod.created for pod in timed], dtype=np.float64)
    seconds = np.maximum(np.array([pod.deleted for pod in timed], dtype=np.float64) - created, 1.0)
    asked = np.array([pod.shape.thousandths for pod in timed], dtype=np.float64)
    capacity = DEVICE * sum(machine.devices for machine in machines)
    arrives = np.maximum(created - np.quantile(created, _AHEAD), 0.0)
    span = float(arrives.max())
    low, high = np.log(1e-7), np.log(1e3)
    most, least = (_asked(arrives, seconds, asked, float(np.exp(end))) / capacity for end in (low, high))
    if not least <= load <= most:
        raise BadTrace(f"the list can ask for {least:.3f} to {most:.3f} of the devices, and not for {load:g}")
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        more = _asked(arrives, seconds, asked, float(np.exp(middle))) > load * capacity
        low, high = (middle, high) if more else (low, middle)
    factor = float(np.exp(high))
    found = [
        Stay(f"{pod.name}-{number}", pod.shape, float((at + number * span) * factor), float(long))
        for number in range(ROUNDS)
        for pod, at, long in zip(timed, arrives, seconds, strict=True)
    ]
    return sorted(found, key=lambda stay: (stay.arrives, stay.name))


def _asked(arrives: Floats, seconds: Floats, asked: Floats, factor: float) -> float:
    """Thousandths of devices asked for on average in the last round, if nobody had to wait."""
    span = float(arrives.max()) * factor
    if span <= 0:
        return 0.0
    total = 0.0
    for number in range(ROUNDS):
        start = arrives * factor + number * span
        there = np.minimum(start + seconds, ROUNDS * span) - np.maximum(start, (ROUNDS - 1) * span)
        total += float((asked * np.maximum(there, 0.0)).sum())
    return total / span


def run(
    machines: Sequence[Machine],
    coming: Sequence[Stay],
    packing: str,
    cycle: float,
    decide: Decide,
    progress: Callable[[int], None] = lambda arrived: None,
    seed: int = 42,
) -> Outcome:
    """The run with a decision every `cycle` seconds in which something has changed."""
    play = _Play(machines, coming, packing, seed, decide)
    while play.next_arrival < len(coming):
        play.to(play.soonest(cycle))
        progress(play.next_arrival)
    return play.outcome()


class _Play:
    """The fleet at one moment, and what has been measured up to there."""

    def __init__(
        self, machines: Sequence[Machine], coming: Sequence[Stay], packing: str, seed: int, decide: Decide
    ) -> None:
        names = fill.names(machines, seed)
        self._world = worlds.world(machines, names, [stay.shape for stay in coming])
        self._policy = worlds.policy(packing, seed)
        self._decide = decide
        self._coming = coming
        self._stay = {stay.name: stay for stay in coming}
        self._cluster = VirtualCluster(
            self._world.facts, self._world.pools, {worlds.QUEUE: Queue(worlds.QUEUE)}
        )
        self._cluster.expected = self._world.expected
        self._ends: list[tuple[float, str]] = []
        self._bound: dict[str, Bind] = {}
        self._waiting: set[str] = set()
        self.next_arrival = 0
        self._waits: list[float] = []
        self._start = coming[-1].arrives * (ROUNDS - 1) / ROUNDS if len(coming) > ROUNDS else 0.0
        self._meter = _Meter(self._world, self._start)

    def soonest(self, cycle: float) -> float:
        """When the next decision is: the end of the cycle in which something changes."""
        next_end = self._ends[0][0] if self._ends and self._waiting else np.inf
        soonest = min(self._coming[self.next_arrival].arrives, next_end)
        return float(max(np.ceil(soonest / cycle) * cycle, self._cluster.time))

    def to(self, time: float) -> None:
        """Time passes: pods end and arrive, and those that wait are decided on."""
        while self._ends and self._ends[0][0] <= time:
            self._end(*heapq.heappop(self._ends))
        self._meter.to(time)
        self._cluster.advance(time)
        while self.next_arrival < len(self._coming) and self._coming[self.next_arrival].arrives <= time:
            stay = self._coming[self.next_arrival]
            self._cluster.submit(worlds.group(stay.name, self._world.classes[stay.shape], stay.arrives))
            self._waiting.add(stay.name)
            self.next_arrival += 1
        if self._waiting:
            plan = self._decide(self._cluster.snapshot(), self._policy, time)
            self._cluster.apply(plan)
            for bind in plan.binds:
                self._begin(bind, time)

    def _begin(self, bind: Bind, time: float) -> None:
        stay = self._stay[bind.group]
        self._waiting.discard(bind.group)
        if stay.arrives >= self._start:
            self._waits.append(time - stay.arrives)
        self._bound[bind.group] = bind
        heapq.heappush(self._ends, (time + stay.seconds, bind.group))
        self._meter.take(stay.shape, bind)

    def _end(self, time: float, name: str) -> None:
        self._meter.to(time)
        self._meter.give_back(self._stay[name].shape, self._bound.pop(name))
        self._cluster.finish(name)

    def outcome(self) -> Outcome:
        meter, hour = self._meter, 3600.0 * 1000.0
        span = max(meter.time - meter.start, 1e-9)
        return Outcome(
            span=meter.time - meter.start,
            waits=np.array(self._waits, dtype=np.float64),
            waiting=len(self._waiting),
            allocated=meter.sums[0] / span / (DEVICE * int(self._world.facts.allocatable[:, 3].sum())),
            kwh=meter.sums[1] / hour,
            kwh_asleep=meter.sums[2] / hour,
            empty=meter.sums[3] / span / len(self._world.machines),
            gflops_per_watt=1000.0 * meter.sums[4] / max(meter.sums[1], 1e-9),
        )


class _Meter:
    """What the nodes draw and do, added up over time; node by node as they change."""

    def __init__(self, world: worlds.World, start: float) -> None:
        """Measured is from `start` on, in seconds."""
        self._machines = Machines(world)
        self._own = [
            (pool.power.device_idle, pool.power.device_active, pool.power.speed)
            for pool in (world.pools[number] for number in world.facts.pool.tolist())
        ]
        self._capacity = world.facts.allocatable.copy()
        self._pods = [0] * len(self._own)
        self.time, self.start = 0.0, start
        self.sums = np.zeros(5)
        """Of thousandths in use, watts, watts with empty nodes asleep, empty nodes, TFLOPS; times seconds."""
        self._node = np.array([self._figures(row) for row in range(len(self._own))])
        self._now = self._node.sum(axis=0)

    def to(self, time: float) -> None:
        """What there is now has lasted until then; what came before the start is forgotten."""
        if self.time < self.start <= time:
            self.time = self.start
            self.sums[:] = 0.0
        self.sums += self._now * max(time - self.time, 0.0)
        self.time = max(time, self.time)

    def take(self, shape: Shape, bind: Bind) -> None:
        """The pod is there from now on."""
        self._changed(self._machines.take(shape, bind), 1)

    def give_back(self, shape: Shape, bind: Bind) -> None:
        """The pod is gone."""
        self._changed(self._machines.give_back(shape, bind), -1)

    def _changed(self, row: int, pods: int) -> None:
        self._pods[row] += pods
        figures = self._figures(row)
        self._now += figures - self._node[row]
        self._node[row] = figures

    def _figures(self, row: int) -> Floats:
        idle, active, speed = self._own[row]
        machines, capacity = self._machines, self._capacity[row]
        present, whole = capacity.item(3), machines.whole.item(row)
        used = DEVICE * (present - whole) - int(machines.left[row].sum())
        cpu = sockets.cpu_watts(capacity[1:2], capacity[1:2] - machines.cpu[row : row + 1]).item()
        watts = cpu + (present - whole) * active + whole * idle
        empty = self._pods[row] == 0
        return np.array([used, watts, 0.0 if empty else watts, float(empty), used / DEVICE * speed])
