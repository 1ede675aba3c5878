"""InferenceService: a model served by replicas, each a gang of one or several pods, behind one Service."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from powertrain_operator.api.definition import AGE, Column, Definition, Scale
from powertrain_operator.api.fields import Count, Timestamp
from powertrain_operator.api.meta import Model, Object, Status
from powertrain_operator.api.podtemplate import HAS_IMAGES, PodTemplate
from powertrain_operator.api.rules import rule
from powertrain_operator.api.workload import NAME_MESSAGE, NAMES_PODS, Devices, Queued, names_pods

Engine = Literal["vllm", "custom"]
InferenceServicePhase = Literal["Pending", "Starting", "Ready", "Degraded", "Suspended", "Invalid"]

Argument = Annotated[str, Field(max_length=4096)]


class ServedModel(Model):
    """The model that is served."""

    name: str = Field(
        min_length=1,
        max_length=253,
        description="name is the model's name as clients ask for it, such as Qwen/Qwen2.5-7B-Instruct. At "
        "most 253 characters.",
    )
    uri: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="uri is where the engine loads the model from: a Hugging Face name or a path in the "
        "container. At most 1024 characters. Default: name.",
    )


class Parallelism(Model):
    """How one replica is spread over devices and pods."""

    tensor: int = Field(
        default=1,
        ge=1,
        le=64,
        json_schema_extra={"format": "int32"},
        description="tensor is over how many devices each layer is split. From 1 to 64. Default: 1.",
    )
    pipeline: int = Field(
        default=1,
        ge=1,
        le=64,
        json_schema_extra={"format": "int32"},
        description="pipeline is over how many stages the layers are spread. From 1 to 64. Default: 1.",
    )
    nodes: int = Field(
        default=1,
        ge=1,
        le=64,
        json_schema_extra={"format": "int32"},
        description="nodes is how many pods, each on a node of its own choosing, make up one replica; they "
        "start together or not at all, and the first of them, the leader, answers requests. "
        "From 1 to 64. Default: 1.",
    )


class Rollout(Model):
    """How replicas are replaced when the spec changes."""

    max_unavailable: int = Field(
        default=1,
        ge=1,
        le=1000,
        json_schema_extra={"format": "int32"},
        description="maxUnavailable is how many replicas may be missing while others are replaced. From 1 "
        "to 1000. Default: 1.",
    )


class InferenceServiceSpec(Queued):
    """What the service is to be."""

    replicas: int = Field(
        default=1,
        ge=0,
        le=1000,
        json_schema_extra={"format": "int32"},
        description="replicas is how many copies of the model serve; kubectl scale sets it. From 0 to "
        "1000. Default: 1.",
    )
    model: ServedModel = Field(description="model is the model that is served.")
    engine: Engine = Field(
        description="engine is what serves the model: vllm (its command line and probes are made from this "
        "spec) or custom (template says everything)."
    )
    args: tuple[Argument, ...] = Field(
        default=(),
        max_length=64,
        description="args are put at the end of vllm's command line, such as --max-model-len=8192. At most "
        "64, each of at most 4096 characters. Must be empty for engine custom. Default: none.",
    )
    parallelism: Parallelism = Field(
        default=Parallelism(),
        description="parallelism is how one replica is spread over devices and pods. Default: one device, "
        "one pod.",
    )
    devices: tuple[Devices, ...] = Field(
        default=(),
        max_length=1,
        description="devices is what every pod of a replica gets: one entry, or none to serve on CPUs. For "
        "engine vllm perWorker x parallelism.nodes must equal parallelism.tensor x "
        "parallelism.pipeline. At most 1. Default: none.",
    )
    template: PodTemplate | None = Field(
        default=None,
        description="template is what every pod is made from. Required for engine custom, with an image in "
        "each container. For engine vllm its first container is the engine's, and what it "
        "leaves out is filled in. Default: for vllm, its public image.",
    )
    port: int = Field(
        default=8000,
        ge=1,
        le=65535,
        json_schema_extra={"format": "int32"},
        description="port is where the engine listens and the Service answers. From 1 to 65535. Default: "
        "8000.",
    )
    suspend: bool = Field(
        default=False,
        description="suspend removes all pods and gives their devices back, keeping the Service and its "
        "address, until set to false. Default: false.",
    )
    rollout: Rollout = Field(
        default=Rollout(),
        description="rollout is how replicas are replaced when the spec changes. Default: one by one.",
    )

    @rule(
        "self.engine != 'custom' || has(self.template)",
        "template is required for engine custom; add template, or use engine vllm",
        field="template",
    )
    def has_the_template_it_needs(self) -> bool:
        return self.engine != "custom" or self.template is not None

    @rule(
        f"self.engine != 'custom' || !has(self.template) || self.template.{HAS_IMAGES}",
        "template has a container without image; give each container an image",
        field="template",
    )
    def has_the_images_it_needs(self) -> bool:
        return self.engine != "custom" or self.template is None or self.template.has_images()

    @rule(
        "self.engine != 'custom' || size(self.args) == 0",
        "args belong to engine vllm; for engine custom put them into template.spec.containers",
        field="args",
    )
    def has_args_only_for_vllm(self) -> bool:
        return self.engine != "custom" or not self.args

    @rule(
        "self.engine != 'vllm' || size(self.devices) == 0 || self.parallelism.tensor * "
        "self.parallelism.pipeline == self.devices[0].perWorker * self.parallelism.nodes",
        "parallelism.tensor x parallelism.pipeline must equal devices[0].perWorker x parallelism.nodes; "
        "change one of them",
        field="parallelism",
    )
    def spreads_over_all_its_devices(self) -> bool:
        if self.engine != "vllm" or not self.devices:
            return True
        wanted = self.parallelism.tensor * self.parallelism.pipeline
        return wanted == self.devices[0].per_worker * self.parallelism.nodes


class InferenceServiceStatus(Status):
    """How the service stands. Written by the operator only."""

    phase: InferenceServicePhase | None = Field(
        default=None,
        description="phase is where the service stands: Pending (nothing is ready, replicas wait for "
        "room), Starting, Ready (all wanted replicas are), Degraded (some are), Suspended, "
        "Invalid (message says what is wrong with the spec).",
    )
    replicas: Count | None = Field(default=None, description="replicas is how many replicas have pods.")
    ready_replicas: Count | None = Field(
        default=None, description="readyReplicas is how many replicas answer requests."
    )
    updated_replicas: Count | None = Field(
        default=None, description="updatedReplicas is how many replicas were made from the present spec."
    )
    ready: str | None = Field(
        default=None, max_length=32, description="ready is ready and wanted replicas as a text, such as 2/3."
    )
    selector: str | None = Field(
        default=None,
        max_length=512,
        description="selector picks the leader pods, one a replica, for autoscalers.",
    )
    url: str | None = Field(
        default=None, max_length=512, description="url is where the service answers inside the cluster."
    )
    estimated_start: Timestamp | None = Field(
        default=None,
        description="estimatedStart is when the next waiting replica is expected to start. Absent where "
        "the running work does not say when it ends.",
    )


class InferenceService(Object[InferenceServiceSpec, InferenceServiceStatus]):
    """InferenceService is a model served by replicas behind one address."""

    definition: ClassVar[Definition] = Definition(
        plural="inferenceservices",
        short="pis",
        namespaced=True,
        columns=(
            Column("Phase", ".status.phase"),
            Column("Reason", ".status.reason"),
            Column("Ready", ".status.ready"),
            Column("URL", ".status.url"),
            Column("Message", ".status.message", wide=True),
            AGE,
        ),
        scale=Scale(wanted=".spec.replicas", current=".status.replicas", selector=".status.selector"),
        selectable=(".spec.queue", ".status.phase"),
    )

    kind: Literal["InferenceService"] = "InferenceService"

    @rule(NAMES_PODS, NAME_MESSAGE, field="metadata.name")
    def has_a_name_that_fits_its_pods(self) -> bool:
        return names_pods(self.metadata.name)
