"""A Docker engine: the machine's own where one answers, else one that is ours from start to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcluster import cache
from localcluster.cache import Log
from localcluster.process import Processes, start_time

from kindcluster import kernel, runtime
from kindcluster.docker import Docker, DockerFailed

_PACKAGES = ("docker.io", "iptables", "mmdebstrap")
"""Debian's and Ubuntu's names; docker.io brings containerd and runc."""
_PATIENCE_SECONDS = 60.0
_NAME = "dockerd"


@contextmanager
def engine(log: Log) -> Iterator[Docker]:
    """An engine that answers; ours is stopped at the end. Raises DockerFailed where there can be none."""
    docker = Docker()
    if shutil.which("docker") and docker.answers():
        log("Docker: the engine that runs here already")
        yield docker
        return
    if os.geteuid() != 0:
        raise DockerFailed(
            "no Docker engine answers, and only root can start one: start it, or let this user talk to it "
            "(group docker), or run as root"
        )
    _install(log)
    folder = cache.root() / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    _end_leftover(folder, log)
    with kernel.kept(folder / "kernel.json"), _running(folder, log) as own:
        yield own


def _install(log: Log) -> None:
    missing = [
        program for program in ("dockerd", "runc", "iptables", "mmdebstrap") if not shutil.which(program)
    ]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise DockerFailed(f"{', '.join(missing)} are not installed, and this is neither Debian nor Ubuntu")
    log(f"installing {', '.join(_PACKAGES)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *_PACKAGES]):
        done = subprocess.run(
            ["apt-get", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if done.returncode != 0:
            raise DockerFailed(f"apt-get {words[0]} failed:\n{done.stderr.strip()[-2000:]}")


@contextmanager
def _running(folder: Path, log: Log) -> Iterator[Docker]:
    """dockerd with its data in the user's cache, so that images are made once."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    docker = Docker(f"unix://{run / 'docker.sock'}")
    processes = Processes()
    process = processes.start(
        _NAME,
        [
            "dockerd",
            f"--host={docker.host}",
            f"--config-file={_configuration(run)}",
            f"--data-root={folder / 'data'}",
            f"--exec-root={folder / 'exec'}",
            f"--pidfile={run / 'dockerd.pid'}",
            "--iptables=true",
        ],
        folder / "dockerd.log",
        environment=os.environ,
        cwd=folder,
    )
    forward = _forward_policy()
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not docker.answers():
            process.require_alive()
            if time.monotonic() > deadline:
                raise DockerFailed(f"dockerd does not answer; the end of its log:\n{process.tail()}")
            time.sleep(0.2)
        (folder / "engine.json").write_text(json.dumps([process.pid, start_time(process.pid)]))
        log("Docker: an engine of our own, until the end")
        yield docker
    finally:
        processes.stop([_NAME], seconds=30.0)
        (folder / "engine.json").unlink(missing_ok=True)
        _set_forward_policy(forward)


def _configuration(run: Path) -> Path:
    """The engine's settings: our runtime only where the machine lacks a capability."""
    settings: dict[str, object] = {}
    if not runtime.everything():
        wrapper = run / "runtime"
        wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{Path(runtime.__file__)}" "$@"\n')
        wrapper.chmod(0o755)
        settings = {"runtimes": {"trimmed": {"path": str(wrapper)}}, "default-runtime": "trimmed"}
    path = run / "daemon.json"
    path.write_text(json.dumps(settings))
    return path


def _end_leftover(folder: Path, log: Log) -> None:
    """An engine of ours whose starter was killed: the kernel ended it too, its containers may live on."""
    record = folder / "engine.json"
    if not record.exists():
        return
    pid, started = json.loads(record.read_text())
    if start_time(pid) == started:
        raise DockerFailed(f"another run's Docker engine (process {pid}) is still there; wait for its end")
    log("an earlier run was killed: its engine is started again, and cleaned up")
    record.unlink()


def _forward_policy() -> str:
    """dockerd closes the machine for forwarding; what it was before is put back."""
    rules = subprocess.run(["iptables", "-S", "FORWARD"], capture_output=True, text=True, check=False).stdout
    return next((line.split()[2] for line in rules.splitlines() if line.startswith("-P")), "ACCEPT")


def _set_forward_policy(policy: str) -> None:
    subprocess.run(["iptables", "-P", "FORWARD", policy], capture_output=True, check=False)
