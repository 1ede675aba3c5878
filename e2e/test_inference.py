"""As somebody who serves a model, I get an address that always answers, whatever happens to single replicas."""

import json
import threading
import time
from typing import Any

from storykit.tenant import POD_RESTRICTED, RESTRICTED, Tenant

CLIENT = """
import collections, json, sys, time, urllib.request
until, counts, last = time.time() + float(sys.argv[2]), collections.Counter(), ""
while time.time() < until:
    body = json.dumps({"prompt": "a b c", "max_tokens": 4}).encode()
    request = urllib.request.Request(sys.argv[1] + "/v1/completions", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            counts[json.load(answer)["served_by"]] += 1
    except OSError as error:
        counts["failed"] += 1
        last = str(error)
print(json.dumps({"counts": counts, "last": last}))
"""
"""Asks all the time, from inside the cluster, and tells who answered."""


def service(name: str, image: str, replicas: int) -> dict[str, Any]:
    container = {
        "name": "engine",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "/workloads/engine.py"],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "securityContext": RESTRICTED,
    }
    return {
        "apiVersion": "powertrain.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {
            "model": {"name": "tiny"},
            "engine": "vllm",
            "replicas": replicas,
            "devices": [{"accelerator": "h100-sxm", "perWorker": 1}],
            "template": {"spec": {"containers": [container]} | POD_RESTRICTED},
        },
    }


def ready(tenant: Tenant, count: int) -> bool:
    return tenant.status("pis", "chat").get("ready") == f"{count}/{count}"


def client_pod(tenant: Tenant) -> None:
    """A pod from which the service is asked."""
    container = {
        "name": "client",
        "image": tenant.image,
        "imagePullPolicy": "Never",
        "command": ["sleep", "600"],
        "securityContext": RESTRICTED,
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0} | POD_RESTRICTED
    tenant.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": spec})
    tenant.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=60s")


class Asking(threading.Thread):
    """Asks the service for so long, and keeps who answered."""

    def __init__(self, tenant: Tenant, url: str, seconds: float) -> None:
        super().__init__()
        self._tenant, self._url, self._seconds = tenant, url, seconds
        self.counts: dict[str, int] = {}
        self.last = ""

    def run(self) -> None:
        said = self._tenant.execute("client", "python", "-c", CLIENT, self._url, str(self._seconds))
        told = json.loads(said)
        self.counts, self.last = told["counts"], told["last"]


def test_a_service_answers_scales_and_outlives_its_replicas(tenant: Tenant) -> None:
    tenant.apply(service("chat", tenant.image, 2))
    client_pod(tenant)
    tenant.until("two replicas are ready", lambda: ready(tenant, 2))
    url = tenant.status("pis", "chat")["url"]
    asking = Asking(tenant, url, 40.0)
    asking.start()
    time.sleep(3)
    tenant.kubectl("scale", "pis", "chat", "--replicas=4")
    tenant.until("four replicas are ready", lambda: ready(tenant, 4))
    tenant.kubectl("scale", "pis", "chat", "--replicas=2")
    tenant.until("two replicas are left", lambda: ready(tenant, 2) and len(_replicas(tenant)) == 2)
    asking.join()
    assert asking.counts.get("failed", 0) == 0, asking.last  # only ever sent to ready ones
    assert len(asking.counts) >= 3  # the new ones answered, too
    killed = _replicas(tenant)[0]
    tenant.kubectl("delete", "pod", killed["metadata"]["name"], "--wait=false")
    tenant.until("another is ready in its place", lambda: _replaced(tenant, killed) and ready(tenant, 2))


def _replicas(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.find("pods", "powertrain.dev/inference-service=chat")


def _replaced(tenant: Tenant, killed: dict[str, Any]) -> bool:
    return killed["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in _replicas(tenant)}
