"""InvalidObject, and the sentences in it.

pydantic's own messages speak of inputs and strings; these speak to the person who wrote the
manifest, and point with the path that the API server would print.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from powertrain_operator.api.fields import IN_WORDS


class InvalidObject(ValueError):
    """An object that the API server would refuse, with one sentence for each thing wrong."""

    def __init__(self, kind: str, namespace: str, name: str, errors: Iterable[tuple[str, str]]) -> None:
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.errors = tuple(errors)
        """(path such as `spec.workers.replicas`, sentence)."""
        super().__init__(str(self))

    def __str__(self) -> str:
        where = "/".join(part for part in (self.namespace, self.name) if part) or "(no name)"
        what = "; ".join(f"{path}: {message}" if path else message for path, message in self.errors)
        return f"{self.kind or 'object'} {where}: {what}"


_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "tuple_type": "must be a list",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be more than {gt:.15g}",
    "greater_than_equal": "must be at least {ge:.15g}",
    "less_than": "must be less than {lt:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} {entries}",
    "too_long": "must have at most {max_length} {entries}",
}


def sentences(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Path and sentence of each thing that pydantic found wrong with a `model`."""
    details = error.errors(include_url=False)
    return [pair for detail in details if not _is_echo(detail, details) for pair in _sentence(detail, model)]


def _is_echo(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """pydantic does not count a bad item, so a list of one bad item is also told to be too short."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details
    )


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> list[tuple[str, str]]:
    path, kind, context = _path(detail["loc"]), detail["type"], detail.get("ctx", {})
    if kind == "rules":
        return [(_below(path, rule.field), rule.message) for rule in context["rules"]]
    if kind == "extra_forbidden":
        return [(path, _unknown(str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1])))]
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return [(path, f"must be {IN_WORDS.get(pattern, 'text that matches ' + pattern)}")]
    bound = context.get("min_length", context.get("max_length"))
    context |= {"entries": "entry" if bound == 1 else "entries"}
    template = _SENTENCES.get(kind)
    return [(path, template.format(**context) if template else detail["msg"])]


def _unknown(field: str, known: list[str]) -> str:
    close = get_close_matches(field, known, n=1)
    return (
        f"is not a field; did you mean {close[0]}?"
        if close
        else f"is not a field; there are {', '.join(known)}"
    )


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Wire names of the fields of the model found by going down `loc`."""
    for step in loc:
        if isinstance(step, str):
            inner = models_below(model).get(step)
            if inner is None:
                return []
            model = inner
    return list(models_below(model))


@cache
def models_below(model: type[BaseModel]) -> Mapping[str, type[BaseModel] | None]:
    """By wire name, the model of each field's value, or of its items; None where it has none."""
    return {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(each) for each in getattr(annotation, "__args__", ()))
    return next((each for each in inner if each is not None), None)


def _path(loc: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return text.removeprefix(".")


def _below(path: str, field: str | None) -> str:
    return ".".join(part for part in (path, field) if part)
