"""PodGroups, Queues and AcceleratorPools as the core's values."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec
from powertrain_scheduler.power.catalogue import CATALOGUE
from powertrain_scheduler.snapshot import (
    Objective,
    PodClass,
    Pool,
    Power,
    Preemption,
    Queue,
    Quota,
    Slice,
    SubGroup,
    Topology,
)

from powertrain_operator.api import quantity
from powertrain_operator.api.cluster import (
    PodGroupPart,
    PodGroupShape,
    PodGroupTopology,
    PodGroupView,
    from_manifest,
)
from powertrain_operator.api.names import DEFAULT_QUEUE
from powertrain_operator.api.time import parse_duration

from . import views
from .pods import pod_class

_NO_TOPOLOGY = Topology()
_UNKNOWN_SPEED = 1.0
"""Of an accelerator that nobody gave a figure for."""


class GroupFact(msgspec.Struct, frozen=True, gc=False):
    """What a decision can depend on of a PodGroup object."""

    queue: str
    min_member: int
    created: float
    priority: int
    preemptible: bool
    topology: Topology
    expected: float | None
    maximum: float | None
    excluded_nodes: frozenset[str]
    scheduled: float | None
    """When the whole group last held nodes, as its status says; seconds since the epoch."""
    moved: float | None = None
    """When it was last told to move, by its status."""
    subgroups: tuple[SubGroup, ...] = ()
    min_subgroups: int | None = None
    checkpoint: float | None = None
    """Seconds between saves of its state."""
    shapes: tuple["ShapeFact", ...] = ()
    chosen: str = ""
    """Name of the shape that its status says it is to have."""
    objective: Objective = "balanced"


class ShapeFact(msgspec.Struct, frozen=True, gc=False):
    """One shape that the group would run in."""

    name: str
    min_member: int
    speed: float
    pod_class: PodClass
    """Of its pods, claims and rules about other pods left out: these count once the pods are there."""


class PoolFact(msgspec.Struct, frozen=True, gc=False):
    """A pool and the labels of its nodes."""

    selector: dict[str, str]
    pool: Pool


class PoolTrouble(Exception):
    """A pool that cannot be used, with a reason from a closed set and a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def group_fact(group: PodGroupView) -> GroupFact | None:
    """None where the object is being deleted: nothing more is started for it."""
    meta, spec, scheduled = group.metadata, group.spec, group.status.scheduled_time
    evicted = group.status.evicted
    moved = evicted.time if evicted and evicted.reason == "Consolidated" else None
    if meta.deletion_timestamp is not None:
        return None
    maximum = _seconds(spec.runtime.maximum) if spec.runtime else None
    expected = _seconds(spec.runtime.expected) if spec.runtime else None
    return GroupFact(
        queue=spec.queue,
        min_member=spec.min_member,
        created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else 0.0,
        priority=spec.priority,
        preemptible=spec.preemptible,
        topology=_topology(spec.topology),
        expected=maximum if expected is None else expected,
        maximum=maximum,
        excluded_nodes=frozenset(spec.excluded_nodes),
        scheduled=scheduled.timestamp() if scheduled else None,
        moved=moved.timestamp() if moved else None,
        subgroups=tuple(_part(each) for each in spec.subgroups),
        min_subgroups=spec.min_subgroups,
        checkpoint=_seconds(spec.checkpoint.interval) if spec.checkpoint else None,
        shapes=tuple(shape for each in spec.shapes if (shape := _shape(each)) is not None),
        chosen=group.status.shape,
        objective=spec.objective,
    )


def _shape(said: PodGroupShape) -> ShapeFact | None:
    """None for one whose pods cannot be read: the group is not given it."""
    try:
        spec = from_manifest(said.pod_spec, views.PodSpec)
        return ShapeFact(said.name, said.min_member, said.speed, pod_class(spec))
    except (msgspec.ValidationError, ValueError):
        return None


def _topology(said: PodGroupTopology | None) -> Topology:
    if said is None:
        return _NO_TOPOLOGY
    slices = tuple(Slice(each.size, each.within) for each in said.slices)
    return Topology(said.required, said.preferred, slices, said.arrange)


def _part(said: PodGroupPart) -> SubGroup:
    return SubGroup(said.name, said.min_member, said.parent, said.min_subgroups, _topology(said.topology))


def _seconds(duration: str | None) -> float | None:
    """None where there is none, or one that no schema should have let through."""
    try:
        return parse_duration(duration) if duration else None
    except ValueError:
        return None


def queue(view: views.Queue) -> Queue:
    """A queue with its quotas by kind and its rules."""
    created, spec = view.metadata.creation_timestamp, view.spec
    devices = {
        each.accelerator: Quota(each.nominal, each.borrowing_limit, each.lending_limit)
        for each in spec.quotas
    }
    return Queue(
        name=view.metadata.name,
        parent=spec.parent,
        quotas=devices | {each.resource: _resource_quota(each) for each in spec.resources},
        weight=spec.weight,
        created=created.timestamp() if created else 0.0,
        priority=spec.priority,
        preemption=Preemption(spec.preemption.within, spec.preemption.across, spec.preemption.borrowing),
        minimum_runtime=_seconds(spec.minimum_runtime) or 0.0,
        order=spec.order,
        max_running=spec.max_running,
        past_use={each["accelerator"]: float(each["amount"]) for each in view.status.get("pastUse", ())},
    )


def _resource_quota(said: views.ResourceQuota) -> Quota:
    limits = (said.borrowing_limit, said.lending_limit)
    return Quota(
        quantity.amount(said.resource, said.nominal),
        *(None if limit is None else quantity.amount(said.resource, limit) for limit in limits),
    )


def with_default(queues: Mapping[str, Queue]) -> dict[str, Queue]:
    """The queues and, where no such object exists, the default one that is implied."""
    return {DEFAULT_QUEUE: Queue(DEFAULT_QUEUE), **queues}


def pool_fact(view: views.AcceleratorPool) -> PoolFact:
    """A pool with its own power figures, or the catalogue's. Raises PoolTrouble where there are none."""
    spec = view.spec
    pool = Pool(
        view.metadata.name,
        spec.accelerator,
        spec.resource_name,
        _power(spec),
        spec.topology_levels,
        spec.price,
    )
    return PoolFact(spec.node_selector, pool)


def _power(spec: views.PoolSpec) -> Power:
    """The pool's own figures where it has some, else the catalogue's."""
    known = CATALOGUE.get(spec.accelerator)
    speed = spec.speed or (known.speed if known else _UNKNOWN_SPEED)
    if (own := spec.power) is not None:
        figures = (own.device_idle_watts, own.device_active_watts, own.host_watts)
        return Power(*figures, speed, spec.sleep_when_empty)
    if known is None:
        raise PoolTrouble(
            "UnknownAccelerator",
            f"accelerator {spec.accelerator} is not in the catalogue ({', '.join(sorted(CATALOGUE))}); "
            "name one that is, or give its figures in power",
        )
    if known.power is None:
        raise PoolTrouble(
            "UnknownPower", f"nobody publishes what {spec.accelerator} draws; give its figures in power"
        )
    return replace(known.power, speed=speed, sleeps=spec.sleep_when_empty)
