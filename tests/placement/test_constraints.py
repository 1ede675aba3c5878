"""Where a pod may go is read as kube-scheduler reads it; what is not understood is not passed over."""

from typing import Any

import pytest
from placement.builders import pod, pod_view
from powertrain_operator.placement.translate import constraints
from powertrain_operator.placement.translate.pods import pod_class, same_class
from powertrain_scheduler.snapshot import HostPort, NodeTerm, Requirement, Toleration


def node_affinity(required: list[Any] | None = None, preferred: list[Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if required is not None:
        found["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": required}
    if preferred is not None:
        found["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    return {"affinity": {"nodeAffinity": found}}


def rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def test_terms_are_alternatives_over_labels_and_names() -> None:
    spec = node_affinity(
        required=[
            {"matchExpressions": [rule("zone", "In", "a", "b"), rule("gpu", "Exists")]},
            {"matchFields": [rule("metadata.name", "In", "n1")]},
        ]
    )
    assert pod_class(pod_view(pod("p", **spec)).spec).node_terms == (
        NodeTerm(labels=(Requirement("zone", "In", ("a", "b")), Requirement("gpu", "Exists"))),
        NodeTerm(fields=(Requirement("metadata.name", "In", ("n1",)),)),
    )


def test_an_empty_required_term_matches_no_node() -> None:
    only_empty = pod_class(pod_view(pod("p", **node_affinity(required=[{}]))).spec)
    assert only_empty.node_terms == (NodeTerm(fields=(Requirement("metadata.name", "In", ()),)),)
    beside_another = node_affinity(required=[{}, {"matchExpressions": [rule("a", "Exists")]}])
    assert pod_class(pod_view(pod("p", **beside_another)).spec).node_terms == (
        NodeTerm(labels=(Requirement("a", "Exists"),)),
    )


def test_wishes_keep_their_weight_and_empty_ones_are_left_out() -> None:
    spec = node_affinity(
        preferred=[
            {"weight": 30, "preference": {"matchExpressions": [rule("fast", "Exists")]}},
            {"weight": 50, "preference": {}},
        ]
    )
    assert pod_class(pod_view(pod("p", **spec)).spec).preferred == (
        (30, NodeTerm(labels=(Requirement("fast", "Exists"),))),
    )


def test_selector_and_tolerations_are_taken_over() -> None:
    spec: dict[str, Any] = {
        "nodeSelector": {"b": "2", "a": "1"},
        "tolerations": [
            {"key": "dedicated", "value": "ml", "effect": "NoSchedule"},
            {"operator": "Exists"},
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
        ],
    }
    found = pod_class(pod_view(pod("p", **spec)).spec)
    assert found.node_selector == (("a", "1"), ("b", "2"))
    assert found.tolerations == (
        Toleration("dedicated", "Equal", "ml", "NoSchedule"),
        Toleration("", "Exists", "", ""),
        Toleration("node.kubernetes.io/not-ready", "Exists", "", ""),
    )


def ports(*each: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "c", "ports": list(each)}]


PORTS: dict[str, tuple[dict[str, Any], tuple[HostPort, ...]]] = {
    "a container port alone claims nothing of the node": (
        {"containers": ports({"containerPort": 80})},
        (),
    ),
    "a host port claims every address unless it names one": (
        {"containers": ports({"hostPort": 80}, {"hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"})},
        (HostPort("UDP", "10.0.0.1", 53), HostPort("TCP", "0.0.0.0", 80)),
    ),
    "on the host network every named port is a host port": (
        {"hostNetwork": True, "containers": ports({"containerPort": 8000})},
        (HostPort("TCP", "0.0.0.0", 8000),),
    ),
    "sidecars hold their ports, other init containers give them back": (
        {
            "containers": ports(),
            "initContainers": [
                {"name": "s", "restartPolicy": "Always", "ports": [{"hostPort": 1}]},
                {"name": "i", "ports": [{"hostPort": 2}]},
            ],
        },
        (HostPort("TCP", "0.0.0.0", 1),),
    ),
}


@pytest.mark.parametrize("case", PORTS)
def test_host_ports(case: str) -> None:
    spec, wanted = PORTS[case]
    assert pod_class(pod_view(pod("p", **spec)).spec).host_ports == wanted


UNSUPPORTED: dict[str, tuple[dict[str, Any], str]] = {
    "resource claims": ({"resourceClaims": [{"name": "gpu"}]}, "resource claims"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_is_required_but_not_understood_is_told(case: str) -> None:
    spec, wanted = UNSUPPORTED[case]
    assert (constraints.unsupported(pod_view(pod("p", **spec)).spec) or "").startswith(wanted)


def test_claims_are_those_named_and_those_made_for_the_pod() -> None:
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "shared"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "tmp", "emptyDir": {}},
    ]
    spec = pod_view(pod("p", volumes=volumes)).spec
    assert constraints.claims("team", "p", spec) == ("team/p-scratch", "team/shared")


def test_the_class_stays_when_only_the_node_changes() -> None:
    before, after = pod_view(pod("p", gpu=1)).spec, pod_view(pod("p", gpu=1, node="n1")).spec
    assert same_class(before, after)
    assert not same_class(before, pod_view(pod("p", gpu=2)).spec)
