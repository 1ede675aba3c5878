"""A forecast as a table for people, or as JSON or YAML for programs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import yaml

from powertrain_operator.placement.world.forecast import Binding, Forecast

from . import records


def as_json(forecast: Forecast) -> str:
    """One JSON object, indented, its keys in the documented order."""
    return json.dumps(forecast.as_json(), indent=2, ensure_ascii=False) + "\n"


def as_yaml(forecast: Forecast) -> str:
    """The same as YAML."""
    plain = json.loads(json.dumps(forecast.as_json()))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text


def as_table(forecast: Forecast) -> str:
    """A table for each part that has rows."""
    parts = [
        _section(
            "Would be bound",
            ("NAMESPACE", "POD", "NODE", "DEVICES"),
            [(each.namespace, each.pod, each.node, _devices(each)) for each in forecast.bindings],
        ),
        _section(
            "Would be evicted",
            ("NAMESPACE", "POD", "FOR", "REASON", "TO"),
            [
                (each.namespace, each.pod, each.for_group, each.reason, each.to or "-")
                for each in forecast.evictions
            ],
        ),
        _section(
            "Wait",
            ("NAMESPACE", "GROUP", "REASON", "ESTIMATED START", "MESSAGE", "NEAREST CHANGE"),
            [
                (
                    each.namespace,
                    each.group,
                    each.reason,
                    each.estimated_start or "-",
                    each.message,
                    each.nearest or "-",
                )
                for each in forecast.waiting
            ],
        ),
        _section(
            "Would be held",
            ("NAMESPACE", "GROUP", "FROM", "NODES"),
            [(each.namespace, each.group, each.start, _nodes(each.nodes)) for each in forecast.reservations],
        ),
        "\n".join(map(records.as_text, forecast.records)),
    ]
    return "\n".join(part for part in parts if part) or "Nothing waits, and nothing would change.\n"


FORMATS: Mapping[str, Callable[[Forecast], str]] = {"table": as_table, "json": as_json, "yaml": as_yaml}

_NODES_SHOWN = 8


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [_line(row, widths) for row in (head, *rows)]
    return f"{title} ({len(rows)}):\n" + "".join(f"{line}\n" for line in lines)


def _line(row: Sequence[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _devices(binding: Binding) -> str:
    whole = [f"{each.count} {each.resource}" for each in binding.devices]
    if (share := binding.share) is not None:
        whole.append(f"{share.thousandths}/1000 of {share.resource} {share.device}")
    return ", ".join(whole) or "-"


def _nodes(nodes: Sequence[str]) -> str:
    shown = ", ".join(nodes[:_NODES_SHOWN])
    more = len(nodes) - _NODES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
