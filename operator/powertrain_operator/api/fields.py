"""Types of single fields: names, keys, quantities, durations, each with its pattern and its bound."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from powertrain_operator.api import time
from powertrain_operator.api.rules import Rule

NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
DNS_LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
LABEL_KEY_PATTERN: Final = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
)
LABEL_VALUE_PATTERN: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
RESOURCE_PATTERN: Final = (
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
)
ACCELERATOR_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
REASON_PATTERN: Final = r"^[A-Z][A-Za-z0-9]*$"
QUANTITY_PATTERN: Final = (
    r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
    r"([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?$"
)
DURATION_PATTERN: Final = (
    r"^([0-9]{1,6}(\.[0-9]+)?h)?([0-9]{1,7}(\.[0-9]+)?m)?([0-9]{1,9}(\.[0-9]+)?s)?([0-9]{1,9}ms)?$"
)
"""Go's syntax, largest unit first, in figures that cannot add up to more than 64 bits of nanoseconds:
past those the API server does not refuse a duration but takes it for some other one."""

IN_WORDS: Final = {
    NAME_PATTERN: "an object's name: lower-case letters, digits, '-' and '.', such as team-a",
    DNS_LABEL_PATTERN: "a DNS label: lower-case letters, digits and '-', such as worker-0",
    LABEL_KEY_PATTERN: "a label key, such as topology.kubernetes.io/zone",
    LABEL_VALUE_PATTERN: "a label value: letters, digits, '-', '_' and '.', such as h100-sxm",
    RESOURCE_PATTERN: "a resource name with its vendor's domain, such as nvidia.com/gpu",
    ACCELERATOR_PATTERN: "an accelerator's name: lower-case letters, digits, '-' and '.', such as h100-sxm",
    REASON_PATTERN: "one CamelCase word",
    QUANTITY_PATTERN: "a quantity such as 8, 500m or 16Gi",
    DURATION_PATTERN: "a duration such as 30s, 5m or 1h30m, of at most 999999h",
}
"""Patterns as a person would put them, for the sentences of `InvalidObject`."""

MESSAGE_LENGTH: Final = 4096
QUANTITY_LENGTH: Final = 64


def shortened(message: Any) -> Any:
    """A status sentence cut to what the schema admits: a status must never be refused for its length."""
    if not isinstance(message, str) or len(message) <= MESSAGE_LENGTH:
        return message
    return message[: MESSAGE_LENGTH - 1] + "…"


def _timestamp(text: str) -> str:
    try:
        time.from_rfc3339(text)
    except ValueError as error:
        raise PydanticCustomError("timestamp", "{why}", {"why": str(error)}) from error
    return text


def _quantity(value: Any) -> int | str:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if whole or (
        isinstance(value, str) and len(value) <= QUANTITY_LENGTH and re.fullmatch(QUANTITY_PATTERN, value)
    ):
        return value  # type: ignore[no-any-return]
    raise PydanticCustomError("quantity", "must be " + IN_WORDS[QUANTITY_PATTERN] + ", not negative")


Name = Annotated[str, Field(max_length=253, pattern=NAME_PATTERN)]
DnsLabel = Annotated[str, Field(max_length=63, pattern=DNS_LABEL_PATTERN)]
LabelKey = Annotated[str, Field(max_length=317, pattern=LABEL_KEY_PATTERN)]
LabelName = Annotated[str, Field(max_length=63, pattern=ACCELERATOR_PATTERN)]
"""A lower-case name that can be a label's value."""
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE_PATTERN)]
ResourceName = Annotated[str, Field(max_length=317, pattern=RESOURCE_PATTERN)]
AcceleratorName = Annotated[str, Field(max_length=63, pattern=ACCELERATOR_PATTERN)]
Reason = Annotated[str, Field(max_length=64, pattern=REASON_PATTERN)]
Message = Annotated[str, Field(max_length=MESSAGE_LENGTH), BeforeValidator(shortened)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1, json_schema_extra={"format": "int32"})]
Generation = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]

Duration = Annotated[
    str,
    Field(min_length=2, max_length=32, pattern=DURATION_PATTERN, json_schema_extra={"format": "duration"}),
]
"""Kept as written; `time.parse_duration` gives seconds."""

Timestamp = Annotated[
    str, Field(max_length=64, json_schema_extra={"format": "date-time"}), AfterValidator(_timestamp)
]
"""RFC 3339 with zone, kept as written; `time.from_rfc3339` gives seconds, `time.to_rfc3339` makes one."""

Quantity = Annotated[
    int | str,
    PlainValidator(_quantity),
    PlainSerializer(lambda value: value),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "minimum": 0,
            "maxLength": QUANTITY_LENGTH,
            "pattern": QUANTITY_PATTERN,
        }
    ),
]
"""Kept as written, whole number or text."""


def _keys_are_label_keys(labels: dict[str, str]) -> bool:
    return all(len(key) <= 317 and re.fullmatch(LABEL_KEY_PATTERN, key) for key in labels)


LABEL_KEYS: Final = Rule(
    cel=f"self.all(key, size(key) <= 317 && key.matches({LABEL_KEY_PATTERN!r}))",
    message="keys must be label keys, such as topology.kubernetes.io/zone; rename the key",
    holds=_keys_are_label_keys,
)
"""For maps: OpenAPI has no word for the shape of a map's keys."""


ORDERED_SET: Final = Rule(
    cel="self.all(one, self.exists_one(other, other == one))",
    message="has one item twice; keep one of them",
    holds=lambda items: len(set(items)) == len(items),
)
"""For short lists whose order matters: server-side apply would not keep that of a Kubernetes set."""
