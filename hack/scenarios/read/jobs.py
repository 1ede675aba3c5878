"""Jobs of a case and their pods, read from its fields."""

from powertrain_scheduler.snapshot import (
    NodeTerm,
    PodClass,
    Requirement,
    Slice,
    SubGroup,
    Toleration,
    Topology,
)

from scenarios.case import STATES, Job, Pods
from scenarios.read.fields import BadField, Fields

GPU = "nvidia.com/gpu"


def job(fields: Fields) -> Job:
    preemptible = fields.flag("preemptible", True)
    listed = list(fields.parts("pods"))
    roles = {each.text("role"): each.optional_whole("min") for each in listed if each.has("role")}
    parts = tuple(_part(each) for each in fields.parts("subgroups"))
    if not parts:
        parts = tuple(SubGroup(name, least) for name, least in roles.items() if least)
    found = Job(
        name=fields.text("name"),
        queue=fields.optional_text("queue"),
        priority=fields.whole("priority", 0, least=None),
        preemptible=preemptible,
        created=fields.number("created", 0),
        least=fields.optional_whole("min"),
        pods=tuple(_pods(each, preemptible) for each in listed),
        parts=parts,
        min_subgroups=fields.optional_whole("min_subgroups"),
        topology=_topology(fields.part("topology")),
        runtime=fields.number("runtime") if fields.has("runtime") else None,
    )
    fields.end()
    return found


def _part(fields: Fields) -> SubGroup:
    part = SubGroup(
        name=fields.text("name"),
        min_member=fields.whole("min", 0),
        parent=fields.optional_text("parent") or "",
        min_subgroups=fields.optional_whole("min_subgroups"),
        topology=_topology(fields.part("topology")),
    )
    fields.end()
    return part


def _topology(fields: Fields) -> Topology:
    topology = Topology(
        required=fields.optional_text("required"),
        preferred=fields.optional_text("preferred"),
        slices=tuple(_slice(each) for each in fields.parts("slices")),
    )
    fields.end()
    return topology


def _slice(fields: Fields) -> Slice:
    found = Slice(fields.whole("size", least=1), fields.text("within"))
    fields.end()
    return found


def _pods(fields: Fields, preemptible: bool) -> Pods:
    role = fields.optional_text("role") or ""
    pods = Pods(
        count=fields.whole("count"),
        pod_class=_pod_class(fields),
        part=fields.optional_text("subgroup") or role,
        on=fields.optional_text("on"),
        device=fields.optional_text("device") or "",
        state=fields.choice("state", STATES) if fields.has("state") else STATES[0],
        preemptible=fields.flag("preemptible", preemptible),
        priority=fields.whole("pod_priority", 0, least=None),
    )
    fields.end()
    return pods


def _pod_class(fields: Fields) -> PodClass:
    devices = fields.thousandths("gpus") if fields.has("gpus") else 0
    if devices > 1000 and devices % 1000:
        raise BadField(fields.path("gpus"), "is more than one device and not a whole number of them")
    amounts = {
        "pods": 1,
        "cpu": fields.amount("cpu", "cpu", 0),
        "memory": fields.amount("memory", "memory", 0),
        GPU: devices // 1000,
    }
    only_on = fields.texts("only_on")
    there = (NodeTerm(fields=(Requirement("metadata.name", "In", only_on),)),) if only_on else ()
    return PodClass(
        request=tuple(sorted((resource, amount) for resource, amount in amounts.items() if amount)),
        node_terms=there,
        node_selector=tuple(sorted(fields.texts_by_name("node_selector").items())),
        tolerations=tuple(_toleration(each) for each in fields.parts("tolerations")),
        share=(GPU, devices) if devices % 1000 else None,
    )


def _toleration(fields: Fields) -> Toleration:
    toleration = Toleration(
        key=fields.optional_text("key") or "",
        operator=fields.optional_text("operator") or "Equal",
        value=fields.optional_text("value") or "",
        effect=fields.optional_text("effect") or "",
    )
    fields.end()
    return toleration
