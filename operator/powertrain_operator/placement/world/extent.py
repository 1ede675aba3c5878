"""How deep a YAML text is and how large its aliases make it, counted without building any of it.

A few hundred bytes of nested aliases stand for billions of values, and a loader recurses once for each
bracket: both are refused before anything is composed.
"""

from typing import Any

import yaml

DEEPEST = 500
"""Levels; Kubernetes objects have some twenty."""
LARGEST = 10_000_000
"""Values in one text, each alias counted with all that it stands for."""


def check(text: str, loader: Any) -> None:
    """Raises yaml.YAMLError where the text is too deep or too large; broken YAML is left to the loader."""
    anchors: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    size = 0
    for event in _events(text, loader):
        if isinstance(event, yaml.AliasEvent):
            size += anchors.get(event.anchor or "", 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, size))
            size += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                anchors[anchor] = size - before
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
        if len(open_) > DEEPEST:
            raise yaml.YAMLError(f"nested more than {DEEPEST} levels deep")
        if size > LARGEST:
            raise yaml.YAMLError(f"its aliases stand for more than {LARGEST:,} values")


def _events(text: str, loader: Any) -> Any:
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError:
        return
