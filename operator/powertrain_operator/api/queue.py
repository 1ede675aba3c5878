"""Queue: a tenant's line and its share of the devices; queues form a tree."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from powertrain_operator.api import quantity
from powertrain_operator.api.definition import AGE, Column, Definition
from powertrain_operator.api.fields import AcceleratorName, Count, Duration, Name, Quantity
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


class ResourceQuota(Model):
    """The queue's share of a resource that every node has."""

    resource: Literal["cpu", "memory"] = Field(
        description="resource is what this entry is about: cpu (cores) or memory (bytes)."
    )
    nominal: Quantity = Field(
        description="nominal is how much is the queue's own, such as 64 or 512Gi, to be taken back from "
        "borrowers when needed. It covers all queues below this one."
    )
    borrowing_limit: Quantity | None = Field(
        default=None,
        description="borrowingLimit is how much beyond nominal the queue may hold while others leave it "
        "idle. Default: no bound.",
    )
    lending_limit: Quantity | None = Field(
        default=None,
        description="lendingLimit is how much of its nominal other queues may hold while it leaves it idle. "
        "Not more than nominal. Default: all.",
    )

    @rule(
        "!has(self.lendingLimit) || "
        "quantity(string(self.lendingLimit)).compareTo(quantity(string(self.nominal))) <= 0",
        "lendingLimit is more than nominal; lower lendingLimit or raise nominal",
        field="lendingLimit",
    )
    def lends_no_more_than_it_has(self) -> bool:
        if self.lending_limit is None:
            return True
        return quantity.cpu_milli(self.lending_limit) <= quantity.cpu_milli(self.nominal)


class Preemption(Model):
    """Whom the queue's work may evict to get what it needs."""

    within: Literal["lower", "never"] = Field(
        default="lower",
        description="within is whom it may evict in the queue itself: lower (preemptible work of lower "
        "priority) or never. Default: lower.",
    )
    across: Literal["any", "lower", "never"] = Field(
        default="any",
        description="across is whom it may evict in other queues when it claims what is the queue's own: "
        "any (preemptible work of queues that hold more than theirs), lower (only such of lower priority) "
        "or never. Default: any.",
    )
    borrowing: int | None = Field(
        default=None,
        ge=-1_000_000,
        le=1_000_000,
        json_schema_extra={"format": "int32"},
        description="borrowing lets the queue's work evict borrowers in other queues even while the queue "
        "borrows itself: those of a priority up to this and below its own. From -1000000 to 1000000. "
        "Default: nobody.",
    )


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
    resources: Annotated[tuple[ResourceQuota, ...], Field(max_length=2), Keyed("resource")] = Field(
        default=(),
        description="resources are the queue's shares of CPU and memory, one entry each. What has no entry "
        "is not limited here. Default: none.",
    )
    priority: int = Field(
        default=0,
        ge=-1_000_000,
        le=1_000_000,
        json_schema_extra={"format": "int32"},
        description="priority puts the queue before its siblings of lower priority, whatever anybody's "
        "share. From -1000000 to 1000000. Default: 0.",
    )
    preemption: Preemption = Field(
        default=Preemption(),
        description="preemption is whom the queue's work may evict. Default: lower priority in the queue, "
        "and borrowers elsewhere when claiming what is the queue's own.",
    )
    minimum_runtime: Duration | None = Field(
        default=None,
        description="minimumRuntime is how long work of the queue runs at least before it may be evicted, "
        "such as 10m. Default: that of the queue above, else no time.",
    )
    order: Literal["oldest", "shortest"] = Field(
        default="oldest",
        description="order says who of the queue's own work of one priority is first: oldest; or shortest, by "
        "the time waited over the time that the work will run, so that short work goes ahead and long "
        "work's turn comes all the same. Work that does not say how long it runs counts as a day. "
        "Default: oldest.",
    )
    max_running: Count | None = Field(
        default=None,
        description="maxRunning is how many pod groups of the queue and those below it may hold nodes at "
        "once. At least 0. Default: no bound.",
    )


class QueueUsage(Model):
    """What the queue holds of one model of device."""

    model_config = ConfigDict(extra="ignore")

    accelerator: AcceleratorName = Field(description="accelerator is the model of device.")
    used: Count = Field(description="used is how many devices the queue and those below it hold.")
    borrowed: Count = Field(default=0, description="borrowed is how many of them are beyond nominal.")


class QueuePastUse(Model):
    """What the queue held of one model of device on average over the past, older times counting less."""

    model_config = ConfigDict(extra="ignore")

    accelerator: AcceleratorName = Field(description="accelerator is the model of device.")
    amount: float = Field(ge=0, description="amount is the average number of devices.")


class QueueRuntime(Model):
    """How long an owner's work in this queue really ran over what was said of it."""

    model_config = ConfigDict(extra="ignore")

    owner: Annotated[str, Field(min_length=1, max_length=63)] = Field(description="owner is a namespace.")
    ratio: float = Field(
        ge=0, description="ratio is real time over said time, of recent groups more than of old ones."
    )


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
    past_use: Annotated[tuple[QueuePastUse, ...], Field(max_length=256), Keyed("accelerator")] = Field(
        default=(),
        description="pastUse is what the queue held on average, where the scheduler counts past use.",
    )
    runtimes: Annotated[tuple[QueueRuntime, ...], Field(max_length=128), Keyed("owner")] = Field(
        default=(), description="runtimes corrects what owners say of their work; estimates use it."
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
