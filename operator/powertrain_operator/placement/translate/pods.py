"""A pod as placement knows it: what it takes, where it may go, whose member it is.

A `PodFact` holds only what a decision can depend on, so that an event that changes nothing here
(a container became ready) compares equal and costs no decision.
"""

import sys
from operator import attrgetter

import msgspec
from powertrain_scheduler.snapshot import PodClass

from powertrain_operator.api.names import (
    LABEL_POD_GROUP,
    LABEL_RANK,
    LABEL_SHAPE,
    LABEL_SUBGROUP,
    SCHEDULER_NAME,
)

from .. import names
from . import constraints
from .company import Company, company
from .requests import Allocated, allocated, effective_request
from .views import Pod, PodSpec

_FINISHED = ("Succeeded", "Failed")
_LAST = sys.maxsize
_of_class = attrgetter(
    "containers",
    "init_containers",
    "node_selector",
    "affinity",
    "tolerations",
    "resource_claims",
    "overhead",
    "resources",
    "host_network",
)
"""Fields of the spec that class and `constraints.unsupported` are made from; most pods keep them for life."""


class PodFact(msgspec.Struct, frozen=True, gc=False):
    """One unfinished pod that is ours to place, or that anyone placed on a node."""

    key: str
    """`namespace/name`."""
    uid: str
    pod_class: PodClass
    group: str = ""
    """The group it is a member of; empty for pods of other schedulers."""
    node: str = ""
    """Empty while it waits."""
    leaving: bool = False
    gated: bool = False
    rank: int = _LAST
    created: float = 0.0
    started: float | None = None
    """When its node's kubelet took it up; only read of plain pods."""
    priority: int = 0
    queue: str = ""
    """Priority and queue are the plain pod's own; a member's are its PodGroup's."""
    claims: tuple[str, ...] = ()
    device: str = ""
    """Name of the device it has a share of."""
    shape: str = ""
    """The shape of its group that it was made for; empty where nobody says."""
    subgroup: str = ""
    """The part of its group that it is in."""
    labels: dict[str, str] = {}
    company: Company | None = None
    """What it asks of other pods; None: nothing."""
    trouble: str = ""
    """Why it cannot be placed at all, as the end of a sentence; empty where it can."""


def is_finished(pod: Pod) -> bool:
    """Whether it holds nothing any more, though the object is still there."""
    return pod.status.phase in _FINISHED


def has_succeeded(pod: Pod) -> bool:
    """Whether it ended well."""
    return pod.status.phase == "Succeeded"


def has_failed(pod: Pod) -> bool:
    """Whether it ended otherwise than well."""
    return pod.status.phase == "Failed"


def pod_fact(pod: Pod, key: str, pod_class: PodClass, trouble: str = "") -> PodFact | None:
    """What placement has to know of it; None where that is nothing.

    Nothing is to know of finished pods, of other schedulers' pods that wait for a node, and of
    pods that are being deleted before they got one.
    """
    meta, spec = pod.metadata, pod.spec
    ours = spec.scheduler_name == SCHEDULER_NAME
    leaving = meta.deletion_timestamp is not None
    if is_finished(pod) or (not spec.node_name and (leaving or not ours)):
        return None
    asks = company(meta, spec, ours)
    if not ours:
        return PodFact(
            key,
            meta.uid,
            pod_class,
            node=spec.node_name,
            leaving=leaving,
            labels=meta.labels,
            company=asks,
        )
    member = meta.labels.get(LABEL_POD_GROUP)
    started = pod.status.start_time
    return PodFact(
        key=key,
        uid=meta.uid,
        pod_class=pod_class,
        group=names.key(meta.namespace, member) if member else names.alone(meta.namespace, meta.name),
        node=spec.node_name,
        leaving=leaving,
        gated=bool(spec.scheduling_gates) and not spec.node_name,
        rank=_rank(meta.labels.get(LABEL_RANK, "")),
        created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else 0.0,
        started=started.timestamp() if started and not member else None,
        priority=0 if member else spec.priority,
        queue="" if member else names.queue_of(meta.labels),
        claims=constraints.claims(meta.namespace, meta.name, spec) if spec.volumes else (),
        device=meta.annotations.device if spec.node_name and pod_class.share is not None else "",
        shape=meta.labels.get(LABEL_SHAPE, "") if member else "",
        subgroup=meta.labels.get(LABEL_SUBGROUP, "") if member else "",
        labels=meta.labels,
        company=asks,
        trouble=trouble,
    )


def pod_class(spec: PodSpec, share: tuple[str, int] | None = None, held: Allocated = ()) -> PodClass:
    """Its class; `share` is the part of a device it asks for, `held` what it holds beside what the spec says.

    Raises ValueError where a quantity cannot be read.
    """
    affinity = spec.affinity.node_affinity if spec.affinity else None
    return PodClass(
        request=effective_request(spec, held),
        node_terms=constraints.required_terms(affinity),
        node_selector=tuple(sorted(spec.node_selector.items())),
        preferred=constraints.preferred_terms(affinity),
        tolerations=constraints.tolerations(spec),
        host_ports=constraints.host_ports(spec),
        share=share,
    )


def same_class(old: PodSpec, new: PodSpec) -> bool:
    """Whether the two surely have the same class: much cheaper than making it again."""
    return _of_class(old) == _of_class(new)


def same_fact(old: Pod, new: Pod) -> bool:
    """Whether two states of one pod surely make the same fact, its start aside: most events change less."""
    before, after = old.metadata, new.metadata
    return (
        before.uid == after.uid
        and before.labels == after.labels
        and before.annotations == after.annotations
        and before.deletion_timestamp == after.deletion_timestamp
        and is_finished(old) == is_finished(new)
        and old.spec == new.spec
        and allocated(old) == allocated(new)
    )


def _rank(text: str) -> int:
    """Members without a readable rank come last, by name."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else _LAST
