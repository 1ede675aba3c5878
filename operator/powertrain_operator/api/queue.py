"""Queue: a tenant's line and its share of the devices; queues form a tree."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from powertrain_operator.api.definition import AGE, Column, Definition
from powertrain_operator.api.fields import AcceleratorName, Count, Name
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.rules import Keyed, rule

QueuePhase = Literal["Ready", "Invalid"]


class Quota(Model):
    """The queue's share of one model of device."""

    accelerator: AcceleratorName = Field(
        description="accelerator is the model of device this entry is about, such as h100-sxm."
    )
    nominal: Count = Field(
        description="nominal is how many devices are the queue's own, to be taken back from borrowers when "
        "needed. It covers all queues below this one. At least 0."
    )
    borrowing_limit: Count | None = Field(
        default=None,
        description="borrowingLimit is how many devices beyond nominal the queue may hold while others "
        "leave them idle. At least 0. Default: no bound.",
    )
    lending_limit: Count | None = Field(
        default=None,
        description="lendingLimit is how many of its nominal devices other queues may hold while it leaves "
        "them idle. At least 0, not more than nominal. Default: all.",
    )

    @rule(
        "!has(self.lendingLimit) || self.lendingLimit <= self.nominal",
        "lendingLimit is more than nominal; lower lendingLimit or raise nominal",
        field="lendingLimit",
    )
    def lends_no_more_than_it_has(self) -> bool:
        return self.lending_limit is None or self.lending_limit <= self.nominal


class QueueSpec(Model):
    """What the queue may use."""

    parent: Name | None = Field(
        default=None,
        description="parent names the Queue that this one is a part of; its quota covers this one too. "
        "Default: none.",
    )
    weight: int = Field(
        default=1,
        ge=0,
        le=1000,
        json_schema_extra={"format": "int32"},
        description="weight is the queue's share of what nobody owns or uses, against the weights of the "
        "queues beside it. From 0 to 1000. Default: 1.",
    )
    quotas: Annotated[tuple[Quota, ...], Field(max_length=64), Keyed("accelerator")] = Field(
        default=(),
        description="quotas are the queue's shares, one entry a model of device. Models without an entry "
        "are not limited here. At most 64. Default: none.",
    )


class QueueUsage(Model):
    """What the queue holds of one model of device."""

    model_config = ConfigDict(extra="ignore")

    accelerator: AcceleratorName = Field(description="accelerator is the model of device.")
    used: Count = Field(description="used is how many devices the queue and those below it hold.")
    borrowed: Count = Field(default=0, description="borrowed is how many of them are beyond nominal.")


class QueueStatus(Status):
    """How the queue stands. Written by the placement process only."""

    phase: QueuePhase | None = Field(
        default=None, description="phase is Ready or Invalid (message says what is wrong; its groups wait)."
    )
    usage: Annotated[tuple[QueueUsage, ...], Field(max_length=256), Keyed("accelerator")] = Field(
        default=(), description="usage is what the queue holds, one entry a model of device."
    )
    running_groups: Count | None = Field(
        default=None, description="runningGroups is how many pod groups of this queue hold nodes."
    )
    waiting_groups: Count | None = Field(
        default=None, description="waitingGroups is how many pod groups of this queue wait."
    )


class Queue(Object[QueueSpec, QueueStatus]):
    """Queue is a tenant's line and its share of the devices. Work that names no queue is in the queue
    called default."""

    definition: ClassVar[Definition] = Definition(
        plural="queues",
        short="ptq",
        namespaced=False,
        columns=(
            Column("Parent", ".spec.parent"),
            Column("Running", ".status.runningGroups", "integer"),
            Column("Waiting", ".status.waitingGroups", "integer"),
            Column("Phase", ".status.phase"),
            Column("Message", ".status.message", wide=True),
            AGE,
        ),
    )

    kind: Literal["Queue"] = "Queue"
    spec: QueueSpec = Field(
        default=QueueSpec(), description="spec is what the queue may use. Default: no quota."
    )

    @rule(
        "!has(self.spec.parent) || self.spec.parent != self.metadata.name",
        "parent is the queue itself; name another queue, or leave parent out",
        field="spec.parent",
    )
    def is_not_its_own_parent(self) -> bool:
        return self.spec.parent != self.metadata.name
