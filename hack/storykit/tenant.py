"""One user with one namespace, who works with kubectl and nothing else."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from kindcluster import DockerFailed, KindCluster

Json = dict[str, Any]


class NeverCame(AssertionError):
    """What a story waited for did not come; the text says what was there instead."""


class Tenant:
    """A namespace and what is in it."""

    def __init__(self, cluster: KindCluster, namespace: str, image: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        """The image that workloads run."""

    def kubectl(self, *words: str | Path, seconds: float = 120.0) -> str:
        return self.cluster.kubectl(f"--namespace={self.namespace}", *words, seconds=seconds)

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """`kubectl apply -f`. Raises DockerFailed with the API server's sentence."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump_all(manifests, file)
            file.flush()
            self.kubectl("apply", f"--filename={file.name}")

    def delete(self, kind: str, name: str) -> None:
        """Gone with all that belongs to it when this returns."""
        self.kubectl("delete", kind, name, "--ignore-not-found", "--wait", "--cascade=foreground")

    def get(self, kind: str, name: str) -> Json:
        """The object; empty where there is none."""
        text = self.kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        found: Json = json.loads(text) if text.strip() else {}
        return found

    def find(self, kind: str, selector: str = "") -> list[Json]:
        words = ["get", kind, "--output=json", *([f"--selector={selector}"] if selector else [])]
        found: list[Json] = json.loads(self.kubectl(*words))["items"]
        return found

    def status(self, kind: str, name: str) -> Json:
        status: Json = self.get(kind, name).get("status", {})
        return status

    def phase(self, kind: str, name: str) -> str:
        return str(self.status(kind, name).get("phase", ""))

    def pods_of(self, job: str) -> list[Json]:
        """A job's pods in the order of their ranks."""
        found = self.find("pods", f"powertrain.dev/training-job={job}")
        return sorted(found, key=lambda pod: int(pod["metadata"]["labels"]["powertrain.dev/rank"]))

    def logs(self, pod: str) -> str:
        return self.kubectl("logs", pod)

    def execute(self, pod: str, *words: str) -> str:
        return self.kubectl("exec", pod, "--", *words)

    def until(self, what: str, seen: Callable[[], Any], seconds: float = 90.0) -> Any:
        """What `seen` gives once that is something. Raises NeverCame with where the work stands."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := seen():
                    return found
            except DockerFailed as failure:
                if time.monotonic() > deadline:
                    raise NeverCame(f"{what}: not within {seconds:.0f} s; {failure}") from failure
            if time.monotonic() > deadline:
                raise NeverCame(f"{what}: not within {seconds:.0f} s; {self._standing()}")
            time.sleep(0.5)

    def _standing(self) -> str:
        kinds = "trainingjobs,inferenceservices,podgroups,pods"
        return "this is there:\n" + self.kubectl("get", kinds, "--output=wide")


def training_job(name: str, image: str, workers: int, **spec: Any) -> Json:
    """Real training on CPUs that asks for devices; `env` are variables of the worker's container."""
    environment = [{"name": key, "value": str(value)} for key, value in spec.pop("env", {}).items()]
    container = {
        "name": "trainer",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "/workloads/train.py"],
        "env": environment,
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": RESTRICTED,
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": spec.pop("grace", 5)} | POD_RESTRICTED
    devices = spec.pop("devices", 4)
    accelerator = spec.pop("accelerator", "h100-sxm")
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": name},
        "spec": {
            "framework": "jax",
            "devices": [{"accelerator": accelerator, "perWorker": devices}],
            "workers": {"replicas": workers, "template": {"spec": pod}},
            **spec,
        },
    }


RESTRICTED: Json = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
POD_RESTRICTED: Json = {
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
"""What Pod Security `restricted` asks of every pod."""
