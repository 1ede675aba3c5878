"""The status of one PodGroup, and how much it matters that it differs from the one it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from powertrain_scheduler import minimum
from powertrain_scheduler.plan import Lost
from powertrain_scheduler.snapshot import PodGroup

from powertrain_operator.api.cluster import Evicted, PodGroupView
from powertrain_operator.api.fields import shortened
from powertrain_operator.api.time import from_rfc3339, to_rfc3339

from ..outlook import Waiting

Status = dict[str, Any]
MOST_LOST = 64
NODES_NAMED = 5
_AT_ONCE = ("shape", "phase", "evicted", "scheduledTime", "lostNodes", "failedNodes")
_SELDOM = ("message", "members", "estimatedStart", "nearest")
_ROUGHLY = 60.0
"""Seconds by which an estimated start may move before it is another one; a tenth of the wait if more."""


class Urgency(IntEnum):
    """How soon a difference is worth a request."""

    NONE = 0
    SLIGHT = 1
    """Other numbers in the sentence, or another estimate."""
    REASON = 2
    """It waits for something else now."""
    PHASE = 3
    """It got its nodes, lost them, or was never told anything."""


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say of a group beside its pods."""

    waiting: Waiting | None
    evicted: Evicted | None = None
    note: str = ""
    """What happened to it, as a further sentence of the message."""
    lost: Lost | None = None
    """Its members on nodes that no longer report."""


def wanted(view: PodGroupView, group: PodGroup, told: Told, now: float) -> Status | None:
    """The whole status; None where nothing is known yet that could be said."""
    placed = sum(1 for pod in group.placed if not pod.leaving)
    scheduled = placed >= group.min_member and not minimum.missing(group)
    if not scheduled and told.waiting is None:
        return None
    said = _scheduled(placed, group, told) if scheduled else told.waiting
    assert said is not None
    status: Status = {
        "phase": "Scheduled" if scheduled else "Pending",
        "reason": said.reason,
        "message": shortened(" ".join(filter(None, (said.message, told.note)))),
        "observedGeneration": view.metadata.generation,
        "placed": placed,
        "members": f"{placed}/{group.min_member}",
        "conditions": [_condition(view, scheduled, said, now), *_members_lost(view, told.lost, now)],
    }
    if (since := _scheduled_time(view, group, scheduled)) is not None:
        status["scheduledTime"] = to_rfc3339(since)
    if not scheduled and said.estimated_start is not None:
        status["estimatedStart"] = to_rfc3339(said.estimated_start)
    if not scheduled and said.nearest:
        status["nearest"] = shortened(said.nearest)
    if (shape := group.chosen or group.shape) and group.alternatives:
        status["shape"] = shape
    if told.evicted is not None:
        status["evicted"] = _evicted(told.evicted)
    if told.lost is not None:
        status["lostNodes"] = list(told.lost.nodes[:MOST_LOST])
    if group.failures:
        status["failedNodes"] = [{"node": node, "failures": n} for node, n in sorted(group.failures.items())]
    return status


def known(view: PodGroupView) -> Status:
    """The status that the object carries, in the form of `wanted`."""
    status = view.status
    found: Status = {
        "phase": status.phase,
        "reason": status.reason,
        "message": status.message,
        "placed": status.placed,
        "members": status.members,
        "scheduledTime": to_rfc3339(status.scheduled_time.timestamp()) if status.scheduled_time else None,
        "estimatedStart": to_rfc3339(status.estimated_start.timestamp()) if status.estimated_start else None,
        "nearest": status.nearest or None,
        "shape": status.shape or None,
        "evicted": _evicted(status.evicted) if status.evicted else None,
        "lostNodes": list(status.lost_nodes) or None,
        "failedNodes": [{"node": each.node, "failures": each.failures} for each in status.failed_nodes]
        or None,
    }
    return {field: value for field, value in found.items() if value is not None}


def comparable(status: Status) -> Status:
    """A `wanted` status in the form of `known`."""
    return {
        field: value for field, value in status.items() if field not in ("conditions", "observedGeneration")
    }


def urgency(before: Status, after: Status) -> Urgency:
    """How much `after` matters to someone who has read `before`."""
    if any(before.get(field) != after.get(field) for field in _AT_ONCE):
        return Urgency.PHASE
    if before.get("reason") != after.get("reason"):
        return Urgency.REASON
    if any(before.get(field) != after.get(field) for field in _SELDOM):
        return Urgency.SLIGHT
    return Urgency.NONE


def steadied(before: Status, after: Status, now: float) -> Status:
    """`after` with the estimate of `before` where the new one is about the same: guesses are not news."""
    old, new = before.get("estimatedStart"), after.get("estimatedStart")
    if old is None or new is None or (was := from_rfc3339(old)) <= now:
        return after
    roughly = max(_ROUGHLY, (was - now) / 10)
    return after | {"estimatedStart": old} if abs(from_rfc3339(new) - was) < roughly else after


def _scheduled(placed: int, group: PodGroup, told: Told) -> Waiting:
    """What a group that has its nodes is told; pods beyond its minimum may still wait for theirs."""
    least = minimum.of(group)
    needed = len(least.placed) + len(least.waiting) + least.short
    message = f"{placed} pods hold nodes, {needed} are needed."
    if told.waiting is not None and group.waiting:
        message += f" {len(group.waiting)} more wait: {told.waiting.message}"
    return Waiting("Scheduled", message, group.started or 0.0)


def _scheduled_time(view: PodGroupView, group: PodGroup, scheduled: bool) -> float | None:
    """When it last came to hold its minimum, this time or an earlier one."""
    if scheduled and group.started is not None:
        return group.started
    before = view.status.scheduled_time
    return before.timestamp() if before else None


def _condition(view: PodGroupView, scheduled: bool, said: Waiting, now: float) -> Status:
    status = "True" if scheduled else "False"
    before = next((each for each in view.status.conditions if each.type == "Scheduled"), None)
    since = before.last_transition_time if before and before.status == status else None
    return {
        "type": "Scheduled",
        "status": status,
        "reason": said.reason,
        "message": shortened(said.message),
        "lastTransitionTime": to_rfc3339(since.timestamp() if since else now),
        "observedGeneration": view.metadata.generation,
    }


def _members_lost(view: PodGroupView, lost: Lost | None, now: float) -> Iterator[Status]:
    """Told while it holds, and from then on that it does no longer."""
    before = next((each for each in view.status.conditions if each.type == "MembersLost"), None)
    if lost is None and before is None:
        return
    status = "False" if lost is None else "True"
    since = before.last_transition_time if before and before.status == status else None
    yield {
        "type": "MembersLost",
        "status": status,
        "reason": "NodesReport" if lost is None else "NodeNotReady",
        "message": "All its nodes report." if lost is None else shortened(lost_sentence(lost)),
        "lastTransitionTime": to_rfc3339(since.timestamp() if since else now),
        "observedGeneration": view.metadata.generation,
    }


def lost_sentence(lost: Lost) -> str:
    """Which nodes are silent and how many pods are on them."""
    named = ", ".join(lost.nodes[:NODES_NAMED])
    more = len(lost.nodes) - NODES_NAMED
    nodes = f"{named} and {more} more" if more > 0 else named
    many = len(lost.pods)
    return f"{many} of its pods {'is' if many == 1 else 'are'} on {nodes}, which no longer report."


def _evicted(evicted: Evicted) -> Status:
    found: Status = {"forGroup": evicted.for_group, "reason": evicted.reason}
    if evicted.time is not None:
        found["time"] = to_rfc3339(evicted.time.timestamp())
    return found
