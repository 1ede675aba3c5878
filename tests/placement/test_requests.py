"""A pod's effective request is what kube-scheduler would work out."""

from typing import Any

import pytest
from placement.builders import pod, pod_view
from powertrain_operator.placement.translate.requests import (
    MOST,
    allocated,
    bad_quantities,
    effective_request,
)

GI = 2**30


def container(
    requests: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **more: Any
) -> Any:
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}} | more


def sidecar(requests: dict[str, Any]) -> Any:
    return container(requests, restartPolicy="Always")


def request(**spec: Any) -> dict[str, int]:
    return dict(effective_request(pod_view(pod("a", **spec)).spec))


CASES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "a pod that asks for nothing takes one place for a pod": (
        {"containers": [container()]},
        {"pods": 1},
    ),
    "containers add up, in millicores and bytes": (
        {"containers": [container({"cpu": "500m", "memory": "1Gi"}), container({"cpu": 1, "memory": "1Gi"})]},
        {"pods": 1, "cpu": 1500, "memory": 2 * GI},
    ),
    "a limit without a request is the request": (
        {"containers": [container({"cpu": "1"}, {"cpu": "2", "nvidia.com/gpu": "8"})]},
        {"pods": 1, "cpu": 1000, "nvidia.com/gpu": 8},
    ),
    "extended resources of any name count": (
        {"containers": [container({"huawei.com/Ascend910": 8, "example.com/fpga": "2", "rdma/ib": 1})]},
        {"pods": 1, "huawei.com/Ascend910": 8, "example.com/fpga": 2, "rdma/ib": 1},
    ),
    "ephemeral storage counts in bytes": (
        {"containers": [container({"ephemeral-storage": "2Gi"})]},
        {"pods": 1, "ephemeral-storage": 2 * GI},
    ),
    "a fraction of a unit is rounded up": (
        {"containers": [container({"cpu": "0.0001", "memory": "1500m"})]},
        {"pods": 1, "cpu": 1, "memory": 2},
    ),
    "init containers run one after another, so the largest counts where it is more": (
        {
            "containers": [container({"cpu": "1", "memory": "4Gi"})],
            "initContainers": [container({"cpu": "2"}), container({"cpu": "3", "memory": "1Gi"})],
        },
        {"pods": 1, "cpu": 3000, "memory": 4 * GI},
    ),
    "sidecars run beside the containers": (
        {"containers": [container({"cpu": "1"})], "initContainers": [sidecar({"cpu": "500m"})]},
        {"pods": 1, "cpu": 1500},
    ),
    "an init container runs beside the sidecars before it, not beside those after it": (
        {
            "containers": [container({"cpu": "1"})],
            "initContainers": [
                sidecar({"cpu": "1"}),
                container({"cpu": "4"}),
                sidecar({"cpu": "1"}),
            ],
        },
        {"pods": 1, "cpu": 5000},
    ),
    "overhead comes on top": (
        {"containers": [container({"cpu": "1"})], "overhead": {"cpu": "250m", "memory": "100Mi"}},
        {"pods": 1, "cpu": 1250, "memory": 100 * 2**20},
    ),
    "pod-level resources replace the containers' sum of CPU and memory, and of nothing else": (
        {
            "containers": [container({"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": 1})],
            "resources": {"requests": {"cpu": "4"}, "limits": {"memory": "8Gi"}},
        },
        {"pods": 1, "cpu": 4000, "memory": 8 * GI, "nvidia.com/gpu": 1},
    ),
    "a request of nothing is no request": (
        {"containers": [container({"nvidia.com/gpu": 0, "cpu": "0"})]},
        {"pods": 1},
    ),
    "a monstrous request is cut to what still adds up in 64 bits": (
        {"containers": [container({"memory": "9E"}), container({"memory": "9E"})]},
        {"pods": 1, "memory": MOST},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_effective_request(case: str) -> None:
    spec, wanted = CASES[case]
    assert request(**spec) == wanted


def test_the_request_is_sorted_so_that_equal_pods_have_equal_classes() -> None:
    one = pod_view(pod("a", containers=[container({"cpu": 1, "memory": 1})])).spec
    other = pod_view(pod("b", containers=[container({"memory": 1, "cpu": 1})])).spec
    assert effective_request(one) == effective_request(other)


def test_a_bad_quantity_is_told_with_its_container() -> None:
    with pytest.raises(ValueError, match="container 'c'.*'two'"):
        request(containers=[container({"cpu": "two"})])


def test_every_bad_quantity_is_named_with_its_path() -> None:
    spec: dict[str, Any] = {
        "containers": [container({"cpu": "two", "memory": "1Gi"}, {"memory": "-1"})],
        "initContainers": [container({"nvidia.com/gpu": "1x"})],
        "overhead": {"cpu": "?"},
    }
    paths = [path for path, _ in bad_quantities(pod_view(pod("a", **spec)).spec)]
    assert paths == [
        "spec.containers[0].resources.requests[cpu]",
        "spec.containers[0].resources.limits[memory]",
        "spec.initContainers[0].resources.requests[nvidia.com/gpu]",
        "spec.overhead[cpu]",
    ]


def resized(cpu: str, sets_aside: str | None) -> dict[str, int]:
    manifest = pod("a", node="n", containers=[container({"cpu": cpu, "memory": "1Gi"})])
    held = {"cpu": sets_aside, "memory": "1Gi"} if sets_aside else {}
    manifest["status"]["containerStatuses"] = [{"name": "c", "allocatedResources": held}]
    view = pod_view(manifest)
    return dict(effective_request(view.spec, allocated(view)))


@pytest.mark.parametrize(
    ("cpu", "sets_aside", "counts"),
    [
        pytest.param("1", "4", 4000, id="on its way down, what the kubelet still sets aside counts"),
        pytest.param("4", "1", 4000, id="on its way up, what is wanted counts"),
        pytest.param("2", "2", 2000, id="at rest"),
        pytest.param("2", None, 2000, id="before the kubelet says anything"),
    ],
)
def test_a_resize_in_place_counts_as_the_larger_until_it_is_done(
    cpu: str, sets_aside: str | None, counts: int
) -> None:
    assert resized(cpu, sets_aside) == {"pods": 1, "cpu": counts, "memory": GI}
