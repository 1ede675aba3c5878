"""A `go` that compiles nothing: what `build` and `toolchain` ask of it, answered by a shell script."""

import os
from dataclasses import dataclass
from pathlib import Path

_GO = """#!/bin/sh
case $1 in
env) echo "{version}" ;;
list) echo "go: downloading k8s.io/api v0.37.2" >&2; echo fmt; echo k8s.io/api; echo main ;;
build)
    echo build >>"{folder}/calls"
    echo k8s.io/api
    {build}
    while [ "$1" != -o ]; do shift; done
    cp "{folder}/program" "$2"
    chmod +x "$2" ;;
esac
"""

_PROGRAM = """#!/bin/sh
case ${0##*/} in
etcd) echo "etcd Version: 3.7.0" ;;
kubectl) echo "Client Version: v1.37.2" ;;
helm) echo v4.3 ;;
kwok) echo "      --manage-all-nodes" ;;
*) echo "Kubernetes v1.37.2" ;;
esac
"""


@dataclass(frozen=True)
class FakeGo:
    folder: Path

    def install(self, version: str = "go1.99.1", build: str = ":", program: str = _PROGRAM) -> Path:
        """The `go` program; `build` is a shell command that it runs when it is to build."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "program").write_text(program)
        go = self.folder / "go"
        go.write_text(_GO.format(version=version, build=build, folder=self.folder))
        go.chmod(0o755)
        return go

    @property
    def path(self) -> str:
        """PATH with it first."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    @property
    def builds(self) -> int:
        calls = self.folder / "calls"
        return calls.read_text().count("build") if calls.exists() else 0
