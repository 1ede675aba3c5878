"""The metrics of the two processes, as docs/metrics.md lists them.

Each process half has a registry of its own, so that `powertrain run` can serve both without one
half's numbers on the other's page. What an event counts is pushed (`bound`, `evicted`, ...); what
the fleet looks like is pulled when somebody scrapes (`fleet`).

Label values come from closed sets or from objects that an administrator makes (queues, pools),
never from names that users choose: the number of series stays in the hundreds.
"""

import time
from collections.abc import Callable, Iterable
from enum import StrEnum

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from powertrain_operator.telemetry.fleet import Fleet, PoolReading, Waiting

__all__ = ["ApiMetrics", "BindResult", "OperatorMetrics", "PoolReading", "SchedulerMetrics", "Waiting"]

_SHORT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Buckets, in seconds, of what takes milliseconds when all is well."""

_LONG = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 86400.0, 7 * 86400.0)
"""Buckets, in seconds, of what users wait for."""


def _registry(version: str) -> CollectorRegistry:
    """A registry with the process's own figures and the build's version in it."""
    # A creation time per counter doubles the number of series and nobody asks for it.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Info("powertrain_build", "Version of Powertrain that runs here.", registry=registry).info(
        {"version": version}
    )
    return registry


class ApiMetrics:
    """Requests to the API server, by verb, resource and HTTP status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "powertrain_api_requests_total",
            "Requests to the API server by HTTP status; 0 where no answer came.",
            ("verb", "resource", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "powertrain_api_request_seconds",
            "Time from sending a request to the end of its answer; watches are left out.",
            ("verb", "resource"),
            buckets=_SHORT,
            registry=registry,
        )
        # `labels()` takes a lock and checks names: too dear for every request.
        self._count: dict[tuple[str, str, int | str], Counter] = {}
        self._time: dict[tuple[str, str], Histogram] = {}

    def observe(self, verb: str, resource: str, code: int | str, seconds: float) -> None:
        """Count one request; `resource` is the plural with its subresource, as `pods/binding`."""
        if (counter := self._count.get((verb, resource, code))) is None:
            counter = self._count[verb, resource, code] = self._requests.labels(verb, resource, str(code))
        counter.inc()
        if verb == "watch":  # lasts minutes by design: its time says nothing about the server
            return
        if (histogram := self._time.get((verb, resource))) is None:
            histogram = self._time[verb, resource] = self._seconds.labels(verb, resource)
        histogram.observe(seconds)


class OperatorMetrics:
    """What the operator process counts."""

    def __init__(self, version: str) -> None:
        self.registry = _registry(version)
        self.api = ApiMetrics(self.registry)
        self._reconcile_seconds = Histogram(
            "powertrain_reconcile_seconds",
            "Time to observe one object, decide and carry out the outcome.",
            ("kind",),
            buckets=_SHORT,
            registry=self.registry,
        )
        self._reconcile_errors = Counter(
            "powertrain_reconcile_errors_total",
            "Reconciliations that failed and are tried again.",
            ("kind",),
            registry=self.registry,
        )
        self._depth = Gauge(
            "powertrain_work_queue_depth",
            "Objects that wait to be reconciled now; delayed retries are left out.",
            registry=self.registry,
        )

    def reconciled(self, kind: str, seconds: float, *, failed: bool = False) -> None:
        """Count one reconciliation of an object of `kind`, well ended or not."""
        self._reconcile_seconds.labels(kind).observe(seconds)
        errors = self._reconcile_errors.labels(kind)
        if failed:
            errors.inc()

    def depth_from(self, read: Callable[[], int]) -> None:
        """Ask `read` for the work queue's depth at each scrape."""
        self._depth.set_function(read)


class BindResult(StrEnum):
    """How one attempt to bind a pod to a node ended."""

    BOUND = "bound"
    CONFLICT = "conflict"
    """Somebody else had bound, changed or replaced the pod (409)."""
    GONE = "gone"
    """The pod no longer existed (404)."""
    REFUSED = "refused"
    """The API server will never take this binding (any other 4xx)."""
    FENCED = "fenced"
    """Not sent: this process was no longer sure to hold the lease."""
    FAILED = "failed"
    """No answer, or the server's own error; tried again."""


class SchedulerMetrics:
    """What the placement process counts.

    Only the leader shows waiting groups and pools: a sum over two replicas must not count the
    fleet twice.
    """

    def __init__(self, version: str, *, clock: Callable[[], float] = time.time) -> None:
        self.registry = _registry(version)
        self.api = ApiMetrics(self.registry)
        self._fleet = Fleet(clock)
        self.registry.register(self._fleet)
        self._leader = Gauge(
            "powertrain_leader",
            "1 where this process holds the scheduler's lease, else 0.",
            registry=self.registry,
        )
        self._decision_seconds = Histogram(
            "powertrain_decision_seconds",
            "Time of one scheduling cycle, from snapshot to plan.",
            buckets=_SHORT,
            registry=self.registry,
        )
        self._bind_seconds = Histogram(
            "powertrain_bind_seconds",
            "Time from the plan to the API server's answer to one binding, its retries included.",
            buckets=_SHORT,
            registry=self.registry,
        )
        self._binds = Counter(
            "powertrain_binds_total",
            "Attempts to bind a pod to a node, by how they ended.",
            ("result",),
            registry=self.registry,
        )
        self._evictions = Counter(
            "powertrain_evictions_total",
            "Pods told to leave for another group, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self._estimate_error = Histogram(
            "powertrain_start_estimate_error_seconds",
            "Difference between the start that a group was told first and its real start.",
            buckets=_LONG,
            registry=self.registry,
        )
        self._lost = Counter(
            "powertrain_gangs_lost_members_total",
            "Times that a pod group came to have members on nodes that no longer report.",
            registry=self.registry,
        )
        for result in BindResult:  # rates need the zero before the first event
            self._binds.labels(result.value)

    def decided(self, seconds: float) -> None:
        """Count one cycle."""
        self._decision_seconds.observe(seconds)

    def bound(self, result: BindResult, seconds: float | None = None) -> None:
        """Count one attempt to bind; `seconds` where a request was sent."""
        self._binds.labels(result.value).inc()
        if seconds is not None:
            self._bind_seconds.observe(seconds)

    def evicted(self, reason: str) -> None:
        """Count one pod told to leave; `reason` is a plan's word, as `Preempted`."""
        self._evictions.labels(reason).inc()

    def members_lost(self) -> None:
        """Count one group that came to have members on silent nodes."""
        self._lost.inc()

    def estimate_off_by(self, seconds: float) -> None:
        """Count one group that starts: how far from then the first start was that it had been told."""
        self._estimate_error.observe(seconds)

    def gang_placed(self, queue: str) -> None:
        """Count one group that now has all it wanted."""
        self._fleet.placed[queue] += 1

    def set_leader(self, leading: bool) -> None:
        """Say whether this process leads; one that does not shows no fleet."""
        self._leader.set(int(leading))
        self._fleet.shown = leading

    def queues_from(self, read: Callable[[], Iterable[str]]) -> None:
        """Ask `read` for the names of all queues at each scrape; the implied default need not be among them."""
        self._fleet.queues = read

    def waiting_from(self, read: Callable[[], Iterable[Waiting]]) -> None:
        """Ask `read` for every waiting group at each scrape."""
        self._fleet.waiting = read

    def pools_from(self, read: Callable[[], Iterable[PoolReading]]) -> None:
        """Ask `read` for every pool at each scrape."""
        self._fleet.pools = read
