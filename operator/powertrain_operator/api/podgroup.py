"""PodGroup: pods that get nodes together or not at all; what the placement process schedules."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from powertrain_operator.api.definition import AGE, Column, Definition
from powertrain_operator.api.fields import Count, DnsLabel, LabelName, Message, Name, Reason, Timestamp
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.podtemplate import PodSpec
from powertrain_operator.api.rules import Distinct, Keyed, rule
from powertrain_operator.api.workload import (
    MOST_MEMBERS,
    MOST_SHAPES,
    OBJECTIVE,
    Checkpoint,
    Objective,
    Queued,
    Runtime,
    Speed,
    Topology,
)

PodGroupPhase = Literal["Pending", "Scheduled"]


MOST_PARTS = 256


class Subgroup(Model):
    """A part of the group, such as a role or a replica, that starts whole or not at all."""

    name: DnsLabel = Field(
        description="name is the part's name; pods say theirs by the label powertrain.dev/subgroup."
    )
    min_member: int = Field(
        default=0,
        ge=0,
        le=MOST_MEMBERS,
        json_schema_extra={"format": "int32"},
        description="minMember is how many pods of the part and of its parts must get nodes together. From "
        "0 to 10000. Default: 0, what its own parts need.",
    )
    parent: DnsLabel | None = Field(
        default=None, description="parent names the part that this one belongs to. Default: the group itself."
    )
    min_subgroups: Count | None = Field(
        default=None,
        description="minSubgroups is how many of its own parts must start. At least 0. Default: all.",
    )
    topology: Topology | None = Field(
        default=None,
        description="topology is how close together the part's pods have to be, inside the domain of the "
        "whole. Default: as the whole.",
    )

    @rule(
        "!has(self.parent) || self.parent != self.name",
        "parent is the part itself; name another part, or leave parent out",
        field="parent",
    )
    def is_not_its_own_parent(self) -> bool:
        return self.parent != self.name


class GroupShape(Model):
    """One way in which the group would run, with pods of its own."""

    name: LabelName = Field(
        description="name is the shape's name; pods say theirs by the label powertrain.dev/shape. At most 63 "
        "characters."
    )
    min_member: int = Field(
        ge=1,
        le=MOST_MEMBERS,
        json_schema_extra={"format": "int32"},
        description="minMember is how many pods must get nodes together in this shape. From 1 to 10000.",
    )
    speed: Speed = Field(
        default=1.0,
        description="speed is the work that the whole group does a second in this shape, relative to its other "
        "shapes. More than 0. Default: 1.",
    )
    pod_spec: PodSpec = Field(
        description="podSpec is that of the shape's pods, as far as it says what they need and where they may "
        "go: containers with their resources, affinity, nodeSelector, tolerations and the like.",
    )


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
    subgroups: Annotated[tuple[Subgroup, ...], Field(max_length=MOST_PARTS), Keyed("name")] = Field(
        default=(),
        description="subgroups are parts with minimums and topology of their own; they nest by parent. At "
        "most 256. Default: none.",
    )
    min_subgroups: Count | None = Field(
        default=None,
        description="minSubgroups is how many of the outermost parts must start. At least 0. Default: all.",
    )
    checkpoint: Checkpoint | None = Field(
        default=None,
        description="checkpoint is how the pods save their state. Default: never, so that all work since the "
        "start is lost with an eviction.",
    )

    shapes: Annotated[tuple[GroupShape, ...], Field(max_length=MOST_SHAPES), Keyed("name")] = Field(
        default=(),
        description="shapes are ways in which the group would run; the placement process says in status.shape "
        "which it is to be, and whoever makes the pods makes them anew for it while they hold no nodes. "
        "runtime.expected is for speed 1. At most 8. Default: only as the pods are.",
    )
    objective: Objective = Field(default="balanced", description=OBJECTIVE)

    @rule(
        "self.subgroups.all(each, !has(each.parent) || self.subgroups.exists(one, one.name == each.parent))",
        "a part of subgroups names a parent that is not among them; add it, or correct the name",
        field="subgroups",
    )
    def parts_have_their_parents(self) -> bool:
        names = {each.name for each in self.subgroups}
        return all(each.parent is None or each.parent in names for each in self.subgroups)


class Evicted(Model):
    """Why the group lost its nodes the last time."""

    model_config = ConfigDict(extra="ignore")

    for_group: str = Field(
        max_length=317, description="forGroup is the PodGroup that got the room, as namespace/name."
    )
    reason: Reason = Field(
        description="reason is Reclaimed (quota taken back), Preempted (by higher priority in the same queue) "
        "or Consolidated (moved to nodes that are held for it)."
    )
    time: Timestamp = Field(description="time is when the pods were told to leave.")
    message: Message | None = Field(default=None, description="message is the same as a sentence.")


class FailingNode(Model):
    """A node on which pods of the group failed."""

    model_config = ConfigDict(extra="ignore")

    node: Name = Field(description="node is the node's name.")
    failures: Count = Field(
        description="failures is how many attempts ended by a pod's failure there. From 2 on the group is kept "
        "away from the node."
    )


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
    nearest: Message | None = Field(
        default=None,
        description="nearest is the nearest change that would let a waiting group start, as a sentence. "
        "Absent where none was found; it is looked for the first groups in line.",
    )
    shape: str | None = Field(
        default=None,
        max_length=63,
        description="shape names the one of spec.shapes that the pods are to be of. Absent where there is no "
        "choice, and before the first.",
    )
    evicted: Evicted | None = Field(
        default=None,
        description="evicted is why the group lost its nodes the last time. Absent if it never did.",
    )
    lost_nodes: Annotated[tuple[Name, ...], Field(max_length=64), Distinct()] = Field(
        default=(),
        description="lostNodes are nodes that no longer report and on which the group has pods. At most 64.",
    )
    failed_nodes: Annotated[tuple[FailingNode, ...], Field(max_length=32), Keyed("node")] = Field(
        default=(),
        description="failedNodes are nodes on which pods of the group failed. At most 32.",
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
