"""The node image: kind's published one, or one that is built here and kept by its content."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from localcluster.cache import Log

from kindcluster import programs, rootfs
from kindcluster.docker import Docker, DockerFailed
from kindcluster.programs import Programs

NODE_PACKAGES = (
    "bash",
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "curl",
    "e2fsprogs",
    "ethtool",
    "iproute2",
    "iptables",
    "jq",
    "kmod",
    "libseccomp2",
    "mount",
    "nftables",
    "procps",
    "runc",
    "systemd",
    "util-linux",
)
"""What kind's own base image has of Debian, and the container runtime, which kind builds itself."""
_SOURCE = Path(__file__).parent / "node"
_MINUTES = 30 * 60.0


class NodeImage(NamedTuple):
    """An image that kind can make nodes of."""

    name: str
    network: bool
    """Whether its nodes bring a pod network; where not, ours is set up after they start."""


def ensure(docker: Docker, made: Programs, log: Log) -> NodeImage:
    """The published image where a registry answers, else our own."""
    published = f"kindest/node:{made.version}"
    if os.environ.get("POWERTRAIN_NODE_IMAGE") != "build" and (
        docker.has_image(published) or _pulled(docker, published)
    ):
        log(f"node image: kind's published {published}")
        return NodeImage(published, network=True)
    name = f"powertrain/node:{_key(made)}"
    if docker.has_image(name):
        log(f"node image: {name}, built here before")
        return NodeImage(name, network=False)
    log("node image: no registry answers, so it is built here, once")
    start = time.monotonic()
    _build(docker, made, name, log)
    log(f"node image: {name} built in {time.monotonic() - start:.0f} s")
    return NodeImage(name, network=False)


def _pulled(docker: Docker, name: str) -> bool:
    try:
        docker.run("pull", "--quiet", name, seconds=300.0)
    except DockerFailed:
        return False
    return True


def _key(made: Programs) -> str:
    digest = hashlib.sha256(f"{made.folder.name} {rootfs.SUITE} {NODE_PACKAGES}".encode())
    for path in sorted([*_SOURCE.iterdir(), Path(__file__)]):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{made.version}-{digest.hexdigest()[:16]}"


def _build(docker: Docker, made: Programs, name: str, log: Log) -> None:
    debian = rootfs.ensure(docker, NODE_PACKAGES, log)
    with tempfile.TemporaryDirectory(prefix="powertrain-node-") as scratch:
        context = Path(scratch)
        shutil.copy(made.folder / "node", context / "node")
        shutil.copy(made.folder / "coredns", context / "coredns")
        shutil.copy(made.folder / "pause", context / "pause")
        images = _control_plane_images(docker, made, context, debian)
        base = _base(docker, made, context, debian, _pause(images))
        _put_in(docker, base, images, context, name)


# -- the control plane's images ---------------------------------------------------------------------


def _control_plane_images(docker: Docker, made: Programs, context: Path, debian: str) -> list[str]:
    """Every image that kubeadm asks for, by the name it asks for it."""
    kube = _image(docker, context, "Containerfile.kube", "powertrain/kube", f"DEBIAN={debian}")
    single = {
        program: _image(docker, context, "Containerfile.one", f"powertrain/{program}", f"PROGRAM={program}")
        for program in ("coredns", "pause")
    }
    listed = _run_kubeadm(made, "config", "images", "list", f"--kubernetes-version={made.version}").split()
    for name in listed:
        last = name.rsplit("/", 1)[-1].partition(":")[0]
        docker.run("tag", single.get(last, kube), name)
    return listed


def _run_kubeadm(made: Programs, *words: str) -> str:
    from kindcluster.docker import run

    return run([made.folder / "kubeadm", *words], dict(os.environ))


def _image(docker: Docker, context: Path, file: str, name: str, argument: str) -> str:
    words = ("build", "--quiet", "--file", _SOURCE / file, "--build-arg", argument, "--tag", name, context)
    docker.run(*words, seconds=_MINUTES)
    return name


def _pause(images: list[str]) -> str:
    return next(name for name in images if "/pause:" in name)


# -- the node ---------------------------------------------------------------------------------------


def _base(docker: Docker, made: Programs, context: Path, debian: str, pause: str) -> str:
    files = context / "files"
    shutil.copytree(made.kind_files, files, copy_function=shutil.copyfile)
    for path in [*(files / "kind" / "bin").iterdir(), files / "usr/local/bin/entrypoint"]:
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    (files / "kind" / "version").write_text(made.version)
    (files / "kind" / "manifests").mkdir(exist_ok=True)
    for name, place in (("network.sh", "kind"), ("powertrain-network.service", "etc/systemd/system")):
        shutil.copy(_SOURCE / name, files / place / name)
    (files / "kind" / "network.sh").chmod(0o755)
    _edit(files / "etc/containerd/config.toml", pause)
    kubelet = files / "etc/default/kubelet"
    # Kubelets of 1.35 and later refuse cgroup v1 unless they are told; on v2 the flag says nothing.
    kubelet.write_text(kubelet.read_text().rstrip() + " --fail-cgroupv1=false\n")
    return _image(docker, context, "Containerfile", "powertrain/node-base", f"DEBIAN={debian}")


def _edit(config: Path, pause: str) -> None:
    lines = []
    for line in config.read_text().splitlines():
        if line.strip().startswith("sandbox_image"):
            line = f'  sandbox_image = "{pause}"'
        # Without CAP_SYS_RESOURCE nobody's score can be lowered, and containerd must not insist.
        lines.append(line.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true"))
    config.write_text("\n".join(lines) + "\n")


def _put_in(docker: Docker, base: str, images: list[str], context: Path, name: str) -> None:
    """The images into the node's own containerd, as `kind build node-image` does it."""
    archive = context / "images.tar"
    docker.run("save", "--output", archive, *images)
    container = docker.run(
        "run", "--detach", "--entrypoint=sleep", "--security-opt=seccomp=unconfined", base, "infinity"
    ).strip()
    try:
        docker.run("exec", "--detach", container, "containerd")
        _until_containerd_answers(docker, container)
        docker.run(
            "exec", "--interactive", container,
            "ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--no-unpack", "--digests", "-",
            stdin=archive,
        )  # fmt: skip
        docker.execute(container, "sh", "-c", "kill $(pidof containerd); sleep 1; rm -rf /run/containerd")
        entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
        docker.run("commit", "--change", entrypoint, container, name)
    finally:
        docker.run("rm", "--force", "--volumes", container)


def _until_containerd_answers(docker: Docker, container: str) -> None:
    deadline = time.monotonic() + 30.0
    while True:
        try:
            docker.execute(container, "ctr", "version")
            return
        except DockerFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


__all__ = ["NODE_PACKAGES", "NodeImage", "ensure", "programs"]
