"""What TrainingJobs, InferenceServices and PodGroups have in common: how they wait, and on what."""

import re
from typing import Annotated, Literal

from pydantic import Field

from powertrain_operator.api import time
from powertrain_operator.api.fields import AcceleratorName, Duration, LabelKey, Name
from powertrain_operator.api.meta import Model
from powertrain_operator.api.names import DEFAULT_QUEUE
from powertrain_operator.api.rules import rule

MOST_MEMBERS = 10_000
"""Pods in one gang at most: ranks have at most four digits, so pod names stay DNS labels."""

MOST_DEVICES_A_POD = 64

_POD_PREFIX = "^[a-z]([-a-z0-9]*[a-z0-9])?$"

NAMES_PODS = f"size(self.metadata.name) <= 50 && self.metadata.name.matches({_POD_PREFIX!r})"
NAME_MESSAGE = (
    "metadata.name begins the names of pods and of a Service, so it must be at most 50 lower-case letters, "
    "digits and '-', beginning with a letter and not ending with '-'; choose another name"
)


def names_pods(name: str) -> bool:
    """`NAMES_PODS` in Python: whether pods and a Service can be named after an object of this name."""
    return len(name) <= 50 and re.fullmatch(_POD_PREFIX, name) is not None


class Slice(Model):
    """Blocks of pods that stay together."""

    size: int = Field(
        ge=1,
        le=MOST_MEMBERS,
        json_schema_extra={"format": "int32"},
        description="size is how many pods, in rank order, make a block. At least 1, at most 10000.",
    )
    within: LabelKey = Field(
        description="within is the topology level, a node label's key, of which one domain must hold each "
        "whole block."
    )


class Topology(Model):
    """How close together the pods of one gang have to be."""

    required: LabelKey | None = Field(
        default=None,
        description="required is the topology level, a node label's key such as "
        "topology.powertrain.dev/rack, of which one domain must hold all pods; the gang waits until one "
        "does. Default: none, pods may be anywhere.",
    )
    preferred: LabelKey | None = Field(
        default=None,
        description="preferred is the topology level of which one domain should hold all pods; where none "
        "can, the next wider level is tried. Default: none.",
    )

    slices: Annotated[tuple[Slice, ...], Field(max_length=4)] = Field(
        default=(),
        description="slices keep blocks of pods together: each block of size pods in rank order lies in one "
        "domain of the level within, such as 16 pods that share one rack. Widest level first; each size "
        "divides the one before. At most 4. Default: none.",
    )
    arrange: Literal["packed", "balanced", "spread"] | None = Field(
        default=None,
        description="arrange is how pods are dealt out over domains: packed (the tightest are filled), "
        "balanced (the fewest that are needed, with about equally many pods each) or spread (as many nodes "
        "as there are). Default: packed, or what the scheduler was told.",
    )

    @rule(
        "has(self.required) || has(self.preferred) || size(self.slices) > 0 || has(self.arrange)",
        "topology is empty; set required, preferred, slices or arrange, or leave topology out",
    )
    def asks_for_something(self) -> bool:
        return bool(self.required or self.preferred or self.slices or self.arrange)

    @rule(
        "[1, 2, 3].all(i, i >= size(self.slices) || self.slices[i - 1].size % self.slices[i].size == 0)",
        "slices are not nested; list the widest level first, with sizes that divide one another",
        field="slices",
    )
    def slices_are_nested(self) -> bool:
        return all(
            wider.size % each.size == 0 for wider, each in zip(self.slices, self.slices[1:], strict=False)
        )


class Runtime(Model):
    """How long the work runs once it has started."""

    expected: Duration | None = Field(
        default=None,
        description="expected is how long the work will run, such as 6h. Small work is let ahead of large "
        "work by it, and estimated starts are worked out from it. More than 0s. Default: maximum, else "
        "unknown.",
    )
    maximum: Duration | None = Field(
        default=None,
        description="maximum is how long one attempt may run, such as 24h; it is ended then. More than 0s, not "
        "less than expected. Default: no bound.",
    )

    @rule(
        "!has(self.expected) || self.expected > duration('0s')",
        "expected must be more than 0s; give a longer one, or leave it out",
        field="expected",
    )
    def expects_some_time(self) -> bool:
        return self.expected_seconds is None or self.expected_seconds > 0

    @rule(
        "!has(self.maximum) || self.maximum > duration('0s')",
        "maximum must be more than 0s; give a longer one, or leave it out",
        field="maximum",
    )
    def grants_some_time(self) -> bool:
        return self.maximum_seconds is None or self.maximum_seconds > 0

    @rule(
        "!has(self.expected) || !has(self.maximum) || self.expected <= self.maximum",
        "expected is longer than maximum; lower expected or raise maximum",
        field="expected",
    )
    def expects_no_more_than_the_maximum(self) -> bool:
        if self.expected_seconds is None or self.maximum_seconds is None:
            return True
        return self.expected_seconds <= self.maximum_seconds

    @property
    def expected_seconds(self) -> float | None:
        return time.parse_duration(self.expected) if self.expected else None

    @property
    def maximum_seconds(self) -> float | None:
        return time.parse_duration(self.maximum) if self.maximum else None


class Checkpoint(Model):
    """How the work saves its state."""

    interval: Duration = Field(
        description="interval is how often the work saves its state, such as 30m: when somebody has to be "
        "evicted, those go first that lose least since. More than 0s."
    )

    @rule(
        "self.interval > duration('0s')",
        "interval must be more than 0s; give a longer one, or leave checkpoint out",
        field="interval",
    )
    def takes_some_time(self) -> bool:
        return self.interval_seconds > 0

    @property
    def interval_seconds(self) -> float:
        return time.parse_duration(self.interval)


class Devices(Model):
    """Devices that every pod gets."""

    accelerator: AcceleratorName = Field(
        description="accelerator is the model of device, the accelerator of some AcceleratorPool, such as "
        "h100-sxm or ascend-910b. At most 63 characters. The pool says which resource is requested."
    )
    per_worker: int = Field(
        ge=1,
        le=MOST_DEVICES_A_POD,
        json_schema_extra={"format": "int32"},
        description="perWorker is how many whole devices each pod gets. At least 1, at most 64.",
    )


Objective = Literal["time", "balanced", "energy", "cost"]

Speed = Annotated[float, Field(gt=0, le=1_000_000)]
"""Work a second, relative to the other shapes of the same work."""

MOST_SHAPES = 8

OBJECTIVE = (
    "objective says which of several accelerators or shapes the work gets: time, where it is done first, "
    "waiting included; energy, the least joules per unit of work; cost, the least price per unit of work; "
    "balanced, the least product of time and energy. For energy or cost work ends at most twice as late as "
    "it could. Default: balanced."
)


class Queued(Model):
    """The fields by which work waits for its turn."""

    queue: Name = Field(
        default=DEFAULT_QUEUE,
        description="queue names the Queue whose quota the work uses. Default: default.",
    )
    priority: int = Field(
        default=0,
        ge=-1_000_000,
        le=1_000_000,
        json_schema_extra={"format": "int32"},
        description="priority orders the work of one queue, higher first, and lets it take the place of "
        "preemptible work of lower priority. From -1000000 to 1000000. Default: 0.",
    )
    preemptible: bool = Field(
        default=True,
        description="preemptible allows running work to be evicted, for work of higher priority in its "
        "queue or for a queue that takes back quota it has lent. Default: true.",
    )
    topology: Topology | None = Field(
        default=None,
        description="topology is how close together the pods of one gang have to be. Default: anywhere.",
    )
