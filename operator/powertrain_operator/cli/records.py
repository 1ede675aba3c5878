"""Decision records as text for people, or as JSON or YAML for programs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

Row = dict[str, Any]


def as_text(row: Row) -> str:
    """What was decided on one group, what was tried for it, what would help and why it is where it is."""
    return "".join(f"{line}\n" for line in _lines(row))


def as_json(row: Row) -> str:
    """One JSON object, indented, its keys in the documented order."""
    return json.dumps(row, indent=2, ensure_ascii=False) + "\n"


def as_yaml(row: Row) -> str:
    """The same as YAML."""
    plain = json.loads(json.dumps(row))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text


FORMATS: Mapping[str, Callable[[Row], str]] = {"text": as_text, "json": as_json, "yaml": as_yaml}


def _lines(row: Row) -> Iterator[str]:
    reason = f" ({row['reason']})" if row["reason"] else ""
    yield f"{row['namespace']}/{row['group']} {row['outcome'].lower()}{reason}: {row['message']}"
    if row["queue"] is not None:
        yield f"  queue {row['queue']}, priority {row['priority']}"
    if row["estimatedStart"]:
        yield f"  estimated start {row['estimatedStart']}"
    yield from _part("Tried", [_step(step) for step in row["tried"]])
    yield from _part("Nearest change", [_way(way) for way in row["nearest"]])
    if row["place"]:
        yield from _part(f"Why there ({row['place']['decidedBy'].lower()})", [row["place"]["message"]])


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}:"
        yield from (f"    {line}" for line in lines)


def _step(step: Row) -> str:
    return f"{step['means']:<8} {'yes' if step['done'] else 'no':<4} {step['message']}"


def _way(way: Row) -> str:
    message: str = way["message"]
    return message
