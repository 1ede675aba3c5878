"""Decision records as `powertrain plan` and `powertrain explain` print them. The field names are their JSON."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from powertrain_scheduler import explain
from powertrain_scheduler.changes import Change
from powertrain_scheduler.cycle import Outcome, work_out
from powertrain_scheduler.explain import Place, Record, Spot
from powertrain_scheduler.policy import Policy

from powertrain_operator.api.time import to_rfc3339

from .. import names
from .build import World

Row = dict[str, Any]


def find(world: World, namespace: str, name: str) -> str | None:
    """The core's name of a PodGroup, a plain pod or a job that has none as it is invalid; None for none such."""
    groups = {*world.cache.snapshot().groups, *world.cache.groups.held}
    candidates = (names.key(namespace, name), names.alone(namespace, name))
    found = next((each for each in candidates if each in groups), None)
    refused = {names.key(each.namespace, each.name) for each in world.refused}
    return found or next((each for each in candidates if each in refused), None)


def known(world: World, namespace: str) -> list[str]:
    """What there is to ask about in a namespace, by name."""
    groups = {*world.cache.snapshot().groups, *world.cache.groups.held}
    split = [names.split(group) for group in groups]
    split += [names.ObjectName(each.namespace, each.name) for each in world.refused]
    return sorted({each.name for each in split if each.namespace == namespace})


def one(world: World, policy: Policy, now: float, group: str) -> Row:
    """The record of a group that `find` gave."""
    snapshot = world.cache.snapshot()
    if (held := world.cache.groups.held.get(group)) is not None:
        return _outside(*names.split(group), held.reason.value, held.message)
    if group not in snapshot.groups:
        refused = next(each for each in world.refused if names.key(each.namespace, each.name) == group)
        return _outside(refused.namespace, refused.name, refused.reason, refused.message)
    return next(rows(work_out(snapshot, policy, now), world, policy, now, [group]))


def rows(
    outcome: Outcome, world: World, policy: Policy, now: float, groups: Collection[str] | None = None
) -> Iterator[Row]:
    """Records of these groups, or of all that wait or start by the outcome."""
    if groups is None:
        plan = outcome.plan
        named = {wait.group for wait in plan.waits} | {bind.group for bind in plan.binds}
        groups = named - world.cache.groups.held.keys()
    for record in explain.records(outcome, world.cache.snapshot(), policy, now, groups):
        yield _row(record)


def _outside(namespace: str, group: str, reason: str, message: str) -> Row:
    """Of a group that the core is not told of."""
    return _row(Record(names.key(namespace, group), "", 0, "Waits", message)) | {
        "queue": None,
        "priority": None,
        "reason": reason,
    }


def _row(record: Record) -> Row:
    namespace, name = names.split(record.group)
    start = record.estimated_start
    return {
        "namespace": namespace,
        "group": name,
        "queue": record.queue,
        "priority": record.priority,
        "outcome": record.outcome,
        "reason": record.reason.value if record.reason else None,
        "message": record.message,
        "estimatedStart": None if start is None else to_rfc3339(start),
        "tried": [
            {"means": step.means.value, "done": step.done, "message": step.message} for step in record.steps
        ],
        "nearest": [
            {
                "message": way.message,
                "proved": way.proved,
                "changes": [_change(change) for change in way.changes],
            }
            for way in record.nearest
        ],
        "place": None if record.place is None else _place(record.place),
    }


def _place(place: Place) -> Row:
    runner_up = None if place.runner_up is None else _spot(place.runner_up)
    told = {"decidedBy": place.decided_by, "message": place.message}
    return {**told, **_spot(place.spot), "runnerUp": runner_up}


def _spot(spot: Spot) -> Row:
    return {
        "accelerators": list(spot.accelerators),
        "nodes": list(spot.nodes),
        "domains": [{"level": level, "names": list(values)} for level, values in spot.domains],
        "borrowed": spot.borrowed,
        "joules": spot.joules,
        "idleDevices": spot.idle_devices,
        "idleShare": round(spot.idle_share, 4),
    }


def _change(change: Change) -> Row:
    assert is_dataclass(change) and not isinstance(change, type)
    return {"change": type(change).__name__, **_camel(asdict(change))}


def _camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_word(key): _camel(inner) for key, inner in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list | tuple) else value


def _word(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)
