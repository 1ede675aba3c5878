"""What a case expects, read from its `expect`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from scenarios.case import OUTCOMES, POLICY, UNIVERSAL, Expected, Where
from scenarios.read.fields import BadField, Fields


@dataclass(frozen=True)
class Expectation:
    kind: str
    jobs: Mapping[str, Expected]
    interchangeable: tuple[tuple[str, ...], ...]
    prefers: Mapping[str, Where]


def read(fields: Fields, nodes: AbstractSet[str], jobs: AbstractSet[str]) -> Expectation:
    """Raises BadField; every one of `jobs` has exactly one outcome."""
    by_part = _by_part(fields.part("by_subgroup"))
    found: dict[str, Expected] = {}
    for outcome in OUTCOMES:
        for job, where in _outcome(fields, outcome, nodes).items():
            if job in found:
                raise BadField(fields.path(outcome), f"{job} is {found[job].outcome} as well")
            if job not in jobs:
                raise BadField(fields.path(outcome), f"there is no job {job}")
            found[job] = Expected(outcome, where, by_part.get(job, {}))
    for job in sorted(jobs - found.keys()):
        raise BadField(fields.path(job), "nothing is said of this job")
    for job, where in _wheres(fields.part("room"), nodes).items():
        if job not in found or found[job].outcome != "waits_for_release":
            raise BadField(fields.path("room"), f"{job} does not wait for release")
        found[job] = replace(found[job], where=where)
    expectation = Expectation(
        kind=fields.choice("kind", (UNIVERSAL, POLICY)),
        jobs=found,
        interchangeable=_interchangeable(fields, jobs),
        prefers=_wheres(fields.part("prefers"), nodes),
    )
    if fields.has("throughput"):  # a figure of the origin's own benchmark, told beside the outcome
        fields.raw("throughput")
    fields.end()
    return expectation


def _outcome(fields: Fields, outcome: str, nodes: AbstractSet[str]) -> Mapping[str, Where]:
    match outcome:
        case "placed" | "moved":
            return _wheres(fields.part(outcome), nodes)
        case "evicted":
            return {job: Where(pods=count) for job, count in fields.counts(outcome).items()}
    return {job: Where() for job in fields.texts(outcome)}


def _wheres(fields: Fields, nodes: AbstractSet[str]) -> dict[str, Where]:
    return {job: _where(fields.part(job), nodes) for job in fields.names()}


def _where(fields: Fields, nodes: AbstractSet[str]) -> Where:
    allowed = frozenset(fields.texts("nodes")) if fields.has("nodes") else None
    for node in sorted((allowed or frozenset()) - nodes):
        raise BadField(fields.path("nodes"), f"there is no node {node}")
    where = Where(
        pods=fields.optional_whole("pods"),
        nodes=allowed,
        same_domain=fields.optional_text("same_domain"),
        per_node=_per_node(fields.part("per_node")) if fields.has("per_node") else None,
        per_domain=_per_domain(fields.part("per_domain")) if fields.has("per_domain") else None,
    )
    fields.end()
    return where


def _per_node(fields: Fields) -> dict[tuple[str, str], int]:
    """{node: pods}, or {part: {node: pods}}."""
    found: dict[tuple[str, str], int] = {}
    for key in fields.names():
        if isinstance(fields.raw(key), Mapping):
            found |= {(key, node): count for node, count in fields.counts(key).items()}
        else:
            found["", key] = fields.whole(key)
    return found


def _per_domain(fields: Fields) -> dict[tuple[str, str, str], int]:
    """{level: {domain: pods}}, or {level: {part: {domain: pods}}}."""
    found: dict[tuple[str, str, str], int] = {}
    for level in fields.names():
        inside = _per_node(fields.part(level))
        found |= {(level, part, domain): count for (part, domain), count in inside.items()}
    return found


def _by_part(fields: Fields) -> dict[str, dict[str, int]]:
    return {job: fields.counts(job) for job in fields.names()}


def _interchangeable(fields: Fields, jobs: AbstractSet[str]) -> tuple[tuple[str, ...], ...]:
    if not fields.has("interchangeable"):
        return ()
    sets = fields.raw("interchangeable")
    if not isinstance(sets, list) or not all(isinstance(each, list) for each in sets):
        raise BadField(fields.path("interchangeable"), f"{sets!r} is not a list of lists of jobs")
    for name in (name for each in sets for name in each if name not in jobs):
        raise BadField(fields.path("interchangeable"), f"there is no job {name}")
    return tuple(tuple(each) for each in sets)
