"""Runs of our programs that carry a mark in their environment, which their children inherit.

What is left of a run is found by the mark, without knowing the names of what it started.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_MARK = "POWERTRAIN_TEST_RUN"


def marked_environment(mark: str, scratch: Path) -> dict[str, str]:
    """Ours, with the source tree on the path, temporary files under `scratch`, and the mark."""
    path = os.pathsep.join(str(ROOT / part) for part in ("hack", "operator", "scheduler"))
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(scratch), _MARK: mark}


def processes_of(mark: str) -> set[int]:
    """Ids of the processes with this mark that still are there."""
    marked = f"{_MARK}={mark}".encode()
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {int(entry.name) for entry in entries if marked in _environment_of(entry).split(b"\0")}


def _environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # ended meanwhile, or another user's
        return b""
