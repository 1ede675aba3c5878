"""Helm, from the local cluster's programs, and the chart as it renders."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import build

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "powertrain"
NAMESPACE = "powertrain-system"

ALL_ON = {
    "image": {"digest": "sha256:" + "0" * 64, "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "logs": {"format": "text", "level": "debug"},
    "operator": {
        "workers": 4,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "podAnnotations": {"example.org/note": "kept"},
        "podLabels": {"team": "platform"},
    },
    "scheduler": {
        "replicas": 2,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "podAnnotations": {"example.org/note": "kept"},
        "podLabels": {"team": "platform"},
    },
    "defaultQueue": {"weight": 3, "quotas": [{"accelerator": "h100-sxm", "nominal": 64, "lendingLimit": 32}]},
    "metrics": {
        "port": 9090,
        "annotations": True,
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {}}]},
}
"""Values with every optional part of the chart switched on."""

ALL_OFF = {"defaultQueue": {"enabled": False}, "rbac": {"userRoles": False}}


class HelmFailed(Exception):
    """Helm's exit status was not 0; the text is what it said."""


Helm = Callable[..., str]
Objects = list[dict[str, Any]]
Render = Callable[..., Objects]


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """`helm("lint", ...)` gives its output; `values` are handed over as a file."""
    program = build.ensure(print) / "helm"
    home = tmp_path_factory.mktemp("helm")
    environment = os.environ | {f"HELM_{part}_HOME": str(home / part) for part in ("CACHE", "CONFIG", "DATA")}

    def run(*arguments: str, values: dict[str, Any] | None = None) -> str:
        done = subprocess.run(
            [program, *arguments, *(("--values", "-") if values is not None else ())],
            input=yaml.safe_dump(values) if values is not None else "",
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise HelmFailed(done.stdout + done.stderr)
        return done.stdout

    return run


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """The objects that an installation with these values would make; not to be changed."""
    seen: dict[str, Objects] = {}

    def rendered(values: dict[str, Any] | None = None) -> Objects:
        key = json.dumps(values or {}, sort_keys=True)
        if key not in seen:
            text = helm("template", "powertrain", str(CHART), "--namespace", NAMESPACE, values=values or {})
            seen[key] = [found for found in yaml.safe_load_all(text) if found]
        return seen[key]

    return rendered


def named(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """The one object of this kind and name."""
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found
