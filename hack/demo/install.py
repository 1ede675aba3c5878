"""What a cluster gets before Powertrain runs on it: kinds, ServiceAccounts with their rights, objects.

As an administrator would do it: `kubectl apply` for the kinds, the Helm chart's own templates for the
rights. The chart's Deployments are left out, since the processes run beside the local cluster.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from localcluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
CRDS = ROOT / "crds"
EXAMPLES = CRDS / "examples"
CHART = ROOT / "charts" / "powertrain"
SYSTEM_NAMESPACE = "powertrain-system"
OPERATOR, SCHEDULER = "powertrain-operator", "powertrain-scheduler"
"""The chart's two ServiceAccounts."""

_RIGHTS = frozenset({"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})


def custom_resources(cluster: Cluster) -> None:
    """Our kinds, served when this returns."""
    cluster.kubectl("apply", "-f", str(CRDS))
    cluster.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", "--recursive=false", "-f", str(CRDS)
    )


def rights(cluster: Cluster) -> None:
    """The namespace, and each ServiceAccount with exactly what the chart grants it."""
    rendered = cluster.helm("template", "powertrain", str(CHART), "--namespace", SYSTEM_NAMESPACE)
    objects = [found for found in yaml.safe_load_all(rendered) if found]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}}
    apply(cluster, [namespace, *(found for found in objects if found["kind"] in _RIGHTS)])


def namespace(cluster: Cluster, name: str) -> None:
    """A namespace in which pods may be created at once: without its default ServiceAccount they are refused."""
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", "--for=create", "--timeout=30s", f"--namespace={name}", "serviceaccount/default")


def apply(cluster: Cluster, objects: Iterable[Mapping[str, Any]]) -> None:
    """`kubectl apply` of these, in one call."""
    bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(bundle))
