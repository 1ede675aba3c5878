"""`python -m crdgen [--check] [--directory crds]`: writes the CRDs, or tells which are out of date."""

import argparse
import sys
from pathlib import Path

from powertrain_operator.api import KINDS

from crdgen import crd


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 1 where `--check` found a file that is not what the models give."""
    options = _options().parse_args(arguments)
    wanted = {options.directory / crd.file_name(kind): crd.text(kind) for kind in KINDS.values()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    strays = set(options.directory.glob("*.yaml")) - wanted.keys()
    for path in sorted(strays):
        print(f"{path}: belongs to no kind; delete it", file=sys.stderr)
    if options.check:
        for path in stale:
            print(f"{path}: not what the models give; run `make crds`", file=sys.stderr)
        return 1 if stale or strays else 0
    for path in stale:
        path.write_text(wanted[path], "utf-8")
        print(path)
    return 1 if strays else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crdgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    parser.add_argument("--directory", type=Path, default=Path("crds"), help="where the files are")
    return parser


if __name__ == "__main__":
    sys.exit(main())
