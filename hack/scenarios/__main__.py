"""`python -m scenarios FOLDER`: exit status 0, 1 where a universal case fails, 2 for a bad folder or case."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from scenarios import read, report
from scenarios.case import UNIVERSAL, Case
from scenarios.play import NeverSettles, play
from scenarios.report import Result
from scenarios.run import run

FAILED, BAD_INPUT = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        cases, complaints = read.folder(options.folder)
    except read.BadFolder as bad:
        print(f"error: {bad}", file=sys.stderr)
        return BAD_INPUT
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    results = [_result(case, options.verbose) for case in cases if case.id.startswith(options.only)]
    for result in results:
        if result.differences:
            print(report.line(result))
    print("\n".join(report.table(results, len(complaints))))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(results, complaints), indent=1) + "\n", "utf-8")
    if complaints:
        return BAD_INPUT
    return FAILED if any(each.differences and each.case.kind == UNIVERSAL for each in results) else 0


def _result(case: Case, verbose: bool) -> Result:
    if verbose:
        _show(case)
    return run(case)


def _show(case: Case) -> None:
    """Every plan of the case, for whoever looks for the reason of an outcome."""
    print(f"-- {case.id} ({case.stage})")
    try:
        plans = play(case).plans
    except NeverSettles as endless:
        print(f"does not settle: {endless}")
        return
    for number, plan in enumerate(plans):
        for part in (plan.binds, plan.evicts, plan.reserves, plan.choices, plan.waits):
            for each in part:
                print(f"   {number}: {each}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scenarios", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the *.yaml with the cases are")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only cases whose id begins like this")
    parser.add_argument("--verbose", action="store_true", help="print the plans of every case")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
