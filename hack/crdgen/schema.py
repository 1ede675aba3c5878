"""From pydantic's JSON schema (draft 2020-12, `$ref`s, null types) to a structural OpenAPI v3 schema.

Kubernetes takes no references, no null type, no closed objects (it prunes unknown fields by itself)
and no exclusive bounds as numbers. It works out what each CEL rule may cost from the bounds of
lists, maps and texts, so one without a bound is refused here already.
"""

from collections.abc import Mapping
from typing import Any, Final

from powertrain_operator.api.meta import Object
from powertrain_operator.api.names import API_VERSION

Schema = dict[str, Any]

_ORDER: Final = (
    "description",
    "type",
    "format",
    "anyOf",
    "enum",
    "default",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
"""Every key that a structural schema of ours may have, in the order it is written."""

_RULE_ORDER: Final = ("rule", "message", "fieldPath")


class NotStructural(ValueError):
    """A model uses something that no CRD can say, or leaves something without a bound."""


def structural(model: type[Object[Any, Any]]) -> Schema:
    """The `openAPIV3Schema` of a kind."""
    document = model.model_json_schema(by_alias=True, mode="validation")
    document["properties"] |= _outer(model.__name__)
    document["required"] = [name for name in document["required"] if name != "metadata"]
    schema = _converted(document, document.get("$defs", {}), model.__name__)
    schema["properties"]["status"] = _without_defaults(schema["properties"]["status"])
    return schema


def _outer(kind: str) -> dict[str, Schema]:
    """What every object has, in the only shape in which a CRD may say it."""
    return {
        "apiVersion": {"description": f"apiVersion is {API_VERSION}.", "type": "string", "maxLength": 64},
        "kind": {"description": f"kind is {kind}.", "type": "string", "maxLength": 64},
        # The bound is Kubernetes' own; without it a rule over the name would count as too costly.
        "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 253}}},
    }


def _converted(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> Schema:
    """One node of the schema and all below it."""
    schema = _without_null(_resolved(node, definitions, path), definitions, path)
    schema.pop("title", None)
    schema.pop("$defs", None)
    _convert_openness(schema)
    _convert_values(schema)
    if "properties" in schema:
        schema["properties"] = {
            name: _converted(each, definitions, f"{path}.{name}")
            for name, each in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if key in schema:
            schema[key] = _converted(schema[key], definitions, f"{path}[]")
    _check_bounds(schema, path)
    return _ordered(schema, path)


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> Schema:
    """The node with its reference filled in; what stands beside the reference wins."""
    schema = dict(node)
    while (reference := schema.pop("$ref", None)) is not None:
        target = definitions.get(reference.removeprefix("#/$defs/"))
        if target is None:
            raise NotStructural(f"{path}: {reference} leads nowhere")
        schema = {**target, **schema}
    return schema


def _without_null(schema: Schema, definitions: Mapping[str, Any], path: str) -> Schema:
    """`X | None` as X: an absent field says the same, and Kubernetes refuses or drops a null."""
    if "anyOf" not in schema:
        return schema
    choices = [choice for choice in schema.pop("anyOf") if choice.get("type") != "null"]
    if len(choices) != 1:
        raise NotStructural(f"{path}: one of several types")
    return {**_resolved(choices[0], definitions, path), **schema}


def _convert_openness(schema: Schema) -> None:
    """Closed objects need no word; open ones keep what they do not know."""
    openness = schema.get("additionalProperties")
    if isinstance(openness, bool):
        del schema["additionalProperties"]
        if openness:
            schema["x-kubernetes-preserve-unknown-fields"] = True


def _convert_values(schema: Schema) -> None:
    if (description := schema.get("description")) is not None:
        schema["description"] = " ".join(description.split())
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if (bound := schema.get("exclusiveMinimum")) is not None:
        schema |= {"minimum": bound, "exclusiveMinimum": True}
    if schema.get("x-kubernetes-int-or-string"):
        schema["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("type") == "array":
        schema.setdefault("x-kubernetes-list-type", "atomic")
    if (default := _without_nulls(schema.pop("default", None))) is not None:
        schema["default"] = default


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return value


def _check_bounds(schema: Schema, path: str) -> None:
    bounds = {"array": "maxItems", "string": "maxLength"}
    bound = "maxProperties" if "additionalProperties" in schema else bounds.get(schema.get("type", ""))
    if bound and bound not in schema and "enum" not in schema:
        raise NotStructural(f"{path}: has no {bound}")


def _without_defaults(schema: Schema) -> Schema:
    """For status: what a process has not written yet is absent, not some default."""
    bare = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in bare:
        bare["properties"] = {name: _without_defaults(each) for name, each in bare["properties"].items()}
    if "items" in bare:
        bare["items"] = _without_defaults(bare["items"])
    return bare


def _ordered(schema: Schema, path: str) -> Schema:
    if unknown := schema.keys() - set(_ORDER):
        raise NotStructural(f"{path}: {', '.join(sorted(unknown))} is no part of a structural schema")
    if not schema.get("required", ...):
        del schema["required"]
    if rules := schema.get("x-kubernetes-validations"):
        schema["x-kubernetes-validations"] = [
            {key: each[key] for key in _RULE_ORDER if key in each} for each in rules
        ]
    return {key: schema[key] for key in _ORDER if key in schema}
