"""Rules across fields, each written twice in one place: in CEL for the API server, in Python for us.

A `Rule` stands on a model's method (`@rule`), among a model's `update_rules`, or, as an annotation,
on one field's type. The generator writes the CEL half into the CRD (`x-kubernetes-validations`); pydantic
runs the Python half. tests/cluster holds the two to the same verdicts on a real API server.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"

F = TypeVar("F", bound=Callable[..., bool])


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over the value it stands on (`self` in CEL)."""

    cel: str
    message: str
    """One sentence: the field, what is wrong, and the fix."""
    holds: Callable[..., bool]
    """Takes the value; where the rule is about a change, the new value and the old one (`oldSelf`)."""
    field: str | None = None
    """Where to point, below the value: `parallelism.tensor`; None points at the value itself."""

    def declaration(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        return entry | {"fieldPath": f".{self.field}"} if self.field else entry

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema: dict[str, Any] = handler.resolve_ref_schema(handler(schema))
        return json_schema | {VALIDATIONS: [*json_schema.get(VALIDATIONS, []), self.declaration()]}

    def _checked(self, value: Any) -> Any:
        if not self.holds(value):
            raise broken((self,))
        return value


@dataclass(frozen=True, slots=True)
class Keyed:
    """As an annotation on a tuple of models: `key` (a field's name on the wire) tells items apart.

    In the CRD it is a list-map, so that server-side apply merges item by item; two items with
    the same key are refused there by Kubernetes itself.
    """

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema: dict[str, Any] = handler(schema)
        return json_schema | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}

    def _checked(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        _refuse_twice(f"{self.key} ", [getattr(item, self.key) for item in items])
        return items


@dataclass(frozen=True, slots=True)
class Distinct:
    """As an annotation on a tuple of texts whose order says nothing: none of them twice.

    In the CRD it is a set, which Kubernetes checks itself; a CEL rule over hundreds of texts would
    go beyond what one rule may cost.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema: dict[str, Any] = handler(schema)
        return json_schema | {"x-kubernetes-list-type": "set"}

    def _checked(self, items: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_twice("", items)
        return items


def _refuse_twice(what: str, keys: Sequence[str]) -> None:
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise PydanticCustomError(
                "duplicate", "has {what}{key} twice; keep one of them", {"what": what, "key": key}
            )


def rule(cel: str, message: str, *, field: str | None = None) -> Callable[[F], F]:
    """Makes a method of a model a rule over it: true where the model is good."""

    def mark(method: F) -> F:
        vars(method)["rule"] = Rule(cel, message, method, field)
        return method

    return mark


@functools.cache
def rules_of(model: type) -> tuple[Rule, ...]:
    """The rules on a model's methods, inherited ones first, in the order they are written."""
    found: Mapping[str, Rule] = {
        name: vars(member)["rule"]
        for ancestor in reversed(model.__mro__)
        for name, member in vars(ancestor).items()
        if callable(member) and "rule" in getattr(member, "__dict__", {})
    }
    return tuple(found.values())


def broken(rules: tuple[Rule, ...]) -> PydanticCustomError:
    """The error that carries broken rules to `api.errors`, which makes sentences of it."""
    text = "; ".join(each.message for each in rules).replace("{", "(").replace("}", ")")
    return PydanticCustomError("rules", text, {"rules": rules})
