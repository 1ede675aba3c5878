"""Folders in the user's cache that are whole or not there, whoever makes them when.

Made under another name, checked, stamped, then renamed: a build that was
interrupted, or whose file was cut short later, is noticed and done again. One
maker at a time holds the lock; the others wait and find the work done.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

Log = Callable[[str], None]

_STAMP = "made.json"


def root() -> Path:
    """`$XDG_CACHE_HOME/powertrain`, by default under ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says to ignore a relative path here.
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "powertrain"


def ensure(folder: Path, main_file: str, make: Callable[[Path], None], log: Log) -> Path:
    """`folder`, made by `make(an empty folder)` unless it is there and whole.

    `main_file`, a path in the folder, is the file whose content is checked.
    """
    if _is_whole(folder, main_file):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock"), log):
        if _is_whole(folder, main_file):
            return folder
        if folder.exists():
            log(f"{folder} is not whole, so it is made anew")
        _make(folder, main_file, make)
    return folder


def _make(folder: Path, main_file: str, make: Callable[[Path], None]) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    make(unfinished)
    made = unfinished / main_file
    stamp = {"bytes": made.stat().st_size, "mtime": made.stat().st_mtime_ns, "sha256": _digest(made)}
    (unfinished / _STAMP).write_text(json.dumps(stamp))
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _is_whole(folder: Path, main_file: str) -> bool:
    """Reads the whole file only when its times tell that it was touched, by a copied cache for one."""
    try:
        stamp = json.loads((folder / _STAMP).read_text())
        found = (folder / main_file).stat()
    except (OSError, ValueError):
        return False
    if not isinstance(stamp, dict) or found.st_size != stamp.get("bytes"):
        return False
    return found.st_mtime_ns == stamp.get("mtime") or _digest(folder / main_file) == stamp.get("sha256")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _locked(path: Path, log: Log) -> Iterator[None]:
    """The kernel lets go of the lock when its holder ends, in whatever way."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"another process is making {path.stem}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
