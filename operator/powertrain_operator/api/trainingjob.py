"""TrainingJob: one gang of workers that runs to its end, restarted as a whole when one fails."""

from operator import attrgetter
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from powertrain_operator.api import time
from powertrain_operator.api.definition import AGE, Column, Definition
from powertrain_operator.api.fields import Count, Duration, LabelName, Name, Timestamp
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.podtemplate import HAS_IMAGES, PodTemplate
from powertrain_operator.api.rules import Keyed, Rule, rule
from powertrain_operator.api.workload import (
    MOST_MEMBERS,
    MOST_SHAPES,
    NAME_MESSAGE,
    NAMES_PODS,
    OBJECTIVE,
    Checkpoint,
    Devices,
    Objective,
    Queued,
    Runtime,
    Speed,
    names_pods,
)

Framework = Literal["pytorch", "jax", "mindspore", "custom"]
SuccessPolicy = Literal["AllWorkers", "RankZero"]
TrainingJobPhase = Literal[
    "Queued",
    "Placing",
    "Starting",
    "Running",
    "Restarting",
    "Suspended",
    "Succeeded",
    "Failed",
    "Invalid",
]


class Workers(Model):
    """The workers of the gang, all alike."""

    replicas: int = Field(
        ge=1,
        le=MOST_MEMBERS,
        json_schema_extra={"format": "int32"},
        description="replicas is the number of workers, one pod each; all start together or none does. At "
        "least 1, at most 10000. Cannot be changed unless the job is suspended.",
    )
    template: PodTemplate = Field(
        description="template is what every worker's pod is made from. Each container needs an image. "
        "Cannot be changed unless the job is suspended."
    )

    @rule(
        f"self.template.{HAS_IMAGES}",
        "template has a container without image; give each container an image",
        field="template.spec.containers",
    )
    def name_their_images(self) -> bool:
        return self.template.has_images()

    @rule(
        "!has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy == 'Never'",
        "restartPolicy must be Never, since a failed gang restarts as a whole; leave it out and use "
        "failurePolicy",
        field="template.spec.restartPolicy",
    )
    def restart_only_as_a_gang(self) -> bool:
        return self.template.spec.restart_policy in (None, "Never")


class Shape(Devices):
    """One way in which the job would run: so many workers with so many devices of a model."""

    name: LabelName | None = Field(
        default=None,
        description="name tells the shapes of the job apart. At most 63 characters. Default: accelerator.",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=MOST_MEMBERS,
        json_schema_extra={"format": "int32"},
        description="workers is the number of workers in this shape. From 1 to 10000. Default: "
        "workers.replicas.",
    )
    speed: Speed = Field(
        default=1.0,
        description="speed is the work that the whole job does a second in this shape, relative to its other "
        "shapes. More than 0. Default: 1.",
    )

    @property
    def title(self) -> str:
        """The name, given or not."""
        return self.name or self.accelerator


_TITLE = "(has({0}.name) ? {0}.name : {0}.accelerator)"
_TITLES_DIFFER = Rule(
    cel=f"self.all(one, self.exists_one(other, {_TITLE.format('other')} == {_TITLE.format('one')}))",
    message="two of devices have the same name, or the same accelerator and no name; give each a name of its own",
    holds=lambda shapes: len({shape.title for shape in shapes}) == len(shapes),
)


class Backoff(Model):
    """How long a restart waits."""

    initial: Duration = Field(
        default="10s",
        description="initial is the wait before the first restart; it doubles with each further one. More "
        "than 0s, not more than maximum. Default: 10s.",
    )
    maximum: Duration = Field(
        default="5m",
        description="maximum is the longest wait before a restart. Not less than initial. Default: 5m.",
    )

    @rule(
        "self.initial > duration('0s')",
        "initial must be more than 0s; give a longer one",
        field="initial",
    )
    def waits_at_all(self) -> bool:
        return self.initial_seconds > 0

    @rule(
        "self.initial <= self.maximum",
        "initial is longer than maximum; lower initial or raise maximum",
        field="initial",
    )
    def starts_within_the_maximum(self) -> bool:
        return self.initial_seconds <= self.maximum_seconds

    @property
    def initial_seconds(self) -> float:
        return time.parse_duration(self.initial)

    @property
    def maximum_seconds(self) -> float:
        return time.parse_duration(self.maximum)


class FailurePolicy(Model):
    """What happens when a worker fails."""

    max_restarts: int = Field(
        default=3,
        ge=0,
        le=1000,
        json_schema_extra={"format": "int32"},
        description="maxRestarts is how often the whole gang is started again after a worker failed; then "
        "the job is Failed. Evictions do not count. From 0 to 1000. Default: 3.",
    )
    backoff: Backoff = Field(
        default=Backoff(),
        description="backoff is how long a restart waits. Default: 10s, doubling, up to 5m.",
    )


def _fixed_while_it_runs(path: str, *, optional: bool = False) -> Rule:
    """What the running gang was made from: to be changed, the job has to be suspended before or thereby.

    For the template CEL has a hole: where one pod field that our schema does not list is put in
    another's place (affinity for tolerations), the API server takes the two templates as equal, since
    it compares such a field only where both have it. The operator notices by `status.templateHash`.
    """
    new, old, read = f"self.{path}", f"oldSelf.{path}", attrgetter(path)
    same = f"{new} == {old}"
    if optional:
        same = f"has({new}) == has({old}) && (!has({new}) || {same})"
    return Rule(
        cel=f"self.suspend || oldSelf.suspend || ({same})",
        message=f"{path} cannot be changed while the job is not suspended; set suspend: true first",
        holds=lambda new, old: new.suspend or old.suspend or read(new) == read(old),
        field=path,
    )


class TrainingJobSpec(Queued):
    """What the job is to be."""

    update_rules: ClassVar[tuple[Rule, ...]] = (
        _fixed_while_it_runs("queue"),
        _fixed_while_it_runs("framework"),
        _fixed_while_it_runs("workers.replicas"),
        _fixed_while_it_runs("workers.template"),
        _fixed_while_it_runs("devices"),
        _fixed_while_it_runs("topology", optional=True),
    )

    framework: Framework = Field(
        description="framework decides the launch environment of the workers: pytorch (PET_* and MASTER_*, "
        "for torchrun), jax (JAX_*, for jax.distributed), mindspore (MS_*, for msrun), custom "
        "(only ranks and addresses). Cannot be changed unless the job is suspended."
    )
    workers: Workers = Field(description="workers are the pods of the gang, all alike.")
    devices: Annotated[tuple[Shape, ...], Field(max_length=MOST_SHAPES), _TITLES_DIFFER] = Field(
        default=(),
        description="devices is what every worker gets: nothing for work on CPUs, or the shapes in which the "
        "job would run, of which it gets the one that serves its objective best. At most 8. Cannot be "
        "changed unless the job is suspended. Default: none.",
    )
    objective: Objective = Field(default="balanced", description=OBJECTIVE)
    runtime: Runtime | None = Field(
        default=None,
        description="runtime is how long the job runs once started, expected in a shape of speed 1. "
        "Default: unknown, unbounded.",
    )
    checkpoint: Checkpoint | None = Field(
        default=None,
        description="checkpoint is how the job saves its state. Default: never, so that all work since the "
        "start is lost with an eviction.",
    )
    failure_policy: FailurePolicy = Field(
        default=FailurePolicy(),
        description="failurePolicy is what happens when a worker fails. Default: 3 restarts of the whole "
        "gang.",
    )
    success_policy: SuccessPolicy = Field(
        default="AllWorkers",
        description="successPolicy says when the job has succeeded: AllWorkers, when every worker ended "
        "with exit code 0; RankZero, when worker 0 did, and the others are stopped then. "
        "Default: AllWorkers.",
    )
    suspend: bool = Field(
        default=False,
        description="suspend keeps the job from running: its pods are deleted, its devices given back, and "
        "it starts anew when set to false. Default: false.",
    )
    ttl_seconds_after_finished: Count | None = Field(
        default=None,
        description="ttlSecondsAfterFinished is how many seconds after its end the job and its pods are "
        "deleted. At least 0. Default: never.",
    )


class FailedNode(Model):
    """A node on which workers of this job failed."""

    model_config = ConfigDict(extra="ignore")

    node: Name = Field(description="node is the node's name.")
    failures: Count = Field(
        description="failures is how many attempts ended by a worker's failure there. From 2 on the job is "
        "kept away from the node."
    )


class TrainingJobStatus(Status):
    """How the job stands. Written by the operator only."""

    phase: TrainingJobPhase | None = Field(
        default=None,
        description="phase is where the job stands: Queued (waits for its turn or for room), Placing "
        "(nodes are being given), Starting (all workers have nodes, some do not run yet), "
        "Running, Restarting (waits for the next attempt), Suspended, Succeeded, Failed, "
        "Invalid (message says what is wrong with the spec).",
    )
    attempt: Count | None = Field(
        default=None, description="attempt numbers the present start of the whole gang, from 0."
    )
    restarts: Count | None = Field(
        default=None, description="restarts is how often the gang was started again after a failure."
    )
    restart_at: Timestamp | None = Field(
        default=None, description="restartAt is when the next attempt begins. Absent unless Restarting."
    )
    ready: Count | None = Field(default=None, description="ready is how many workers run and are ready.")
    workers: str | None = Field(
        default=None, max_length=32, description="workers is ready and wanted workers as a text, such as 3/4."
    )
    shape: str | None = Field(
        default=None,
        max_length=63,
        description="shape names the one of devices that the workers are made for. Absent where there is no "
        "choice.",
    )
    estimated_start: Timestamp | None = Field(
        default=None,
        description="estimatedStart is when the job is expected to start. Absent where the running work "
        "does not say when it ends.",
    )
    start_time: Timestamp | None = Field(
        default=None, description="startTime is when all workers of the first attempt ran."
    )
    completion_time: Timestamp | None = Field(
        default=None, description="completionTime is when the job succeeded or failed for good."
    )
    nodes: tuple[Name, ...] = Field(
        default=(),
        max_length=64,
        description="nodes are the first 64 of the nodes that the workers hold.",
    )
    node_count: Count | None = Field(
        default=None, description="nodeCount is how many nodes the workers hold, those not listed included."
    )
    failed_nodes: Annotated[tuple[FailedNode, ...], Field(max_length=64), Keyed("node")] = Field(
        default=(),
        description="failedNodes are the nodes on which attempts of this job failed, with how often.",
    )
    template_hash: str | None = Field(
        default=None,
        max_length=64,
        description="templateHash tells which template the present attempt was made from.",
    )


class TrainingJob(Object[TrainingJobSpec, TrainingJobStatus]):
    """TrainingJob is one gang of workers that trains a model and runs to its end."""

    definition: ClassVar[Definition] = Definition(
        plural="trainingjobs",
        short="ptj",
        namespaced=True,
        columns=(
            Column("Phase", ".status.phase"),
            Column("Reason", ".status.reason"),
            Column("Ready", ".status.workers"),
            Column("Queue", ".spec.queue"),
            Column("Start", ".status.startTime", "date"),
            Column("Shape", ".status.shape", wide=True),
            Column("Restarts", ".status.restarts", "integer", wide=True),
            Column("Message", ".status.message", wide=True),
            AGE,
        ),
        selectable=(".spec.queue", ".status.phase"),
    )

    kind: Literal["TrainingJob"] = "TrainingJob"

    @rule(NAMES_PODS, NAME_MESSAGE, field="metadata.name")
    def has_a_name_that_fits_its_pods(self) -> bool:
        return names_pods(self.metadata.name)
