"""What came of each job: its pods before and after, told in the words of a case."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scenarios.case import Case, Job, Pods
from scenarios.world import numbered

Place = tuple[str, str]
"""(part, node) of one pod."""


@dataclass(frozen=True)
class Got:
    """What one job got."""

    outcome: str
    """One of `case.OUTCOMES`."""
    places: tuple[Place, ...] = ()
    """Of the pods that are newly placed, moved, or for which room is held."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Evicted or leaving pods by part."""


@dataclass
class Fates:
    """Where pods are in the end, and for which of them room is held, by pod name."""

    nodes: dict[str, str] = field(default_factory=dict)
    room: dict[str, str] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    """Jobs that ran to their end."""


def told(case: Case, fates: Fates) -> dict[str, Got]:
    """By job, what it got. Equal pods of a job are not told apart."""
    return {job.name: _job(job, fates) for job in case.jobs}


def _job(job: Job, fates: Fates) -> Got:
    pods = list(numbered(job))
    if job.name in fates.finished or (pods and all(each.state == "finished" for _, each in pods)):
        return Got("finished")
    moves = [_alike(alike, fates) for alike in _by_likeness(pods)]
    gone = Counter(part for move in moves for part in move.gone)
    if gone:
        return Got("evicted", parts=gone)
    for outcome, places in (
        ("moved", [place for move in moves for place in move.moved]),
        ("placed", [place for move in moves for place in move.new]),
        ("waits_for_release", [(each.part, fates.room[name]) for name, each in pods if name in fates.room]),
    ):
        if places:
            return Got(outcome, tuple(sorted(places)))
    if any(_runs(each) for _, each in pods):
        return Got("running")
    leaving = Counter(each.part for _, each in pods if each.state == "terminating")
    return Got("leaving", parts=leaving) if leaving and all(each.on for _, each in pods) else Got("waiting")


@dataclass(frozen=True)
class _Moves:
    """Of pods that are alike."""

    gone: tuple[str, ...]
    """The part of each."""
    moved: tuple[Place, ...]
    new: tuple[Place, ...]


def _by_likeness(pods: Iterable[tuple[str, Pods]]) -> Iterable[list[tuple[str, Pods]]]:
    found: dict[object, list[tuple[str, Pods]]] = {}
    for name, each in pods:
        found.setdefault((each.pod_class, each.part), []).append((name, each))
    return found.values()


def _alike(pods: Sequence[tuple[str, Pods]], fates: Fates) -> _Moves:
    part = pods[0][1].part
    before = Counter(each.on for _, each in pods if each.on is not None and _runs(each))
    after = Counter(fates.nodes[name] for name, _ in pods if name in fates.nodes)
    left = sorted((before - after).elements())
    came = [(part, node) for node in sorted((after - before).elements())]
    moved = min(len(left), len(came))
    return _Moves((part,) * (len(left) - moved), tuple(came[:moved]), tuple(came[moved:]))


def _runs(pods: Pods) -> bool:
    return pods.on is not None and pods.state in ("running", "starting")
