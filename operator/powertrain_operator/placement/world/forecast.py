"""What `decide` would do now, as the rows that `powertrain plan` prints. The field names are its JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from powertrain_scheduler.cycle import work_out
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.policy import Policy

from powertrain_operator.api.time import to_rfc3339

from .. import names
from ..cache import Cache
from ..cache.held import Held
from . import records
from .build import World


@dataclass(frozen=True, slots=True)
class Device:
    """Devices of one kind that a pod takes."""

    resource: str
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """A part of one device."""

    resource: str
    thousandths: int
    device: str
    """The same for all shares of one device on that node."""


@dataclass(frozen=True, slots=True)
class Binding:
    namespace: str
    pod: str
    node: str
    devices: tuple[Device, ...]
    share: Share | None


@dataclass(frozen=True, slots=True)
class Eviction:
    namespace: str
    pod: str
    for_group: str
    """`namespace/name`; `for` in JSON."""
    reason: str
    to: str
    """Of a move, the node that is held for it; else empty."""


@dataclass(frozen=True, slots=True)
class Waiting:
    namespace: str
    group: str
    reason: str
    message: str
    estimated_start: str | None
    """RFC 3339; `estimatedStart` in JSON."""
    nearest: str = ""
    """What would let it start, as a sentence; empty where nothing was found or looked for."""


@dataclass(frozen=True, slots=True)
class Reservation:
    namespace: str
    group: str
    start: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything that one cycle would do."""

    bindings: tuple[Binding, ...]
    evictions: tuple[Eviction, ...]
    waiting: tuple[Waiting, ...]
    reservations: tuple[Reservation, ...]
    records: tuple[dict[str, Any], ...] = ()
    """Decision records as they are printed; empty where nobody asked for them."""

    def as_json(self) -> dict[str, Any]:
        """Plain values under the documented names."""
        return {
            "bindings": [asdict(each) for each in self.bindings],
            "evictions": [_renamed(asdict(each), "for_group", "for") for each in self.evictions],
            "waiting": [_renamed(asdict(each), "estimated_start", "estimatedStart") for each in self.waiting],
            "reservations": [asdict(each) for each in self.reservations],
            "records": list(self.records),
        }


def forecast(world: World, policy: Policy, now: float, *, recorded: bool = False) -> Forecast:
    """Ask the core what it would do with this world, and if it is to be `recorded` also why."""
    outcome = work_out(world.cache.snapshot(), policy, now)
    plan = outcome.plan
    refused = [Waiting(each.namespace, each.name, each.reason, each.message, None) for each in world.refused]
    return Forecast(
        bindings=tuple(_binding(bind, world.cache) for bind in plan.binds),
        evictions=tuple(
            Eviction(*names.split(evict.pod), "/".join(names.split(evict.for_group)), evict.reason, evict.to)
            for evict in plan.evicts
        ),
        waiting=(*_waiting(plan, world.cache), *refused),
        reservations=tuple(
            Reservation(*names.split(reserve.group), to_rfc3339(reserve.start), reserve.nodes)
            for reserve in plan.reserves
        ),
        records=tuple(records.rows(outcome, world, policy, now)) if recorded else (),
    )


def _binding(bind: Bind, cache: Cache) -> Binding:
    share = cache.pods[bind.pod].pod_class.share
    return Binding(
        *names.split(bind.pod),
        bind.node,
        tuple(Device(*each) for each in bind.devices),
        None if share is None else Share(*share, bind.device),
    )


def _waiting(plan: Plan, cache: Cache) -> list[Waiting]:
    """The plan's waits in its order, then those that placement holds itself."""
    held: Mapping[str, Held] = cache.groups.held
    told = [
        Waiting(
            *names.split(wait.group),
            wait.reason.value,
            wait.message,
            _time(wait.estimated_start),
            wait.nearest,
        )
        for wait in plan.waits
        if wait.group not in held
    ]
    return told + [
        Waiting(*names.split(group), why.reason.value, why.message, None)
        for group, why in sorted(held.items())
    ]


def _time(epoch: float | None) -> str | None:
    return None if epoch is None else to_rfc3339(epoch)


def _renamed(row: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if key == old else key: value for key, value in row.items()}
