"""Fields of a case, read one by one: each is of the kind it should be, and none is left over."""

from collections.abc import Iterator, Mapping, Sequence

from powertrain_operator.api import quantity

UNLIMITED = "unlimited"


class BadField(Exception):
    """A field is missing, unknown or of the wrong kind; says which and why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class Fields:
    """A mapping of a case; whatever is read from it is checked."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise BadField(path or "case", f"{value!r} is not a mapping")
        self._values: Mapping[object, object] = value
        self._path = path
        self._read: set[object] = set()

    def path(self, key: str) -> str:
        """The field's name with those of the fields around it."""
        return f"{self._path}.{key}" if self._path else key

    def names(self) -> list[str]:
        """Names of all fields, for maps whose keys are names; all of them count as read."""
        self._read |= self._values.keys()
        return [str(key) for key in self._values]

    def has(self, key: str) -> bool:
        """Whether the field is there."""
        return key in self._values

    def end(self) -> None:
        """Nothing more is read: raises BadField where a field was not."""
        for key in self._values:
            if key not in self._read:
                raise BadField(self.path(str(key)), "no field of this name is known here")

    def raw(self, key: str) -> object:
        """The value as it stands; raises BadField if it is missing."""
        self._read.add(key)
        if key not in self._values:
            raise BadField(self.path(key), "is missing")
        return self._values[key]

    # -- values ------------------------------------------------------------------------------------

    def text(self, key: str) -> str:
        value = self.raw(key)
        if not isinstance(value, str):
            raise BadField(self.path(key), f"{value!r} is not a text")
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise BadField(self.path(key), f"{value!r} is none of {', '.join(allowed)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.raw(key) if self.has(key) else default
        if not isinstance(value, bool):
            raise BadField(self.path(key), f"{value!r} is neither true nor false")
        return value

    def whole(self, key: str, default: int | None = None, least: int | None = 0) -> int:
        value = self.raw(key) if self.has(key) or default is None else default
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadField(self.path(key), f"{value!r} is not a whole number")
        if least is not None and value < least:
            raise BadField(self.path(key), f"{value} is less than {least}")
        return value

    def optional_whole(self, key: str) -> int | None:
        return self.whole(key) if self.has(key) else None

    def number(self, key: str, default: float | None = None) -> float:
        value = self.raw(key) if self.has(key) or default is None else default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadField(self.path(key), f"{value!r} is not a number")
        return value

    def amount(self, key: str, resource: str, default: int | None = None) -> int:
        """Thousandths of a core for `cpu`, bytes for `memory`."""
        if default is not None and not self.has(key):
            return default
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadField(self.path(key), f"{value!r} is not a quantity")
        try:
            return quantity.amount(resource, value)
        except ValueError as error:
            raise BadField(self.path(key), str(error)) from error

    def thousandths(self, key: str) -> int:
        """Of a device: 0.5 is 500."""
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadField(self.path(key), f"{value!r} is not a number of devices")
        if abs(value * 1000 - round(value * 1000)) > 1e-6:
            raise BadField(self.path(key), f"{value} is finer than thousandths")
        return round(value * 1000)

    def unlimited(self, key: str) -> bool:
        """Whether the amount has no bound."""
        return self.raw(key) == UNLIMITED

    # -- what holds values -------------------------------------------------------------------------

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is missing."""
        values = self.raw(key) if self.has(key) else []
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise BadField(self.path(key), f"{values!r} is not a list of texts")
        return tuple(values)

    def part(self, key: str) -> "Fields":
        """A mapping; empty where it is missing."""
        return Fields(self.raw(key) if self.has(key) else {}, self.path(key))

    def parts(self, key: str) -> Iterator["Fields"]:
        """A list of mappings; empty where it is missing."""
        values = self.raw(key) if self.has(key) else []
        if not isinstance(values, list):
            raise BadField(self.path(key), f"{values!r} is not a list")
        for number, value in enumerate(values):
            yield Fields(value, f"{self.path(key)}[{number}]")

    def texts_by_name(self, key: str) -> dict[str, str]:
        """A mapping of texts; empty where it is missing."""
        part = self.part(key)
        return {name: part.text(name) for name in part.names()}

    def counts(self, key: str) -> dict[str, int]:
        """A mapping of whole numbers; empty where it is missing."""
        part = self.part(key)
        return {name: part.whole(name) for name in part.names()}
