"""The Kubernetes programs, built once from Go modules into the user's cache.

A folder a build, named by the Kubernetes version and by a hash of everything
that decides what comes out: the build's own files, the flags, the Go version
and the platform. No download but through Go's and Python's own clients, with
whatever proxies and mirrors the user has told them.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from localcluster import cache, process, toolchain
from localcluster.cache import Log
from localcluster.errors import BuildFailed
from localcluster.toolchain import Go

PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
    "helm",
    "kwok",
)
_SOURCE = Path(__file__).parent / "programs"
_FILES = ("main.go", "go.mod", "go.sum")
_BINARY = "programs"
# What each program prints when it is asked who it is.
_SMOKE = {
    "etcd": (("--version",), "etcd Version:"),
    "kube-apiserver": (("--version",), "Kubernetes v"),
    "kube-controller-manager": (("--version",), "Kubernetes v"),
    "kube-scheduler": (("--version",), "Kubernetes v"),
    "kubectl": (("version", "--client"), "Client Version: v"),
    "helm": (("version", "--short"), "v"),
    "kwok": (("--help",), "--manage-all-nodes"),
}
# Measured with an empty cache: 450 s on two quiet cores, 1,020 s of CPU time on busy ones.
_CORE_SECONDS = 1000
_DISK = "5 GB of disk for Go's own caches"
_REPORT_SECONDS = 20.0
_ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


def ensure(log: Log) -> Path:
    """The folder with a program under each name of `PROGRAMS`; built where that was never done.

    The first build takes many minutes, and `log` is told how far it is.
    """
    go = toolchain.find(oldest_go(), log)
    folder = cache.root() / "programs" / _key(go)
    return cache.ensure(folder, _BINARY, lambda target: _build(go, target, log), log)


def _build(go: Go, target: Path, log: Log) -> None:
    cores = len(os.sched_getaffinity(0))
    low = round(_CORE_SECONDS / cores / 60) + 1
    log(
        f"building {', '.join(PROGRAMS)} with {go.version}: the first time {low} to {2 * low} minutes "
        f"on {cores} cores and {_DISK}; later a moment"
    )
    start = time.monotonic()
    compile_package(go, _SOURCE, ".", target / _BINARY, linker_flags(), log)
    for name in PROGRAMS:
        (target / name).symlink_to(_BINARY)
        _smoke(target / name, *_SMOKE[name])
    log(f"built in {_clock(time.monotonic() - start)}")


def compile_package(go: Go, module: Path, package: str, binary: Path, flags: str, log: Log) -> None:
    """One program of a Go module. Raises BuildFailed with the end of what Go says.

    Go names each package that it compiles; what its cache holds already is not named.
    """
    total = _packages(go, module, package, log)
    meter = _Meter(log)
    arguments = ["build", "-v", "-trimpath", "-ldflags", flags, "-o", str(binary), package]
    with _run_go(go, module, arguments) as lines:
        for line in lines:
            if not line.startswith("go: "):
                meter.count(f"compiled {{}} of {total} packages")
    meter.end()


def module_folder(go: Go, name: str) -> Path:
    """Where Go keeps the sources of a module that the programs require."""
    with _run_go(go, _SOURCE, ["list", "-m", "-f", "{{.Dir}}", name]) as lines:
        return Path([line for line in lines if line.startswith("/")][-1].strip())


def _packages(go: Go, module: Path, package: str, log: Log) -> int:
    """How many packages there are to compile at most; gets the modules they come from."""
    meter = _Meter(log)
    packages = 0
    with _run_go(go, module, ["list", "-deps", "-f", "{{.ImportPath}}", package]) as lines:
        for line in lines:
            if line.startswith("go: downloading "):
                meter.count("downloaded {} modules")
            else:
                packages += 1
    meter.end()
    return packages


@contextlib.contextmanager
def _run_go(go: Go, module: Path, arguments: list[str]) -> Iterator[Iterator[str]]:
    """Its lines as they come; BuildFailed with the last of them when it fails."""
    last: collections.deque[str] = collections.deque(maxlen=15)
    with subprocess.Popen(
        process.tied([go.program, *arguments]),
        cwd=module,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | _ENVIRONMENT,
        start_new_session=True,
    ) as running:
        try:
            yield _remembered(running, last)
            running.wait()
        finally:
            if running.poll() is None:  # interrupted: its compilers are in its process group
                os.killpg(running.pid, signal.SIGKILL)
    if running.returncode != 0:
        text = "\n".join(last)
        raise BuildFailed(f"go {arguments[0]} failed (exit status {running.returncode}):\n{text}")


def _remembered(running: subprocess.Popen[str], last: collections.deque[str]) -> Iterator[str]:
    assert running.stdout is not None
    for line in running.stdout:
        last.append(line.rstrip())
        yield last[-1]


def _smoke(program: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0 or expected not in done.stdout + done.stderr:
        raise BuildFailed(
            f"{program.name} {' '.join(arguments)} was built but does not run: {done.stderr.strip()[-500:]}"
        )


def _key(go: Go) -> str:
    digest = hashlib.sha256()
    for name in _FILES:
        content = (_SOURCE / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    for text in (linker_flags(), go.version, sys.platform, platform.machine(), " ".join(PROGRAMS)):
        digest.update(text.encode() + b"\n")
    return f"{kubernetes_version()}-{digest.hexdigest()[:16]}"


def kubernetes_version() -> str:
    return _go_mod(r"k8s\.io/kubernetes (v[\d.]+)\n")


def oldest_go() -> tuple[int, int]:
    major, minor = _go_mod(r"\ngo (\d+\.\d+)").split(".")
    return int(major), int(minor)


def _go_mod(pattern: str) -> str:
    match = re.search(pattern, (_SOURCE / "go.mod").read_text())
    if match is None:
        raise BuildFailed(f"{_SOURCE / 'go.mod'} does not say {pattern}")
    return match[1]


def linker_flags() -> str:
    """Smaller, and with the version that a release of Kubernetes would tell."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = ["-s", "-w"]
    for package, more in (
        ("component-base/version", {"gitTreeState": "clean"}),
        ("client-go/pkg/version", {}),
    ):
        flags += [f"-X k8s.io/{package}.{name}={value}" for name, value in (stamps | more).items()]
    return " ".join(flags)


class _Meter:
    """How far it is: one line rewritten on a terminal, elsewhere a line every 20 s."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._terminal = sys.stderr.isatty()
        self._start = self._said = time.monotonic()
        self._count = 0

    def count(self, text: str) -> None:
        self._count += 1
        now = time.monotonic()
        line = f"{text.format(self._count)} after {_clock(now - self._start)}"
        if self._terminal and now - self._said > 0.2:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self._said = now
        elif not self._terminal and now - self._said > _REPORT_SECONDS:
            self._log(line)
            self._said = now

    def end(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
