"""Settings of the whole machine that nodes in containers need or change: put back at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEEDED = {
    # Several systemds and kubelets watch more files than the 128 instances that Linux begins with.
    "fs/inotify/max_user_instances": 1024,
    "fs/inotify/max_user_watches": 524288,
}
_CHANGED = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "net/ipv4/ip_forward",
)
"""Kubelets and the engine set these for the machine they think is theirs."""
_ROOT = Path("/proc/sys")


@contextmanager
def kept(record: Path) -> Iterator[None]:
    """What the settings were stands in `record` for as long as this lasts, and is put back from there.

    A record that is there already is of a run that was killed: it, not the present, is what was.
    """
    if not record.exists():
        record.write_text(json.dumps({name: _read(name) for name in (*_NEEDED, *_CHANGED)}))
    for name, least in _NEEDED.items():
        if int(_read(name)) < least:
            _write(name, str(least))
    try:
        yield
    finally:
        for name, value in json.loads(record.read_text()).items():
            if _read(name) != value:
                _write(name, value)
        record.unlink()


def _read(name: str) -> str:
    return (_ROOT / name).read_text().strip()


def _write(name: str, value: str) -> None:
    (_ROOT / name).write_text(value)
