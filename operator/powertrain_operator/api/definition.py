"""What the API server is told of a kind beside its schema: names, scope, columns, scaling.

Each kind declares one `Definition`; the generator in hack/crdgen writes it into the CRD.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`."""

    title: str
    path: str
    """JSONPath without braces: `.status.phase`."""
    kind: Literal["string", "integer", "number", "date"] = "string"
    wide: bool = False
    """Shown only with `-o wide`."""


AGE = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True, slots=True)
class Scale:
    """Paths of the `scale` subresource, by which `kubectl scale` and autoscalers set replicas."""

    wanted: str
    current: str
    selector: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind's names and faces."""

    plural: str
    short: str
    namespaced: bool
    columns: tuple[Column, ...]
    scale: Scale | None = None
    selectable: tuple[str, ...] = ()
    """Paths that `kubectl get --field-selector` may ask for."""
