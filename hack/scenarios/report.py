"""What is printed of the results: a line for each case that differs, and a table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scenarios.case import POLICY, UNIVERSAL, Case

PASSED, DIFFERS = "passed", "differs"


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    case: Case
    differences: tuple[str, ...]
    """A sentence each; none where all is as expected."""
    preferred: tuple[int, int] = (0, 0)
    """Wishes met, and wishes."""
    rounds: int = 1

    @property
    def verdict(self) -> str:
        return DIFFERS if self.differences else PASSED


def line(result: Result) -> str:
    """A case that differs, in one line."""
    return f"{result.case.id} ({result.case.kind}): {'; '.join(result.differences)}"


def table(results: Sequence[Result], skipped: int) -> Iterator[str]:
    """How many cases of each family and kind passed, and how many wishes were met."""
    counts = Counter((each.case.family, each.case.kind, each.verdict) for each in results)
    rows = sorted({(family, kind) for family, kind, _ in counts}, key=lambda row: (row[0], row[1] == POLICY))
    yield f"{'family':<18}{'kind':<11}{'passed':>7}{'differs':>9}"
    for family, kind in rows:
        yield f"{family:<18}{kind:<11}{counts[family, kind, PASSED]:>7}{counts[family, kind, DIFFERS]:>9}"
    for kind in (UNIVERSAL, POLICY):
        passed, differs = (
            sum(n for (_, k, v), n in counts.items() if (k, v) == (kind, w)) for w in (PASSED, DIFFERS)
        )
        yield f"{'all':<18}{kind:<11}{passed:>7}{differs:>9}"
    met, wishes = (sum(each.preferred[i] for each in results) for i in (0, 1))
    yield f"{met} of {wishes} wishes met" + (f"; {skipped} bad cases skipped" if skipped else "")


def as_json(results: Sequence[Result], complaints: Sequence[str]) -> dict[str, object]:
    """The same for programs."""
    return {
        "cases": [
            {
                "id": each.case.id,
                "family": each.case.family,
                "kind": each.case.kind,
                "stage": each.case.stage,
                "verdict": each.verdict,
                "differences": list(each.differences),
                "rounds": each.rounds,
                "wishes": {"met": each.preferred[0], "of": each.preferred[1]},
            }
            for each in results
        ],
        "skipped": list(complaints),
    }
