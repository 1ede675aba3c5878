"""vLLM: its command line, environment and probes.

Several pods of one replica work together without Ray: every pod runs the same command with its
`--node-rank`, and those after the first with `--headless`, which serve no HTTP and so have no probes.
Figures of the probes are those KServe has proved; the first load of a large model takes minutes.
"""

from collections.abc import Mapping
from typing import Any

from powertrain_operator.reconcile.engines import custom
from powertrain_operator.reconcile.engines.serving import Serving
from powertrain_operator.reconcile.podbuilder import with_environment

CONTAINER = "vllm"
IMAGE = "vllm/vllm-openai:v0.33.0"
IMAGE_ASCEND = "quay.io/ascend/vllm-ascend:v0.23.0"
"""Where the template names no image. Pinned, so that what is served changes with Powertrain's releases only."""

MASTER_PORT = 29501
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")

DRAIN_SECONDS = 15
"""After the Service has dropped the pod some clients still send: it stays up for them."""


def complete(container: Mapping[str, Any], serving: Serving, node: int) -> dict[str, Any]:
    """The container as vLLM needs it; whatever the template says of a field stays as it is there."""
    if node > 0:
        container = {field: value for field, value in container.items() if field not in PROBES}
    whole = {
        "image": image(serving.resource),
        "command": ["vllm", "serve"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        **(_answering(serving.service.spec.port) if node == 0 else {}),
        **container,
        "args": [*arguments(serving, node), *(container.get("args") or [])],
    }
    return with_environment(whole, {**custom.variables(serving, node), **variables()})


def image(resource: str | None) -> str:
    return IMAGE_ASCEND if (resource or "").startswith("huawei.com/") else IMAGE


def arguments(serving: Serving, node: int) -> list[str]:
    """The command line after `vllm serve`; the author's arguments come last and so win."""
    spec = serving.service.spec
    ours = [
        spec.model.uri or spec.model.name,
        f"--served-model-name={spec.model.name}",
        f"--tensor-parallel-size={spec.parallelism.tensor}",
        f"--pipeline-parallel-size={spec.parallelism.pipeline}",
        f"--port={spec.port}",
    ]
    if serving.nodes > 1:
        ours += [
            f"--nnodes={serving.nodes}",
            f"--node-rank={node}",
            f"--master-addr={serving.leader}",
            f"--master-port={MASTER_PORT}",
            "--distributed-executor-backend=mp",
        ]
    if node > 0:
        ours.append("--headless")
    return [*ours, *spec.args]


def variables() -> dict[str, str | Mapping[str, Any]]:
    """vLLM picks the first address it finds where it is not told its own."""
    return {"VLLM_HOST_IP": {"fieldRef": {"fieldPath": "status.podIP"}}}


def _answering(port: int) -> dict[str, Any]:
    """Port and probes of a pod that answers requests."""

    def probe(period: int, failures: int, timeout: int) -> dict[str, Any]:
        get = {"path": "/health", "port": port}
        return {
            "httpGet": get,
            "periodSeconds": period,
            "failureThreshold": failures,
            "timeoutSeconds": timeout,
        }

    return {
        "ports": [{"name": "http", "containerPort": port}],
        "startupProbe": probe(10, 60, 5),
        "readinessProbe": probe(1, 2, 5),
        "livenessProbe": probe(10, 10, 10),
    }
