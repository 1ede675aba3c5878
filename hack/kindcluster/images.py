"""The images of the end-to-end tests: Powertrain's own, from its Containerfile, and one for workloads.

Without a registry their base is Debian with its Python; what they install comes as wheels, which are
got and checked against their hashes outside, so that nothing inside a build needs a network.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from localcluster import cache
from localcluster.cache import Log

from kindcluster import rootfs
from kindcluster.docker import Docker, DockerFailed

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "3.11"
"""Debian 12's, and the oldest that Powertrain runs on."""
_PUBLISHED = f"python:{PYTHON}-slim"
_PACKAGES = ("ca-certificates", "python-is-python3", "python3", "python3-pip", "python3-venv")
_PIP = """[global]
no-index = true
find-links = /wheels
disable-pip-version-check = true
[install]
break-system-packages = true
"""
_LEAVE_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
_SECONDS = 1200.0


def powertrain(docker: Docker, log: Log, source: Path = ROOT) -> str:
    """Powertrain's image from the Containerfile of `source`; its name says what it was made from."""
    name = f"localhost/powertrain:{_digest(_sources(source))}"
    if docker.has_image(name):
        return name
    with _timed(log, name), tempfile.TemporaryDirectory(prefix="powertrain-image-") as scratch:
        context = Path(scratch)
        for part in ("operator", "scheduler", "requirements"):
            shutil.copytree(source / part, context / part, ignore=_LEAVE_OUT)
        for part in ("pyproject.toml", "README.md", "LICENSE", "Containerfile"):
            shutil.copy(source / part, context / part)
        base = _base(docker, [source / "requirements" / each for each in ("image.txt", "build.txt")], log)
        _build(
            docker, context, context / "Containerfile", name, f"PYTHON={base}", f"BASE={_python(docker, log)}"
        )
    return name


def workloads(docker: Docker, log: Log) -> str:
    """Python with jax on CPUs, and the programs of e2e/workloads."""
    folder, pins = ROOT / "e2e" / "workloads", ROOT / "requirements" / "workloads.txt"
    name = f"localhost/workloads:{_digest([pins, *sorted(folder.iterdir())])}"
    if docker.has_image(name):
        return name
    with _timed(log, name), tempfile.TemporaryDirectory(prefix="powertrain-image-") as scratch:
        context = Path(scratch)
        shutil.copytree(folder, context / "workloads", ignore=_LEAVE_OUT)
        shutil.copy(pins, context / "workloads.txt")
        base = _base(docker, [pins], log)
        _build(
            docker, context, folder / "Containerfile", name, f"PYTHON={base}", f"BASE={_python(docker, log)}"
        )
    return name


# -- bases ------------------------------------------------------------------------------------------


def _base(docker: Docker, pins: Sequence[Path], log: Log) -> str:
    """Python with the wheels that these pins name, and pip told to take nothing from elsewhere."""
    name = f"powertrain/python:{_digest(pins)}"
    if docker.has_image(name):
        return name
    root = _python(docker, log)
    with tempfile.TemporaryDirectory(prefix="powertrain-image-") as scratch:
        context = Path(scratch)
        shutil.copytree(_wheels(pins, log), context / "wheels")
        (context / "pip.conf").write_text(_PIP)
        (context / "Containerfile").write_text(
            f"FROM {root}\nCOPY wheels /wheels\nCOPY pip.conf /etc/pip.conf\n"
        )
        _build(docker, context, context / "Containerfile", name)
    return name


def _python(docker: Docker, log: Log) -> str:
    try:
        docker.run("pull", "--quiet", _PUBLISHED, seconds=300.0)
    except DockerFailed:
        return rootfs.ensure(docker, _PACKAGES, log)
    return _PUBLISHED


def _wheels(pins: Sequence[Path], log: Log) -> Path:
    """A folder of wheels for the images' Python; got by pip, which checks their hashes."""
    folder = cache.root() / "wheels" / _digest(pins)

    def make(target: Path) -> None:
        log("getting the wheels for " + ", ".join(path.name for path in pins))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--require-hashes", "--only-binary=:all:", f"--python-version={PYTHON}"]
        for path in pins:
            _run([*command, "--dest", str(target), "--requirement", str(path)])
        (target / "names").write_text("\n".join(sorted(each.name for each in target.iterdir())))

    return cache.ensure(folder, "names", make, log)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DockerFailed(f"pip download failed:\n{done.stderr.strip()[-2000:]}")


# -- building ---------------------------------------------------------------------------------------


def _build(docker: Docker, context: Path, file: Path, name: str, *arguments: str) -> None:
    words: list[str | Path] = ["build", "--quiet", "--network=none", "--file", file, "--tag", name]
    words += [f"--build-arg={argument}" for argument in arguments]
    docker.run(*words, context, seconds=_SECONDS)


def _sources(source: Path) -> list[Path]:
    found = [source / each for each in ("pyproject.toml", "Containerfile", "README.md")]
    for part in ("operator", "scheduler", "requirements"):
        found += [path for path in sorted((source / part).rglob("*")) if path.suffix in (".py", ".txt")]
    return found


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()[:16]


class _timed:
    """Says how long an image took."""

    def __init__(self, log: Log, name: str) -> None:
        self._log, self._name = log, name

    def __enter__(self) -> None:
        self._start = time.monotonic()
        self._log(f"building {self._name}")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._log(f"{self._name} built in {time.monotonic() - self._start:.0f} s")
