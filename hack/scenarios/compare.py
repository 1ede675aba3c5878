"""Whether what came of a case is what it expects, and if not, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from scenarios.case import Case, Expected, Where
from scenarios.outcome import Got, Place


def differences(case: Case, got: Mapping[str, Got]) -> list[str]:
    """A sentence for each job that got something else than expected."""
    roles = _roles(case, got)
    labels = _labels(case)
    found: list[str] = []
    for job in (each.name for each in case.jobs):
        expected = case.expected[roles[job]]
        if wrong := _wrong(expected, got[job], labels):
            found.append(f"{job}: expected {said(expected)}, {happened(got[job])}{_why(wrong)}")
    return found


def preferred(case: Case, got: Mapping[str, Got]) -> tuple[int, int]:
    """Of the jobs for which the case tells what would be even better: how many got that, and how many there are."""
    labels = _labels(case)
    met = sum(not _misplaced(where, got[job].places, labels) for job, where in case.prefers.items())
    return met, len(case.prefers)


def _why(wrong: str) -> str:
    return f" ({wrong})" if wrong != OUTCOME else ""


# -- who plays whose role ---------------------------------------------------------------------------


def _roles(case: Case, got: Mapping[str, Got]) -> dict[str, str]:
    """By job, the job whose expectation it is measured by: its own, unless some may swap."""
    labels = _labels(case)
    roles = {job: job for job in case.expected}
    for names in case.interchangeable:
        does = {
            job: [role for role in names if not _wrong(case.expected[role], got[job], labels)]
            for job in names
        }
        roles |= _matched(names, does)
    return roles


def _matched(names: Sequence[str], does: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """As many jobs as possible in a role that they do; the others in what is left."""
    taken: dict[str, str] = {}

    def find(job: str, tried: set[str]) -> bool:
        for role in does[job]:
            if role not in tried:
                tried.add(role)
                if role not in taken or find(taken[role], tried):
                    taken[role] = job
                    return True
        return False

    for job in names:
        find(job, set())
    roles = {job: role for role, job in taken.items()}
    left = [role for role in names if role not in taken]
    return roles | dict(zip([job for job in names if job not in roles], left, strict=True))


# -- one job ----------------------------------------------------------------------------------------

OUTCOME = "outcome"


def _labels(case: Case) -> Mapping[str, Mapping[str, str]]:
    return {node.name: node.labels for node in case.nodes}


def _wrong(expected: Expected, got: Got, labels: Mapping[str, Mapping[str, str]]) -> str:
    """What is not as expected; empty if all is."""
    if expected.outcome != got.outcome and (expected.outcome, got.outcome) != ("evicted", "leaving"):
        return OUTCOME  # who leaves by itself is gone as well
    parts = got.parts or Counter(part for part, _ in got.places)
    if expected.outcome == "evicted" and expected.where.pods != sum(got.parts.values()):
        return OUTCOME
    for part, count in expected.by_part.items():
        if parts.get(part, 0) != count:
            return f"{parts.get(part, 0)} of part {part}, not {count}"
    return "" if expected.outcome == "evicted" else _misplaced(expected.where, got.places, labels)


def _misplaced(where: Where, places: Sequence[Place], labels: Mapping[str, Mapping[str, str]]) -> str:
    """What is wrong with these pods' nodes; empty if nothing is."""
    nodes = {node for _, node in places}
    if where.pods is not None and len(places) != where.pods:
        return f"{len(places)} of them, not {where.pods}"
    if where.nodes is not None and not nodes <= where.nodes:
        return f"{', '.join(sorted(nodes - where.nodes))} is not among {', '.join(sorted(where.nodes))}"
    if where.same_domain is not None:
        domains = {labels[node].get(where.same_domain, "none") for node in nodes}
        if len(domains) > 1:
            return f"more than one {where.same_domain}: {', '.join(sorted(domains))}"
    for level, wanted in _spreads(where):
        counts = _counts(places, labels, level, with_parts=any(part for part, _ in wanted))
        if counts != wanted:
            return f"{_spread(counts)}, not {_spread(wanted)}"
    return ""


def _spreads(where: Where) -> list[tuple[str, dict[Place, int]]]:
    """By level, empty for nodes: pods by part and domain."""
    found: dict[str, dict[Place, int]] = {}
    if where.per_node is not None:
        found[""] = dict(where.per_node)
    for (level, part, domain), count in (where.per_domain or {}).items():
        found.setdefault(level, {})[part, domain] = count
    return list(found.items())


def _counts(
    places: Sequence[Place], labels: Mapping[str, Mapping[str, str]], level: str, with_parts: bool
) -> dict[Place, int]:
    counts: Counter[Place] = Counter()
    for part, node in places:
        domain = labels[node].get(level, "none") if level else node
        counts[part if with_parts else "", domain] += 1
    return dict(counts)


# -- words ------------------------------------------------------------------------------------------


def said(expected: Expected) -> str:
    """What is expected, in words."""
    where = expected.where
    pods = "" if where.pods is None else f" {where.pods} {'pod' if where.pods == 1 else 'pods'}"
    nodes = f" on {', '.join(sorted(where.nodes))}" if where.nodes else ""
    return f"{expected.outcome.replace('_', ' ')}{pods}{nodes}"


def happened(got: Got) -> str:
    """What came of the job, in words."""
    if got.outcome == "evicted":
        return f"got evicted {sum(got.parts.values())}"
    counts = Counter(node for _, node in got.places)
    nodes = ", ".join(f"{count} on {node}" for node, count in sorted(counts.items()))
    return f"got {got.outcome.replace('_', ' ')}{' ' if nodes else ''}{nodes}"


def _spread(counts: Mapping[Place, int]) -> str:
    named = sorted((f"{part} {place}".strip(), count) for (part, place), count in counts.items())
    return ", ".join(f"{count} on {name}" for name, count in named)
