"""One kind cluster for all stories: brought up once, Powertrain installed as a user would, taken down at the end."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kindcluster import KindCluster, engine, images
from kindcluster.docker import run
from localcluster import build
from storykit.advertiser import advertised
from storykit.tenant import Tenant

ROOT = Path(__file__).resolve().parents[1]
SYSTEM = "powertrain-system"
RACK, BLOCK, ACCELERATOR = (
    "topology.powertrain.dev/rack",
    "topology.powertrain.dev/block",
    "powertrain.dev/accelerator",
)
_START = time.monotonic()


def say(sentence: str) -> None:
    """A line of progress, past pytest's capture."""
    os.write(2, f"{time.monotonic() - _START:6.1f} s  {sentence}\n".encode())


@pytest.fixture(scope="session")
def bare(request: pytest.FixtureRequest) -> Iterator[KindCluster]:
    """The cluster before Powertrain: one control plane, three workers in two racks, devices on them."""
    if held := os.environ.get("POWERTRAIN_E2E_HELD"):
        with furnished(KindCluster.held(Path(held), say)) as cluster:
            yield cluster
        return
    with (
        tempfile.TemporaryDirectory(prefix="powertrain-e2e-") as folder,
        engine(say) as docker,
        KindCluster.start(docker, 3, Path(folder), say) as cluster,
        furnished(cluster),
    ):
        yield cluster
        if request.session.testsfailed:
            keep(cluster)


@contextmanager
def furnished(cluster: KindCluster) -> Iterator[KindCluster]:
    """Racks and devices on the workers."""
    devices = {}
    for number, node in enumerate(cluster.workers):
        resource, accelerator = KINDS[number]
        devices[node] = (resource, 8)
        labels = (f"{RACK}=r{number // 2}", f"{BLOCK}=b0", f"{ACCELERATOR}={accelerator}")
        cluster.kubectl("label", "node", node, "--overwrite", *labels)
    with advertised(cluster, devices):
        yield cluster


KINDS = (
    ("nvidia.com/gpu", "h100-sxm"),
    ("nvidia.com/gpu", "h100-sxm"),
    ("huawei.com/Ascend910", "ascend-910b"),
)
"""The workers' devices, in the order of their names."""


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm program."""
    return build.ensure(say) / "helm"


@pytest.fixture(scope="session")
def cluster(bare: KindCluster, helm: Path) -> KindCluster:
    """The cluster with Powertrain in it: image loaded, chart installed, pools applied; nothing else."""
    image = images.powertrain(bare.docker, say)
    bare.load(image)
    say("helm install")
    repository, tag = image.rsplit(":", 1)
    values = [
        f"--set=image.repository={repository}",
        f"--set=image.tag={tag}",
        "--set=image.pullPolicy=Never",
    ]
    command: list[str | Path] = [
        helm,
        "upgrade",
        "--install",
        "powertrain",
        ROOT / "charts" / "powertrain",
        "--create-namespace",
    ]
    command += [f"--namespace={SYSTEM}", *values, "--wait", "--timeout=180s"]
    run(command, os.environ | {"KUBECONFIG": str(bare.kubeconfig)}, seconds=240.0)
    bare.kubectl("apply", f"--filename={ROOT / 'e2e' / 'pools.yaml'}")
    return bare


@pytest.fixture(scope="session")
def workloads(bare: KindCluster) -> str:
    """The image of what tenants run, on every node."""
    image = images.workloads(bare.docker, say)
    bare.load(image)
    return image


@pytest.fixture
def tenant(cluster: KindCluster, workloads: str, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A user with an empty namespace; when the story is over nothing of it is left."""
    name = request.node.name.replace("test_", "").replace("_", "-")[:50].strip("-")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    manifest = cluster.folder / f"{name}.json"
    manifest.write_text(json.dumps(namespace))
    cluster.kubectl("apply", f"--filename={manifest}")
    started = time.monotonic()
    yield Tenant(cluster, name, workloads)
    say(f"{request.node.name}: {time.monotonic() - started:.1f} s")
    cluster.kubectl("delete", "namespace", name, "--wait", seconds=180.0)


def keep(cluster: KindCluster) -> None:
    """Everything that tells why a story failed, in a folder whose name is printed."""
    folder = Path(tempfile.mkdtemp(prefix="powertrain-e2e-failed-"))
    cluster.export_logs(folder)
    kinds = "trainingjobs,inferenceservices,podgroups,queues,acceleratorpools,pods,nodes"
    for name, words in {
        "objects.yaml": ("get", kinds, "--all-namespaces", "--output=yaml"),
        "events.txt": ("get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"),
        "operator.log": (
            "logs",
            f"--namespace={SYSTEM}",
            "--selector=app.kubernetes.io/component=operator",
            "--tail=-1",
        ),
        "scheduler.log": (
            "logs",
            f"--namespace={SYSTEM}",
            "--selector=app.kubernetes.io/component=scheduler",
            "--tail=-1",
        ),
    }.items():
        (folder / name).write_text(cluster.kubectl(*words))
    say(f"what the cluster looked like is kept in {folder}")
