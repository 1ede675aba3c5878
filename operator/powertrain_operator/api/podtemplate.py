"""Pod templates: only what we read or check is modelled; every other pod field is kept as written.

A whole pod schema would make a CRD of a megabyte and lag behind Kubernetes. What is not modelled
here is checked by the API server when the operator creates the pod.
"""

from typing import Annotated, Any

from pydantic import Field

from powertrain_operator.api.fields import LABEL_KEYS, DnsLabel, LabelValue, Quantity
from powertrain_operator.api.meta import Open
from powertrain_operator.api.names import RESERVED_PREFIX, SCHEDULER_NAME
from powertrain_operator.api.rules import Keyed, Rule, rule

_RESERVED = Rule(
    cel=f"self.all(key, !key.startsWith({RESERVED_PREFIX!r}))",
    message=f"keys under {RESERVED_PREFIX} are set by the operator; leave them out",
    holds=lambda labels: not any(key.startswith(RESERVED_PREFIX) for key in labels),
)

AnnotationValue = Annotated[str, Field(max_length=262_144)]
"""Kubernetes' own bound, which is for all annotations of an object together."""

ResourceList = Annotated[dict[str, Quantity], Field(max_length=32)]


class Resources(Open):
    """What one container asks of its node."""

    requests: ResourceList | None = Field(
        default=None,
        description="requests is what is set aside for the container, quantities by resource name such as "
        "cpu or memory. At most 32. Default: limits. Devices need not stand here where the object has "
        "its own devices field.",
    )
    limits: ResourceList | None = Field(
        default=None,
        description="limits is the most the container may use, quantities by resource name. At most 32. "
        "Default: no limit.",
    )


class Container(Open):
    """One container of a pod; fields that are not listed here are kept as written."""

    name: DnsLabel = Field(
        description="name tells the pod's containers apart. A DNS label of at most 63 characters."
    )
    image: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="image is the container image, such as pytorch/pytorch:2.9.1-cuda13.0-cudnn9-runtime. "
        "At most 1024 characters. Default: none, which only an engine that brings its own "
        "image admits.",
    )
    resources: Resources | None = Field(
        default=None, description="resources is what the container asks of its node. Default: nothing."
    )


class PodSpec(Open):
    """A pod's spec; fields that are not listed here are kept as written."""

    containers: Annotated[tuple[Container, ...], Field(min_length=1, max_length=32), Keyed("name")] = Field(
        description="containers run beside each other, told apart by name. At least 1, at most 32.",
    )
    init_containers: Annotated[tuple[Container, ...], Field(max_length=32), Keyed("name")] | None = Field(
        default=None,
        description="initContainers run to their end before the containers start. At most 32. Default: none.",
    )
    node_name: str | None = Field(
        default=None,
        max_length=253,
        description="nodeName must be left out: nodes are chosen by the scheduler.",
    )
    scheduler_name: str | None = Field(
        default=None,
        max_length=253,
        description="schedulerName, where given, must be powertrain. Default: powertrain.",
    )
    restart_policy: str | None = Field(
        default=None,
        max_length=16,
        description="restartPolicy says what the kubelet does when a container ends. Default: what the kind "
        "of object needs.",
    )

    @rule(
        "!has(self.nodeName) || size(self.nodeName) == 0",
        "nodeName would go past the scheduler; leave it out, or choose nodes by nodeSelector or affinity",
        field="nodeName",
    )
    def leaves_the_node_to_the_scheduler(self) -> bool:
        return not self.node_name

    @rule(
        f"!has(self.schedulerName) || self.schedulerName == {SCHEDULER_NAME!r}",
        f"schedulerName must be {SCHEDULER_NAME}; leave it out",
        field="schedulerName",
    )
    def leaves_scheduling_to_us(self) -> bool:
        return self.scheduler_name in (None, SCHEDULER_NAME)


class TemplateMetadata(Open):
    """What is put on the pods beside what the operator sets."""

    labels: Annotated[dict[str, LabelValue], Field(max_length=64), LABEL_KEYS, _RESERVED] | None = Field(
        default=None,
        description="labels are put on every pod. At most 64; keys under powertrain.dev/ are the "
        "operator's. Default: none.",
    )
    annotations: Annotated[dict[str, AnnotationValue], Field(max_length=128)] | None = Field(
        default=None, description="annotations are put on every pod. At most 128. Default: none."
    )


class PodTemplate(Open):
    """What every pod is made from."""

    metadata: TemplateMetadata | None = Field(
        default=None, description="metadata is put on the pods: labels and annotations. Default: none."
    )
    spec: PodSpec = Field(description="spec is the pods' spec, in the shape of a Kubernetes pod's.")

    def has_images(self) -> bool:
        """Whether every container says its image."""
        return all(container.image for container in self.spec.containers)


HAS_IMAGES = "spec.containers.all(container, has(container.image))"
"""`PodTemplate.has_images` in CEL, to be put behind a path."""


def pod_manifest(template: PodTemplate) -> dict[str, Any]:
    """`metadata` (labels, annotations) and `spec` of a pod, exactly as the template's author wrote them."""
    return template.model_dump(by_alias=True, exclude_unset=True, mode="json")
