"""Label and field selectors, and which namespace."""

import re
from collections.abc import Callable
from typing import Any

Matches = Callable[[dict[str, Any] | None], bool]

_SET = re.compile(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)")


def selecting(namespace: str, labels: str, fields: str) -> Matches:
    """Whether an object (None: no object) is in that namespace (empty: any) and fits both selectors."""
    label_rules = [_rule(text) for text in re.split(r",(?![^(]*\))", labels) if text]
    field_rules = [_rule(text) for text in fields.split(",") if text]

    def matches(obj: dict[str, Any] | None) -> bool:
        if obj is None or (namespace and obj["metadata"].get("namespace") != namespace):
            return False
        its = obj["metadata"].get("labels") or {}
        return all(holds(its.get(key)) for key, holds in label_rules) and all(
            holds(_field(obj, key) or "") for key, holds in field_rules
        )

    return matches


def _rule(text: str) -> tuple[str, Callable[[str | None], bool]]:
    text = text.strip()
    if found := _SET.fullmatch(text):
        values = {value.strip() for value in found[3].split(",")}
        return found[1], (lambda v: v in values) if found[2] == "in" else (lambda v: v not in values)
    if "!=" in text:
        key, _, wanted = text.partition("!=")
        return key, lambda value: value != wanted
    if "=" in text:
        key, wanted = re.split("==?", text, maxsplit=1)
        return key, lambda value: value == wanted
    if text.startswith("!"):
        return text[1:], lambda value: value is None
    return text, lambda value: value is not None


def _field(obj: dict[str, Any], path: str) -> Any:
    for part in path.split("."):
        obj = obj.get(part) or {}
    return obj if not isinstance(obj, dict) else None
