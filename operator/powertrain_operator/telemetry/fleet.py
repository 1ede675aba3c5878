"""The fleet as a scrape sees it: who waits for room, what each pool holds and draws.

It is read when somebody scrapes, not pushed on every change: a cycle then costs nothing for it, an
age is right at that moment, and a queue or pool that is gone leaves no series behind.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from powertrain_operator.api.names import DEFAULT_QUEUE

NO_SUCH_QUEUE = "(missing)"
"""`queue` label of groups that name a queue which does not exist. No object can have this name."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One group that waits for room."""

    queue: str
    reason: str
    since: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class PoolReading:
    """One accelerator pool at this moment."""

    pool: str
    accelerator: str
    allocated: int
    free: int
    unavailable: int
    """Devices of cordoned, not-ready or broken nodes that nobody holds."""
    watts: float
    joules: float
    """Since the pool was made, as far as its ledger reaches; never falls."""


class Fleet(Collector):
    """Queues, waiting groups and pools, read when they are asked for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.shown = False
        self.placed: Counter[str] = Counter()
        """Groups placed since the process began, by queue."""
        self.queues: Callable[[], Iterable[str]] = tuple
        self.waiting: Callable[[], Iterable[Waiting]] = tuple
        self.pools: Callable[[], Iterable[PoolReading]] = tuple
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Every family, with its series where this process leads."""
        queues = {DEFAULT_QUEUE, *self.queues()}
        self.placed = Counter({name: count for name, count in self.placed.items() if name in queues})
        yield self._placed_family(sorted(queues) if self.shown else ())
        yield from self._waiting_families(queues, self.waiting() if self.shown else ())
        yield from self._pool_families(self.pools() if self.shown else ())

    def _placed_family(self, queues: Iterable[str]) -> Metric:
        placed = CounterMetricFamily(
            "powertrain_gangs_placed", "Pod groups whose every wanted member was bound.", labels=("queue",)
        )
        for queue in queues:  # with zeros: a rate needs the value before the first event
            placed.add_metric((queue,), self.placed[queue])
        return placed

    def _waiting_families(self, queues: Container[str], waiting: Iterable[Waiting]) -> Iterator[Metric]:
        groups: Counter[tuple[str, str]] = Counter()
        since: dict[tuple[str, str], float] = {}
        for group in waiting:
            # A queue's name is the user's to write: only those that exist get series of their own.
            key = (group.queue if group.queue in queues else NO_SUCH_QUEUE, str(group.reason))
            groups[key] += 1
            since[key] = min(since.get(key, group.since), group.since)
        now = self._clock()
        count = GaugeMetricFamily(
            "powertrain_queue_waiting_groups",
            "Pod groups that wait for room, by the reason they were told.",
            labels=("queue", "reason"),
        )
        oldest = GaugeMetricFamily(
            "powertrain_queue_oldest_waiting_seconds",
            "How long the longest-waiting group of a queue and reason has waited.",
            labels=("queue", "reason"),
        )
        for key in sorted(groups):
            count.add_metric(key, groups[key])
            oldest.add_metric(key, max(0.0, now - since[key]))
        yield from (count, oldest)

    def _pool_families(self, pools: Iterable[PoolReading]) -> Iterator[Metric]:
        devices = GaugeMetricFamily(
            "powertrain_devices",
            "Devices of a pool: allocated to pods, free, or unavailable (node cordoned or broken).",
            labels=("pool", "accelerator", "state"),
        )
        watts = GaugeMetricFamily(
            "powertrain_pool_watts",
            "Power that a pool draws now, by the power model.",
            labels=("pool", "accelerator"),
        )
        joules = CounterMetricFamily(
            "powertrain_pool_joules",
            "Energy that a pool has used, by the power model; kept over restarts.",
            labels=("pool", "accelerator"),
        )
        for reading in pools:
            pool = (reading.pool, reading.accelerator)
            devices.add_metric((*pool, "allocated"), reading.allocated)
            devices.add_metric((*pool, "free"), reading.free)
            devices.add_metric((*pool, "unavailable"), reading.unavailable)
            watts.add_metric(pool, reading.watts)
            joules.add_metric(pool, reading.joules)
        yield from (devices, watts, joules)
