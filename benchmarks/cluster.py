"""`make bench-cluster`: Powertrain beside kube-scheduler and a plain binding client.

Each system at each row on a fresh local cluster, one after another, so that a machine whose speed
drifts treats them alike. Prints a table after each round of runs and one of all at the end.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "hack")]

from clusterbench import report, workloads
from clusterbench.measure import Options, measure
from clusterbench.result import Result
from clusterbench.systems import SYSTEMS
from demo.interrupts import Interrupted, interruptible
from localcluster import LocalClusterError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when every run is sound, 1 when one has a problem or nothing could be run."""
    options = _parser().parse_args(arguments)
    # A watch that begins anew is not worth a line here; the watch is waited for in any case.
    logging.getLogger("powertrain_operator").setLevel(logging.ERROR)
    try:
        with interruptible(), tempfile.TemporaryDirectory(prefix="bench-cluster-") as scratch:
            results = list(_run(options, Path(options.logs or scratch)))
    except LocalClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        print(f"stopped by {interrupted}", file=sys.stderr)
        return interrupted.status
    if options.runs > 1:
        print(f"\nall {options.runs} runs\n\n{report.table(results)}")
    return 1 if any(result.problem for result in results) else 0


def _run(options: argparse.Namespace, directory: Path) -> Iterator[Result]:
    rows = workloads.rows(options.scale)
    results: list[Result] = []
    settings = Options(directory.resolve(), options.scale, options.concurrency, options.timeout)
    for run in range(1, options.runs + 1):
        for name in options.rows:
            for system in (system for system in options.systems if system in rows[name].systems):
                print(f"run {run}, row {name}, {system}: {rows[name].title}", file=sys.stderr, flush=True)
                result = measure(rows[name], system, run, settings)
                if result.problem:
                    print(result.problem, file=sys.stderr, flush=True)
                results.append(result)
                _write(options, results)
                yield result
        print(f"\nrun {run}\n\n{report.table([found for found in results if found.run == run])}", flush=True)


def _write(options: argparse.Namespace, results: Sequence[Result]) -> None:
    """After each run: what an interrupted benchmark has measured is not lost."""
    if options.json:
        options.json.write_bytes(report.document(results, options.command))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=_some(workloads.rows()), default=list(workloads.rows()), metavar="1a,1b,..."
    )
    parser.add_argument(
        "--systems", type=_some(SYSTEMS), default=list(SYSTEMS), metavar="raw,kube-scheduler,..."
    )
    parser.add_argument("--runs", type=int, default=1, help="rounds over all rows and systems")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="less than 1 for a smaller fleet and less work"
    )
    parser.add_argument("--concurrency", type=int, default=32, help="requests under way, submitter and raw")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds that one step may take")
    parser.add_argument("--json", type=Path, help="write all results to this file")
    parser.add_argument("--logs", type=Path, help="keep each run's files under this empty directory")
    parser.set_defaults(command=[Path(sys.argv[0]).name, *sys.argv[1:]])
    return parser


def _some(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads `a,b`; each must be known."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := sorted(set(names) - set(known)):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return names

    return read


if __name__ == "__main__":
    sys.exit(main())
