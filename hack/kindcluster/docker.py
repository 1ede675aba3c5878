"""The docker client, asked by its command line: what it prints is what a person would see."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster.errors import LocalClusterError


class DockerFailed(LocalClusterError):
    """docker, or a program that is driven through it, ended with an error."""


@dataclass(frozen=True)
class Docker:
    """An engine that answers."""

    host: str = ""
    """Its socket as `unix:///path`; empty: the client's own default."""

    @property
    def environment(self) -> dict[str, str]:
        """For programs that look for the engine themselves, such as kind."""
        own = {"DOCKER_HOST": self.host} if self.host else {}
        # The classic builder: BuildKit comes as a plugin, which not every machine has.
        return os.environ | own | {"DOCKER_BUILDKIT": "0"}

    def run(self, *words: str | Path, stdin: Path | None = None, seconds: float = 600.0) -> str:
        """Standard output. Raises DockerFailed with what the client says."""
        return run(["docker", *words], self.environment, stdin=stdin, seconds=seconds)

    def answers(self) -> bool:
        """Whether there is an engine at the other end."""
        try:
            self.run("version", "--format", "{{.Server.Version}}", seconds=20.0)
        except DockerFailed:
            return False
        return True

    def has_image(self, name: str) -> bool:
        """Whether the engine holds an image of this name."""
        return bool(self.run("images", "--quiet", name).strip())

    def execute(self, container: str, *words: str, seconds: float = 120.0) -> str:
        """A command in a running container."""
        return self.run("exec", container, *words, seconds=seconds)


def run(
    words: Sequence[str | Path],
    environment: dict[str, str],
    *,
    stdin: Path | None = None,
    seconds: float = 600.0,
) -> str:
    """Standard output of a program. Raises DockerFailed where it fails, is not there, or takes too long."""
    command = " ".join(str(word) for word in words[:4])
    try:
        with (stdin or Path(os.devnull)).open("rb") as given:
            done = subprocess.run(
                [str(word) for word in words],
                stdin=given,
                capture_output=True,
                env=environment,
                timeout=seconds,
                check=False,
            )
    except FileNotFoundError:
        raise DockerFailed(f"{command}: there is no such program on PATH") from None
    except subprocess.TimeoutExpired:
        raise DockerFailed(f"{command}: not done within {seconds:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise DockerFailed(f"{command}: exit status {done.returncode}\n{said[-2000:]}")
    return done.stdout.decode(errors="replace")
