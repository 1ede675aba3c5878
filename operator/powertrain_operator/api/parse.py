"""From manifests to models, refusing what the API server would refuse."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from powertrain_operator.api.acceleratorpool import AcceleratorPool
from powertrain_operator.api.errors import InvalidObject, models_below, sentences
from powertrain_operator.api.inferenceservice import InferenceService
from powertrain_operator.api.names import API_VERSION
from powertrain_operator.api.podgroup import PodGroup
from powertrain_operator.api.queue import Queue
from powertrain_operator.api.trainingjob import TrainingJob

AnyObject = AcceleratorPool | Queue | TrainingJob | InferenceService | PodGroup

KINDS: Final[Mapping[str, type[AnyObject]]] = MappingProxyType(
    {
        "AcceleratorPool": AcceleratorPool,
        "Queue": Queue,
        "TrainingJob": TrainingJob,
        "InferenceService": InferenceService,
        "PodGroup": PodGroup,
    }
)
"""Our kinds by name, in the order in which a cluster is set up."""


def parse(manifest: Mapping[str, Any]) -> AnyObject:
    """The model of a manifest, by its kind. InvalidObject where the API server would refuse it.

    A status that cannot be read, from another version for one, counts as absent: the process
    that owns it writes it anew.
    """
    model = _model_of(manifest)
    document = _without_nulls(manifest, model)
    try:
        # As JSON, since from Python values a strict pydantic takes no list where it keeps a tuple.
        return model.model_validate_json(to_json(document), by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = [pair for pair in sentences(error, model) if not pair[0].startswith("status")]
        if wrong:
            raise InvalidObject(*_identity(manifest), wrong) from error
    except PydanticSerializationError as error:
        raise InvalidObject(*_identity(manifest), [("", f"is not JSON: {error}")]) from error
    return parse({key: part for key, part in document.items() if key != "status"})


def check_update(old: AnyObject, new: AnyObject) -> None:
    """InvalidObject where the API server would refuse to replace `old` by `new`."""
    violated = [
        (f"spec.{rule.field}", rule.message)
        for rule in new.spec.update_rules
        if not rule.holds(new.spec, old.spec)
    ]
    if violated:
        raise InvalidObject(new.kind, new.namespace, new.name, violated)


def _without_nulls(value: Any, model: type[BaseModel] | None) -> Any:
    """A known field that is null counts as absent, as the API server reads it.

    Other nulls are left to be refused: unknown fields, and items of lists.
    """
    if isinstance(value, Mapping):
        inner = models_below(model) if model else {}
        return {
            key: _without_nulls(each, inner.get(key))
            for key, each in value.items()
            if each is not None or (model and key not in inner)
        }
    return [_without_nulls(each, model) for each in value] if isinstance(value, list) else value


def _model_of(manifest: Mapping[str, Any]) -> type[AnyObject]:
    if not isinstance(manifest, Mapping):
        raise InvalidObject("", "", "", [("", "must be a mapping with apiVersion, kind, metadata and spec")])
    if manifest.get("apiVersion") != API_VERSION:
        raise InvalidObject(*_identity(manifest), [("apiVersion", f"must be {API_VERSION}")])
    kind = manifest.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidObject(*_identity(manifest), [("kind", f"must be one of {', '.join(KINDS)}")])
    return KINDS[kind]


def _identity(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, namespace and name as far as they can be told."""
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    return (
        str(manifest.get("kind") or ""),
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or ""),
    )
