"""PodGroup: pods that get nodes together or not at all; what the placement process schedules."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from powertrain_operator.api.definition import AGE, Column, Definition
from powertrain_operator.api.fields import Count, Message, Name, Reason, Timestamp
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.rules import Distinct, rule
from powertrain_operator.api.workload import MOST_MEMBERS, Queued, Runtime

PodGroupPhase = Literal["Pending", "Scheduled"]


class PodGroupSpec(Queued):
    """What the group is to be."""

    min_member: int = Field(
        ge=1,
        le=MOST_MEMBERS,
        json_schema_extra={"format": "int32"},
        description="minMember is how many pods must get nodes together; with fewer, none does. At least "
        "1, at most 10000.",
    )
    runtime: Runtime | None = Field(
        default=None,
        description="runtime is how long the pods run once started. Default: unknown, unbounded.",
    )
    excluded_nodes: Annotated[tuple[Name, ...], Field(max_length=256), Distinct()] = Field(
        default=(),
        description="excludedNodes are nodes that the group must not get, since it failed there. At most "
        "256. Default: none.",
    )


class Evicted(Model):
    """Why the group lost its nodes the last time."""

    model_config = ConfigDict(extra="ignore")

    for_group: str = Field(
        max_length=317, description="forGroup is the PodGroup that got the room, as namespace/name."
    )
    reason: Reason = Field(
        description="reason is Reclaimed (quota taken back) or Preempted (by higher priority in the same "
        "queue)."
    )
    time: Timestamp = Field(description="time is when the pods were told to leave.")
    message: Message | None = Field(default=None, description="message is the same as a sentence.")


class PodGroupStatus(Status):
    """How the group stands. Written by the placement process only."""

    phase: PodGroupPhase | None = Field(
        default=None,
        description="phase is Pending (holds no nodes, or too few) or Scheduled (minMember hold nodes).",
    )
    placed: Count | None = Field(default=None, description="placed is how many pods hold nodes.")
    members: str | None = Field(
        default=None,
        max_length=32,
        description="members is placed pods and minMember as a text, such as 3/4.",
    )
    scheduled_time: Timestamp | None = Field(
        default=None, description="scheduledTime is when minMember pods last came to hold nodes."
    )
    estimated_start: Timestamp | None = Field(
        default=None,
        description="estimatedStart is when the group is expected to start. Absent where the running work "
        "does not say when it ends.",
    )
    evicted: Evicted | None = Field(
        default=None,
        description="evicted is why the group lost its nodes the last time. Absent if it never did.",
    )


class PodGroup(Object[PodGroupSpec, PodGroupStatus]):
    """PodGroup is a number of pods that get nodes together or not at all. Pods join by the label
    powertrain.dev/pod-group and by schedulerName: powertrain."""

    definition: ClassVar[Definition] = Definition(
        plural="podgroups",
        short="ptpg",
        namespaced=True,
        columns=(
            Column("Phase", ".status.phase"),
            Column("Reason", ".status.reason"),
            Column("Placed", ".status.members"),
            Column("Queue", ".spec.queue"),
            Column("Message", ".status.message", wide=True),
            AGE,
        ),
        selectable=(".spec.queue", ".status.phase"),
    )

    kind: Literal["PodGroup"] = "PodGroup"

    @rule(
        "size(self.metadata.name) <= 63",
        "metadata.name is longer than 63 characters, and pods name their group in a label; choose a "
        "shorter name",
        field="metadata.name",
    )
    def has_a_name_that_fits_a_label(self) -> bool:
        return len(self.metadata.name) <= 63
