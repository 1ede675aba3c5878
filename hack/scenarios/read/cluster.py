"""Nodes and queues of a case, read from its fields."""

from typing import TypeVar

from powertrain_scheduler.snapshot import Preemption, Taint

from scenarios.case import Limits, Node, Queue
from scenarios.read.fields import BadField, Fields

T = TypeVar("T", bound=str)

ENDLESS = {"gpus": 1 << 40, "cpu": 1 << 55, "memory": 1 << 55}
"""By kind, more than any cluster has, and small enough to be added up."""
QUEUE_PRIORITY = 100
"""Of a queue that does not say."""


def node(fields: Fields) -> Node:
    found = Node(
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
    return found


def _taint(fields: Fields) -> Taint:
    taint = Taint(fields.text("key"), fields.optional_text("value") or "", fields.text("effect"))
    fields.end()
    return taint


def queue(fields: Fields) -> Queue:
    quota, limit = fields.part("quota"), fields.part("limit")
    kinds = dict.fromkeys([*quota.names(), *limit.names()])
    found = Queue(
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
    return found


def _amount(fields: Fields, kind: str) -> float | None:
    if not fields.has(kind):
        return None
    if kind not in ENDLESS:
        raise BadField(fields.path(kind), f"is none of {', '.join(ENDLESS)}")
    if fields.unlimited(kind):
        return ENDLESS[kind]
    return fields.thousandths(kind) / 1000 if kind == "gpus" else fields.amount(kind, kind)


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
