"""What a reconciler is told: one object, its children, and the fleet around it, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from powertrain_operator.api import AcceleratorPool, InferenceService, TrainingJob
from powertrain_operator.reconcile.views import Pod, PodGroup, Service


class NodeHealth(StrEnum):
    """A node as far as its pods are concerned."""

    READY = "ready"
    UNREADY = "unready"
    """Its kubelet does not answer, or says so itself; pods there may still run."""
    GONE = "gone"
    """Deleted, or declared out of service: nothing runs there any more."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What all objects share."""

    pools: tuple[AcceleratorPool, ...] = ()
    """Sorted by name; ones that cannot be read are left out."""
    queues: frozenset[str] = frozenset()
    nodes: Mapping[str, NodeHealth] = field(default_factory=dict)
    """A name that is not there may be new or long gone: see `podstate.node_is_gone`."""


@dataclass(frozen=True, slots=True)
class ObservedJob:
    """A TrainingJob and all that bears its name."""

    now: float
    """Seconds since the epoch."""
    job: TrainingJob
    pods: tuple[Pod, ...] = ()
    """All that carry the job's label, another owner's too."""
    group: PodGroup | None = None
    service: Service | None = None
    fleet: Fleet = Fleet()


@dataclass(frozen=True, slots=True)
class ObservedService:
    """An InferenceService and all that bears its name."""

    now: float
    """Seconds since the epoch."""
    service: InferenceService
    pods: tuple[Pod, ...] = ()
    groups: tuple[PodGroup, ...] = ()
    services: tuple[Service, ...] = ()
    """The one that clients use, and the headless one of replicas over several nodes."""
    fleet: Fleet = Fleet()
