"""One kind cluster: a control plane and workers as containers, with real kubelets in them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from localcluster.cache import Log

from kindcluster import nodeimage, programs
from kindcluster.docker import Docker, DockerFailed, run
from kindcluster.nodeimage import NodeImage
from kindcluster.programs import Programs

POD_NETWORK = "10.244.0.0/16"


class KindCluster:
    """A cluster that is up; made by `KindCluster.start`."""

    def __init__(self, name: str, docker: Docker, made: Programs, folder: Path) -> None:
        self.name = name
        self.docker = docker
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._made = made

    @classmethod
    @contextmanager
    def start(cls, docker: Docker, workers: int, folder: Path, log: Log) -> Iterator[KindCluster]:
        """A control plane and so many workers, all Ready; deleted at the end, and nothing else is."""
        made = programs.ensure(log)
        image = nodeimage.ensure(docker, made, log)
        cluster = cls(f"powertrain-{secrets.token_hex(3)}", docker, made, folder)
        had_network = "kind" in docker.run("network", "ls", "--format", "{{.Name}}").split()
        try:
            log(f"kind cluster {cluster.name}: a control plane and {workers} workers")
            cluster._create(image, workers)
            yield cluster
        finally:
            cluster.kind("delete", "cluster")
            if not had_network:
                docker.run("network", "rm", "kind")

    @classmethod
    def held(cls, found: Path, log: Log) -> KindCluster:
        """The cluster that `python -m kindcluster` holds."""
        said = json.loads(found.read_text())
        return cls(said["name"], Docker(said["docker"]), programs.ensure(log), Path(said["folder"]))

    # -- what people do with one ---------------------------------------------------------------------

    def kubectl(self, *words: str | Path, stdin: Path | None = None, seconds: float = 120.0) -> str:
        """Standard output of kubectl as the cluster's administrator. Raises DockerFailed."""
        return run(self.kubectl_command(*words), dict(os.environ), stdin=stdin, seconds=seconds)

    def kubectl_command(self, *words: str | Path) -> list[str]:
        """The same as a command line, for what is to run beside."""
        command = [self._made.folder / "kubectl", f"--kubeconfig={self.kubeconfig}", *words]
        return [str(word) for word in command]

    def kind(self, verb: str, *words: str | Path, seconds: float = 600.0) -> str:
        """kind, asked about this cluster."""
        named = [self._made.kind, verb, *words, f"--name={self.name}"]
        return run(named, self.docker.environment | {"KUBECONFIG": str(self.kubeconfig)}, seconds=seconds)

    def load(self, *images: str) -> None:
        """`kind load docker-image`: the engine's images onto every node."""
        self.kind("load", "docker-image", *images)

    @property
    def workers(self) -> list[str]:
        """Names of the worker nodes, which are the names of their containers too."""
        return sorted(name for name in self.nodes if "worker" in name)

    @property
    def nodes(self) -> list[str]:
        return self.kind("get", "nodes").split()

    def stop_node(self, name: str) -> None:
        """As a machine that loses its power."""
        self.docker.run("stop", "--time=0", name)

    def start_node(self, name: str) -> None:
        self.docker.run("start", name)

    def export_logs(self, target: Path) -> None:
        """`kind export logs`; what it can't get, for want of some tool in the nodes, it leaves out."""
        try:
            self.kind("export", "logs", target)
        except DockerFailed as failure:
            (target / "incomplete.txt").write_text(str(failure))

    # -- how it comes up -----------------------------------------------------------------------------

    def _create(self, image: NodeImage, workers: int) -> None:
        config = self.folder / "kind.yaml"
        config.write_text(yaml.safe_dump(self._config(image, workers)))
        self.kind("create", "cluster", f"--image={image.name}", f"--config={config}", "--quiet")
        if not image.network:
            self._set_up_network()
        self.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s", seconds=200.0)

    def _config(self, image: NodeImage, workers: int) -> dict[str, object]:
        return {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": {"disableDefaultCNI": not image.network, "podSubnet": POD_NETWORK},
            "nodes": [{"role": "control-plane"}, *({"role": "worker"} for _ in range(workers))],
        }

    def _set_up_network(self) -> None:
        """Tell every node its own range and the others'; the node's own service does the rest, at each start."""
        nodes = json.loads(self.kubectl("get", "nodes", "--output=json"))["items"]
        ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in nodes}
        text = "\n".join([f"whole {POD_NETWORK}", *(f"{name} {each}" for name, each in ranges.items())])
        listing = self.folder / "pod-network"
        listing.write_text(text + "\n")
        for name in self.nodes:
            self.docker.run("cp", listing, f"{name}:/kind/pod-network")
            self.docker.execute(name, "systemctl", "start", "powertrain-network.service")
