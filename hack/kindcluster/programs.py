"""What the nodes run, built once from Go modules into the user's cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from localcluster import build, cache, toolchain
from localcluster.cache import Log

_MODULE = Path(build.__file__).parent / "programs"
_COREDNS = Path(__file__).parent / "coredns"
_FLAGS = "-s -w"


class Programs(NamedTuple):
    """Where the programs lie."""

    folder: Path
    """Holds node (every Kubernetes program), pause, kind and coredns."""
    kind_files: Path
    """What kind puts into its node images, in kind's own module."""
    version: str
    """Of Kubernetes, such as v1.37.2."""

    @property
    def kind(self) -> Path:
        return self.folder / "kind"


def ensure(log: Log) -> Programs:
    """The programs, built where that was never done."""
    go = toolchain.find(build.oldest_go(), log)
    folder = cache.root() / "nodeprograms" / key(go.version)

    def make(target: Path) -> None:
        log("building kind and what its nodes run: minutes the first time, later a moment")
        for package in ("pause", "kind"):
            build.compile_package(go, _MODULE, f"./{package}", target / package, _FLAGS, log)
        build.compile_package(go, _COREDNS, ".", target / "coredns", _FLAGS, log)
        build.compile_package(go, _MODULE, "./node", target / "node", build.linker_flags(), log)
        for name in ("kubeadm", "kubectl"):
            (target / name).symlink_to("node")

    cache.ensure(folder, "node", make, log)
    kind = build.module_folder(go, "sigs.k8s.io/kind")
    return Programs(folder, kind / "images" / "base" / "files", build.kubernetes_version())


def key(go_version: str) -> str:
    """Names a build by everything that decides what comes out."""
    digest = hashlib.sha256()
    for module in (_MODULE, _COREDNS):
        for path in sorted(module.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                digest.update(f"{path.relative_to(module)} {len(content)}\n".encode() + content)
    digest.update(f"{build.linker_flags()}\n{go_version}".encode())
    return f"{build.kubernetes_version()}-{digest.hexdigest()[:16]}"
