"""Changes as people say them."""

from collections.abc import Sequence

from powertrain_scheduler import words
from powertrain_scheduler.changes import (
    AllowedNodes,
    Change,
    EndsSooner,
    Evictable,
    FewerMembers,
    HigherPriority,
    MoreQuota,
    MoreRoom,
    OtherTopology,
    Piece,
    WithoutRule,
)
from powertrain_scheduler.snapshot import PodGroup


def sentence(group: PodGroup, ways: Sequence[Sequence[Change]]) -> str:
    """`would start with ..., or with ...`; empty where there is no way."""
    told = [" and ".join(phrase(group, change) for change in way) for way in ways]
    return f"would start with {', or with '.join(told)}" if told else ""


def phrase(group: PodGroup, change: Change) -> str:
    """What would be otherwise, to go on after `with`."""
    match change:
        case MoreRoom():
            return _more_room(change)
        case MoreQuota():
            return " and ".join(
                f"{'quota' if each.field == 'nominal' else 'the borrowing limit'} of queue {each.queue} for"
                f" {each.kind} raised by {words.amount(each.kind, each.by)}"
                for each in change.raises
            )
        case OtherTopology():
            return _other_topology(group, change)
        case FewerMembers():
            return f"a minimum of {words.counted(change.min_member, 'pod')} instead of {group.min_member}"
        case HigherPriority():
            return f"a priority above {change.above}"
        case Evictable():
            return "leave to be evicted (preemptible: true)"
        case AllowedNodes():
            return f"leave to go to {words.some(change.nodes, 'node')}, which failed it or which it excludes"
        case EndsSooner():
            return f"an expected run time of at most {change.within_seconds:.0f} s"
        case WithoutRule():
            return _without_rule(change)
    raise TypeError(f"no words for {change}")


def _more_room(change: MoreRoom) -> str:
    totals: dict[str, int] = {}
    for piece in change.pieces:
        for resource, amount in piece.amounts:
            totals[resource] = totals.get(resource, 0) + amount
    total = " and ".join(f"{words.amount(name, n)} {name}" for name, n in totals.items())
    where = ""
    if change.domain is not None:
        key, domain = change.domain
        where = f" in {key.rsplit('/', 1)[-1]} {domain}"
    if len(change.pieces) == 1:
        return f"{total} more free on {change.pieces[0].node}{where}"
    return f"{total} more free{where} ({words.some([_piece(piece) for piece in change.pieces], 'node')})"


def _piece(piece: Piece) -> str:
    amounts = " and ".join(
        words.amount(name, n) if i == 0 else f"{words.amount(name, n)} {name}"
        for i, (name, n) in enumerate(piece.amounts)
    )
    return f"{amounts} on {piece.node}"


def _other_topology(group: PodGroup, change: OtherTopology) -> str:
    before = _level(group.topology.required or "")
    if change.required is None:
        return f"one {before} preferred instead of required"
    return f"one {_level(change.required)} required instead of one {before}"


def _level(key: str) -> str:
    return key.rsplit("/", 1)[-1]


def _without_rule(change: WithoutRule) -> str:
    if change.rule == "selector":
        return f"no node selector {change.key}={change.value}"
    if change.rule == "affinity":
        return "no required node affinity"
    return f"a toleration of taint {change.key}{'=' + change.value if change.value else ''}"
