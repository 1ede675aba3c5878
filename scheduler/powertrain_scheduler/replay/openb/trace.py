"""The node and pod lists of the trace, read from lines of CSV."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


class BadTrace(Exception):
    """What was given cannot be read; the sentence names file, line and column."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A node of the trace."""

    name: str
    cpu: int
    """Thousandths of a core."""
    memory: int
    """MiB."""
    devices: int
    model: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes pods of the trace alike."""

    cpu: int
    memory: int
    devices: int
    share: int
    """Thousandths of each device; 0 where it has none."""
    models: tuple[str, ...]
    """Models it may use, by name; empty: any."""

    @property
    def thousandths(self) -> int:
        """Of devices, in all."""
        return self.devices * self.share


@dataclass(frozen=True, slots=True)
class Arrival:
    """A pod of the trace, and when it came and went in seconds of the trace."""

    name: str
    shape: Shape
    created: float | None = None
    deleted: float | None = None


def machines(lines: Iterable[str], file: str) -> list[Machine]:
    """The nodes that have devices, by name; raises BadTrace."""
    found = []
    for row in _rows(lines, file, ("sn", "cpu_milli", "memory_mib", "gpu", "model")):
        devices = row.number("gpu")
        if devices:
            found.append(
                Machine(
                    row.text("sn"),
                    row.number("cpu_milli"),
                    row.number("memory_mib"),
                    devices,
                    row.text("model"),
                )
            )
    if not found:
        raise BadTrace(f"{file} lists no node with devices")
    _unique([machine.name for machine in found], file)
    return sorted(found, key=lambda machine: machine.name)


def arrivals(lines: Iterable[str], file: str, known: Sequence[Machine]) -> list[Arrival]:
    """The pods, by name; raises BadTrace. Models that no node has are left out of a pod's list."""
    there = {machine.model for machine in known}
    found = []
    for row in _rows(lines, file, ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")):
        devices = row.number("num_gpu")
        share = row.number("gpu_milli") if devices else 0
        if devices and not 0 < share <= 1000 or devices > 1 and share < 1000:
            raise BadTrace(f"{row.where('gpu_milli')}: {share} is no share of {devices} devices")
        asked = {name for name in (row.optional("gpu_spec") or "").split("|") if name}
        if asked and not asked & there:
            raise BadTrace(f"{row.where('gpu_spec')}: no node has {' or '.join(sorted(asked))}")
        shape = Shape(
            row.number("cpu_milli"), row.number("memory_mib"), devices, share, tuple(sorted(asked & there))
        )
        found.append(
            Arrival(row.text("name"), shape, row.moment("creation_time"), row.moment("deletion_time"))
        )
    if not any(arrival.shape.thousandths for arrival in found):
        raise BadTrace(f"{file} lists no pod that asks for devices")
    _unique([arrival.name for arrival in found], file)
    return sorted(found, key=lambda arrival: arrival.name)


def _unique(names: Sequence[str], file: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadTrace(f"{file} lists {name} twice")
        seen.add(name)


@dataclass(frozen=True, slots=True)
class _Row:
    file: str
    line: int
    cells: dict[str, str]

    def where(self, column: str) -> str:
        return f"{self.file}, line {self.line}, column {column}"

    def text(self, column: str) -> str:
        value = self.cells[column].strip()
        if not value:
            raise BadTrace(f"{self.where(column)} is empty")
        return value

    def optional(self, column: str) -> str | None:
        return self.cells.get(column, "").strip() or None

    def number(self, column: str) -> int:
        value = self.text(column)
        if not value.isdecimal():
            raise BadTrace(f"{self.where(column)}: {value!r} is not a whole number")
        return int(value)

    def moment(self, column: str) -> float | None:
        value = self.optional(column)
        try:
            return None if value is None else float(value)
        except ValueError:
            raise BadTrace(f"{self.where(column)}: {value!r} is not a time in seconds") from None


def _rows(lines: Iterable[str], file: str, columns: Sequence[str]) -> Iterator[_Row]:
    reader = csv.reader(lines)
    try:
        heading = next(reader, [])
        if missing := [column for column in columns if column not in heading]:
            raise BadTrace(f"{file}, line 1: has no column {missing[0]}")
        for cells in reader:
            if len(cells) != len(heading):
                raise BadTrace(
                    f"{file}, line {reader.line_num}: has {len(cells)} cells, the heading {len(heading)}"
                )
            yield _Row(file, reader.line_num, dict(zip(heading, cells, strict=True)))
    except csv.Error as error:
        raise BadTrace(f"{file}, line {reader.line_num}: {error}") from error
