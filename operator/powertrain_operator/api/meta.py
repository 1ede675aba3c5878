"""What all our kinds share: how models behave, metadata, conditions, the outer object.

On the wire names are camelCase and unknown fields are refused, as the API server does under
strict field validation. In Python names are snake_case and values are frozen.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from powertrain_operator.api import time
from powertrain_operator.api.definition import Definition
from powertrain_operator.api.fields import DnsLabel, Generation, Message, Name, Reason, Timestamp
from powertrain_operator.api.names import API_VERSION
from powertrain_operator.api.rules import VALIDATIONS, Keyed, Rule, broken, rules_of


class Model(BaseModel):
    """Frozen, closed, strict (the text "4" is no number), named in camelCase on the wire."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
    )

    update_rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules over a change from one model (`oldSelf` in CEL) to another (`self`)."""

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        if violated := tuple(each for each in rules_of(type(self)) if not each.holds(self)):
            raise broken(violated)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        json_schema: dict[str, Any] = handler.resolve_ref_schema(handler(schema))
        if declared := [each.declaration() for each in (*rules_of(cls), *cls.update_rules)]:
            json_schema[VALIDATIONS] = declared
        return json_schema

    def manifest(self) -> dict[str, Any]:
        """As JSON values by their wire names, what is None left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


class Open(Model):
    """A model of the fields we know of something that has more: the others are kept as they are."""

    model_config = ConfigDict(extra="allow")


class Metadata(Model):
    """The fields we read of an object's metadata; the others are dropped."""

    model_config = ConfigDict(extra="ignore")

    name: Name
    namespace: DnsLabel | None = None
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None


class Condition(Model):
    """One aspect of an object's state, for `kubectl wait --for=condition=...` and other programs."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(
        min_length=1,
        max_length=316,
        pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$",
        description="type is the aspect, one CamelCase word such as Running.",
    )
    status: Literal["True", "False", "Unknown"] = Field(description="status says whether it holds.")
    reason: Reason = Field(description="reason is why, one CamelCase word from a closed set.")
    message: Message = Field(default="", description="message is the same as a sentence for a person.")
    last_transition_time: Timestamp = Field(description="lastTransitionTime is when status last changed.")
    observed_generation: Generation | None = Field(
        default=None, description="observedGeneration is the metadata.generation this was worked out from."
    )


def next_conditions(
    before: Sequence[Condition],
    now: float,
    generation: int,
    *states: tuple[str, bool, str, str],
) -> tuple[Condition, ...]:
    """Conditions for `states` (type, holds, reason, message), in that order.

    A condition whose status is as `before` keeps its transition time; one that no state names goes.
    """
    since = {(condition.type, condition.status): condition.last_transition_time for condition in before}
    return tuple(
        Condition(
            type=kind,
            status=(status := _truth(holds)),
            reason=reason,
            message=message,
            last_transition_time=since.get((kind, status)) or time.to_rfc3339(now),
            observed_generation=generation,
        )
        for kind, holds, reason, message in states
    )


def _truth(holds: bool) -> Literal["True", "False"]:
    return "True" if holds else "False"


class Status(Model):
    """What every status has. Written by one process only; fields it does not know are dropped on reading."""

    model_config = ConfigDict(extra="ignore")

    reason: Reason | None = Field(
        default=None, description="reason is why the phase is what it is, one CamelCase word of a closed set."
    )
    message: Message | None = Field(
        default=None, description="message is the same as one sentence with numbers, for the object's owner."
    )
    observed_generation: Generation | None = Field(
        default=None,
        description="observedGeneration is the metadata.generation that this status was worked out from.",
    )
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16), Keyed("type")] = Field(
        default=(), description="conditions are the aspects of the state, one entry a type."
    )


S = TypeVar("S", bound=Status)
P = TypeVar("P", bound=Model)


class Object(Model, Generic[P, S]):
    """An object of ours as the API server stores it."""

    definition: ClassVar[Definition]

    api_version: Literal["powertrain.dev/v1alpha1"] = API_VERSION
    kind: str
    metadata: Metadata
    spec: P = Field(description="spec is what its owner wants.")
    status: S | None = Field(
        default=None, description="status is how it stands. Written by Powertrain only; absent at first."
    )

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """Empty for kinds of the whole cluster; `default` where a namespaced object names none."""
        return (self.metadata.namespace or "default") if self.definition.namespaced else ""

    @property
    def key(self) -> str:
        """`namespace/name`, or the name alone for kinds of the whole cluster."""
        return f"{self.namespace}/{self.name}" if self.definition.namespaced else self.name
