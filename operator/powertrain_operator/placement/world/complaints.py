"""What is wrong with input, all of it at once, each with file, object and field."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands."""

    source: str
    """The file as it was named, or `standard input`."""
    document: int
    """From 1."""
    item: int | None = None
    """From 1, inside a List."""

    def __str__(self) -> str:
        inside = "" if self.item is None else f", item {self.item}"
        return f"{self.source}, document {self.document}{inside}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with the input."""

    where: str
    """A file, or a `Place`."""
    object: str
    """Kind and name, as far as they can be told."""
    field: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.object, self.field, self.message) if part)


class BadInput(Exception):
    """The input cannot be used."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}


def of_struct(error: msgspec.ValidationError) -> tuple[str, str]:
    """Path and sentence of what msgspec found wrong with a manifest."""
    found = _AT.match(str(error))
    assert found is not None
    path = (found["path"] or "").removeprefix(".")
    what = found["what"]
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"{path}.{missing[1]}".removeprefix("."), "is required"
    if other := re.fullmatch(r"Expected `(.*)`, got `(.*)`", what):
        wanted = " or ".join(_WORDS.get(each.strip(), each.strip()) for each in other[1].split("|"))
        return path, f"must be {wanted}, is {_WORDS.get(other[2], other[2])}"
    return path, what[:1].lower() + what[1:]
