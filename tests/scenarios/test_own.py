"""Cases of our own: what follows from the conventions and that no other project's tests are known to say."""

from pathlib import Path

import pytest
from scenarios import read
from scenarios.case import Case
from scenarios.run import run

CASES, COMPLAINTS = read.folder(Path(__file__).parent / "cases")


def test_all_can_be_read() -> None:
    assert COMPLAINTS == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_passes(case: Case) -> None:
    assert run(case).differences == ()
