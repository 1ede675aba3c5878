"""A Debian root file system, for nodes and for the images of the tests."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from localcluster import cache
from localcluster.cache import Log

from kindcluster.docker import Docker, DockerFailed

SUITE = "bookworm"
"""Its systemd still starts on machines with cgroup v1; those after it refuse to."""
_LEAVE_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


def ensure(docker: Docker, packages: Sequence[str], log: Log) -> str:
    """Name of an image that is Debian with these packages; made where the engine does not hold it."""
    digest = hashlib.sha256("\n".join([SUITE, *packages, *_LEAVE_OUT]).encode()).hexdigest()[:16]
    name = f"powertrain/debian:{SUITE}-{digest}"
    if docker.has_image(name):
        return name
    log(f"making a Debian root file system with {len(packages)} packages")
    folder = cache.root() / "rootfs"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{digest}.tar"
    _make(archive, packages)
    docker.run("import", archive, name)
    archive.unlink()
    return name


def _make(archive: Path, packages: Sequence[str]) -> None:
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
    words += ['--aptopt=APT::Install-Recommends "false"']
    words += [f"--dpkgopt=path-exclude={path}" for path in _LEAVE_OUT]
    mirror = _mirror()
    done = subprocess.run(
        [*words, SUITE, str(archive), *([mirror] if mirror else [])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DockerFailed(f"mmdebstrap failed:\n{done.stderr.strip()[-2000:]}")


def _mirror() -> str | None:
    """The mirror that this machine's own apt takes Debian from; None: mmdebstrap's own choice."""
    files = [path for place in _SOURCES for path in ([place] if place.is_file() else sorted(place.glob("*")))]
    for path in files:
        for line in path.read_text(errors="replace").splitlines():
            found = re.match(r"(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+)", line.strip())
            if found and "security" not in found[1] and "ubuntu" not in found[1]:
                return found[1]
    return None
