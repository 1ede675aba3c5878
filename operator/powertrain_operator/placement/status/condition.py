"""One condition of a status, with the time of its last change carried over."""

from collections.abc import Iterable, Mapping
from typing import Any

from powertrain_operator.api.fields import shortened
from powertrain_operator.api.time import to_rfc3339

Status = dict[str, Any]


def with_condition(
    status: Status, type: str, holds: bool, before: Iterable[Mapping[str, Any]], now: float
) -> Status:
    """The status with one condition that says the same as its reason and message."""
    value = "True" if holds else "False"
    old = next((each for each in before if each.get("type") == type and each.get("status") == value), None)
    condition = {
        "type": type,
        "status": value,
        "reason": status["reason"],
        "message": shortened(status["message"]),
        "lastTransitionTime": old["lastTransitionTime"] if old else to_rfc3339(now),
        "observedGeneration": status["observedGeneration"],
    }
    return {**status, "conditions": [condition]}
