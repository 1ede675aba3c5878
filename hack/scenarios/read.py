"""Cases from YAML files. Mistakes are collected: one bad case does not keep the others from being tried."""

from pathlib import Path
from typing import TypeVar

import yaml
from powertrain_scheduler.snapshot import (
    NodeTerm,
    PodClass,
    Preemption,
    Requirement,
    Slice,
    SubGroup,
    Taint,
    Toleration,
    Topology,
)

from scenarios import expectations
from scenarios.case import STAGES, STATES, Case, Job, Limits, Node, Pods, Queue
from scenarios.fields import BadField, Fields

T = TypeVar("T", bound=str)

GPU = "nvidia.com/gpu"
ENDLESS = {"gpus": 1 << 40, "cpu": 1 << 55, "memory": 1 << 55}
"""By kind, more than any cluster has, and small enough to be added up."""
QUEUE_PRIORITY = 100
"""Of a queue that does not say."""


class BadFolder(Exception):
    """There is nothing to read; says why."""


def folder(path: Path) -> tuple[list[Case], list[str]]:
    """All cases of the folder's files, and a sentence for each that can't be used.

    Raises BadFolder where there is no such folder or no file in it.
    """
    if not path.is_dir():
        raise BadFolder(f"{path} is not a folder")
    files = sorted(path.glob("*.yaml"))
    if not files:
        raise BadFolder(f"{path} holds no *.yaml")
    cases: list[Case] = []
    complaints: list[str] = []
    for file in files:
        _file(file, cases, complaints)
    return cases, complaints


def _file(file: Path, cases: list[Case], complaints: list[str]) -> None:
    try:
        documents = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        complaints.append(f"{file.name}: {' '.join(str(error).split())}")
        return
    if not isinstance(documents, list):
        complaints.append(f"{file.name}: is not a list of cases")
        return
    known = {case.id for case in cases}
    for number, document in enumerate(documents):
        name = document.get("id") if isinstance(document, dict) else None
        try:
            case = read(document, file.stem)
            if case.id in known:
                raise BadField("id", "another case has it already")
        except BadField as bad:
            complaints.append(f"{file.name}: case {name or f'number {number + 1}'}: {bad}")
            continue
        known.add(case.id)
        cases.append(case)


def read(document: object, family: str) -> Case:
    """One case; raises BadField."""
    fields = Fields(document, "")
    name = fields.text("id")
    for key in ("origin", "says", "note"):
        fields.optional_text(key)
    nodes = tuple(_node(each) for each in fields.parts("nodes"))
    queues = tuple(_queue(each) for each in fields.parts("queues"))
    jobs = tuple(_job(each) for each in fields.parts("jobs"))
    levels = fields.texts("topology")
    expected = fields.part("expect")
    expectation = expectations.read(expected, {node.name for node in nodes}, {job.name for job in jobs})
    case = Case(
        id=name,
        family=family,
        stage=fields.choice("stage", STAGES),
        levels=levels,
        nodes=nodes,
        queues=queues,
        jobs=jobs,
        kind=expectation.kind,
        expected=expectation.jobs,
        interchangeable=expectation.interchangeable,
        prefers=expectation.prefers,
    )
    fields.end()
    _names(case)
    return case


# -- the cluster ------------------------------------------------------------------------------------


def _node(fields: Fields) -> Node:
    node = Node(
        name=fields.text("name"),
        gpus=fields.whole("gpus", 0),
        cpu=fields.amount("cpu", "cpu") if fields.has("cpu") else None,
        memory=fields.amount("memory", "memory") if fields.has("memory") else None,
        max_pods=fields.optional_whole("max_pods"),
        labels=fields.texts_by_name("labels"),
        taints=tuple(_taint(each) for each in fields.parts("taints")),
        ready=fields.flag("ready", True),
        cordoned=fields.flag("unschedulable", False),
    )
    fields.end()
    return node


def _taint(fields: Fields) -> Taint:
    taint = Taint(fields.text("key"), fields.optional_text("value") or "", fields.text("effect"))
    fields.end()
    return taint


def _queue(fields: Fields) -> Queue:
    quota, limit = fields.part("quota"), fields.part("limit")
    kinds = dict.fromkeys([*quota.names(), *limit.names()])
    queue = Queue(
        name=fields.text("name"),
        amounts={kind: Limits(_amount(quota, kind), _amount(limit, kind)) for kind in kinds},
        # A queue that has quota and says nothing of the surplus has no claim to it: it may take what
        # is idle, and gives it back. Without any quota the surplus is all there is to share.
        weight=fields.whole("weight", 0 if fields.has("quota") else 1),
        priority=fields.whole("priority", QUEUE_PRIORITY, least=None),
        parent=fields.optional_text("parent"),
        evicts=_evicts(fields.part("evicts"), shares=fields.has("weight")),
    )
    fields.end()
    return queue


def _amount(fields: Fields, kind: str) -> int | None:
    if not fields.has(kind):
        return None
    if kind not in ENDLESS:
        raise BadField(fields.path(kind), f"is none of {', '.join(ENDLESS)}")
    if fields.unlimited(kind):
        return ENDLESS[kind]
    return fields.whole(kind) if kind == "gpus" else fields.amount(kind, kind)


def _evicts(fields: Fields, shares: bool) -> Preemption:
    """Where queues share by weight, low priority gives no right beyond the share: the peer allows one of both."""
    usual, borrowing = Preemption(), fields.part("borrowing")
    most = borrowing.whole("lower_up_to", least=None) if borrowing.has("lower_up_to") else None
    rules = Preemption(
        within=_one_of(fields, "own", ("lower", "never"), usual.within),
        across=_one_of(fields, "others", ("any", "lower", "never"), usual.across),
        borrowing=None if shares else most,
    )
    borrowing.end()
    fields.end()
    return rules


def _one_of(fields: Fields, key: str, allowed: tuple[T, ...], usual: T) -> T:
    if not fields.has(key):
        return usual
    value = fields.text(key)
    for each in allowed:
        if value == each:
            return each
    raise BadField(fields.path(key), f"{value!r} is none of {', '.join(map(str, allowed))}")


# -- the jobs ---------------------------------------------------------------------------------------


def _job(fields: Fields) -> Job:
    preemptible = fields.flag("preemptible", True)
    listed = list(fields.parts("pods"))
    roles = {each.text("role"): each.optional_whole("min") for each in listed if each.has("role")}
    parts = tuple(_part(each) for each in fields.parts("subgroups"))
    if not parts:
        parts = tuple(SubGroup(name, least) for name, least in roles.items() if least)
    job = Job(
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
    return job


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


# -- names ------------------------------------------------------------------------------------------


def _names(case: Case) -> None:
    """Raises BadField where a name is given twice, or is that of nothing."""
    for what, names in (
        ("nodes", [node.name for node in case.nodes]),
        ("queues", [queue.name for queue in case.queues]),
        ("jobs", [job.name for job in case.jobs]),
    ):
        for name in names:
            if names.count(name) > 1:
                raise BadField(what, f"{name} is there {names.count(name)} times")
    for queue in case.queues:
        _known(f"queue {queue.name}: parent", queue.parent, [each.name for each in case.queues])
    for job in case.jobs:
        _names_of(job, case)


def _names_of(job: Job, case: Case) -> None:
    where, parts = f"job {job.name}", [part.name for part in job.parts]
    _known(f"{where}: queue", job.queue, [queue.name for queue in case.queues])
    for pods in job.pods:
        _known(f"{where}: on", pods.on, [node.name for node in case.nodes])
    for part in job.parts:
        _known(f"{where}: parent of {part.name}", part.parent or None, parts)
    for topology in (job.topology, *(part.topology for part in job.parts)):
        keys = [topology.required, topology.preferred, *(each.within for each in topology.slices)]
        for key in keys:
            _known(f"{where}: topology", key, list(case.levels))


def _known(where: str, name: str | None, names: list[str]) -> None:
    if name is not None and name not in names:
        raise BadField(where, f"{name} is none of {', '.join(names) or 'these: there are none'}")
