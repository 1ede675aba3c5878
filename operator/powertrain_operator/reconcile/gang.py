"""A TrainingJob's pods sorted by attempt and rank, and what can be read off them as a whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from powertrain_operator.api.trainingjob import Shape
from powertrain_operator.reconcile.children import is_owned
from powertrain_operator.reconcile.observed import ObservedJob
from powertrain_operator.reconcile.podstate import attempt_of, has_ended, is_bound, is_running, rank_of
from powertrain_operator.reconcile.shapes import shape_of, workers_of
from powertrain_operator.reconcile.views import Pod


def worker_name(job: str, rank: int) -> str:
    return f"{job}-worker-{rank}"


@dataclass(frozen=True, slots=True)
class Gang:
    """The present attempt, and what is left of earlier ones."""

    attempt: int
    size: int
    shape: Shape | None
    """What its pods are made for; None for work without devices."""
    workers: Mapping[int, Pod]
    """Pods of the present attempt by rank."""
    older: tuple[Pod, ...]
    """Pods of other attempts and of ranks that are no longer wanted."""

    @property
    def missing(self) -> tuple[int, ...]:
        """Ranks without a pod."""
        return tuple(rank for rank in range(self.size) if rank not in self.workers)

    def count(self, holds: Callable[[Pod], bool]) -> int:
        return sum(1 for pod in self.workers.values() if holds(pod))

    def all(self, holds: Callable[[Pod], bool]) -> bool:
        """Whether every rank has a pod for which it holds."""
        return len(self.workers) == self.size and all(holds(pod) for pod in self.workers.values())

    def in_order(self) -> Iterator[tuple[int, Pod]]:
        return iter(sorted(self.workers.items()))

    def next(self) -> "Gang":
        """The same once this attempt is over and the next has its number, but no pods yet."""
        return Gang(self.attempt + 1, self.size, self.shape, {}, self.everyone)

    @property
    def everyone(self) -> tuple[Pod, ...]:
        return (*self.older, *self.workers.values())

    @property
    def holds_nothing(self) -> bool:
        """No worker has a node yet, so that nothing is lost by making the pods anew."""
        return not any(is_bound(pod) for pod in self.workers.values())

    @property
    def is_up(self) -> bool:
        """Every worker runs, or has run to its end."""
        return self.all(lambda pod: is_running(pod) or has_ended(pod))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes that the present attempt holds, sorted."""
        return tuple(sorted({pod.spec.node_name for pod in self.workers.values() if is_bound(pod)}))


def gang_of(seen: ObservedJob) -> Gang:
    """The pods that belong to this very job; those of a deleted one of its name are left out.

    Should the status have been lost, the highest attempt among the pods is the present one.
    """
    job = seen.job
    pods = [pod for pod in seen.pods if is_owned(pod.metadata, job)]
    known = job.status.attempt if job.status and job.status.attempt is not None else 0
    attempt = max([known, *(attempt_of(pod) or 0 for pod in pods)])
    shape = shape_of(seen, [pod for pod in pods if attempt_of(pod) == attempt])
    size = workers_of(job, shape)
    workers, older = {}, []
    for pod in pods:
        rank = rank_of(pod)
        if attempt_of(pod) == attempt and rank is not None and rank < size:
            workers[rank] = pod
        else:
            older.append(pod)
    return Gang(attempt, size, shape, workers, tuple(older))
