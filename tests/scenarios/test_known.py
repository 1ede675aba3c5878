"""Every case of the folder of cases with known outcomes: POWERTRAIN_SCENARIOS, or one beside the repository."""

import os
import re
from pathlib import Path

import pytest
from scenarios import read
from scenarios.case import POLICY, Case
from scenarios.run import run

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "scenarios.md"


def _known() -> Path | None:
    named = os.environ.get("POWERTRAIN_SCENARIOS")
    beside = ROOT.parent / "shared" / "scenarios"
    return Path(named) if named else beside if beside.is_dir() else None


KNOWN = _known()
needs_known = pytest.mark.skipif(
    KNOWN is None, reason="no folder of cases: POWERTRAIN_SCENARIOS is not set and none lies beside"
)


def _cases() -> list[Case]:
    cases, complaints = read.folder(KNOWN) if KNOWN is not None else ([], [])
    assert not complaints, complaints
    return cases


def _chosen_otherwise() -> set[str]:
    """Cases of the table in docs/scenarios.md in which we choose otherwise than their origin."""
    return set(re.findall(r"^\| ([a-z]+(?:-[a-z]+)*-\d+) \|", TABLE.read_text("utf-8"), re.MULTILINE))


@needs_known
@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.id)
def test_it_passes_or_the_table_says_why_not(case: Case) -> None:
    if case.kind == POLICY and case.id in _chosen_otherwise():
        pytest.skip("we choose otherwise: docs/scenarios.md")
    assert run(case).differences == ()


@needs_known
def test_no_row_of_the_table_is_stale() -> None:
    assert KNOWN is not None
    cases = {case.id: case for case in read.folder(KNOWN)[0]}
    rows = sorted(_chosen_otherwise() & cases.keys())
    assert [row for row in rows if not run(cases[row]).differences] == []
    assert [row for row in rows if cases[row].kind != POLICY] == []
