"""One case from beginning to end: carried out, and compared with what it expects."""

import traceback

from scenarios import compare, outcome
from scenarios.case import Case
from scenarios.play import NeverSettles, play
from scenarios.report import Result


def run(case: Case) -> Result:
    """What came of the case. A crash of the core is a difference like any other: the next cases are tried too."""
    try:
        played = play(case)
    except NeverSettles as endless:
        return Result(case, (f"does not settle: {endless}",))
    except Exception as crash:  # noqa: BLE001 - whatever the core raises is what this case came to
        at = traceback.extract_tb(crash.__traceback__)[-1]
        where = f"{at.filename.rsplit('/', 1)[-1]}:{at.lineno}"
        return Result(case, (f"crashed: {type(crash).__name__}: {crash} ({where})",))
    got = outcome.told(case, played.fates)
    found = tuple(compare.differences(case, got))
    return Result(case, found, compare.preferred(case, got), len(played.plans))
