"""Where a pod may go: Kubernetes' own rules, one by one."""

from typing import Any

import pytest
from core.builders import (
    RACK,
    HostPort,
    NodeTerm,
    Taint,
    Toleration,
    cluster,
    decide,
    nodes,
    pending,
    pod_class,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import Requirement

FLEET = (
    *rack("a", nodes=1, labels={"disk": "ssd", "generation": "7"}),
    *rack("b", nodes=1, labels={"disk": "hdd", "generation": "12"}),
    *rack("c", nodes=1),
)


def labels(key: str, operator: str, *values: str) -> NodeTerm:
    return NodeTerm(labels=(Requirement(key, operator, values),))


def names(operator: str, *values: str) -> NodeTerm:
    return NodeTerm(fields=(Requirement("metadata.name", operator, values),))


@pytest.mark.parametrize(
    ("terms", "allowed"),
    [
        pytest.param([labels("disk", "In", "ssd", "nvme")], "a", id="In takes any of its values"),
        pytest.param([labels("disk", "NotIn", "ssd")], "bc", id="NotIn takes nodes without the label, too"),
        pytest.param([labels("disk", "Exists")], "ab", id="Exists asks for the label alone"),
        pytest.param([labels("disk", "DoesNotExist")], "c", id="DoesNotExist asks for its absence"),
        pytest.param([labels("generation", "Gt", "7")], "b", id="Gt compares numbers, not letters"),
        pytest.param([labels("generation", "Lt", "12")], "a", id="Lt leaves out nodes without the label"),
        pytest.param([labels("disk", "Gt", "7")], "", id="Gt matches nothing that is not a number"),
        pytest.param([labels("disk", "Like", "s*")], "", id="an unknown operator matches nothing"),
        pytest.param([names("In", "b-0", "gone")], "b", id="matchFields takes names"),
        pytest.param([names("NotIn", "b-0")], "ac", id="matchFields leaves names out"),
        pytest.param([NodeTerm()], "", id="a term without rules matches nothing"),
        pytest.param([labels("disk", "In", "ssd"), names("In", "c-0")], "ac", id="any one term is enough"),
        pytest.param(
            [NodeTerm(labels=(Requirement("disk", "Exists"), Requirement("generation", "Gt", ("7",))))],
            "b",
            id="all rules of a term must hold",
        ),
    ],
)
def test_required_node_affinity(terms: list[NodeTerm], allowed: str) -> None:
    pods = pending(
        "p", 3, of=pod_class(host_ports=(HostPort("TCP", "", 80),), node_terms=tuple(terms)), min_member=1
    )
    assert {bind.node[0] for bind in decide(cluster(FLEET, pods)).binds} == set(allowed)


@pytest.mark.parametrize(
    ("toleration", "passes"),
    [
        pytest.param(None, False, id="nothing tolerates by itself"),
        pytest.param(Toleration("lab", "Equal", "x"), True, id="Equal wants the value"),
        pytest.param(Toleration("lab", "Equal", "y"), False, id="Equal refuses another value"),
        pytest.param(Toleration("lab", "", "x"), True, id="no operator means Equal"),
        pytest.param(Toleration("lab", "Exists"), True, id="Exists takes any value"),
        pytest.param(Toleration("", "Exists"), True, id="Exists without a key takes any taint"),
        pytest.param(Toleration("lab", "Exists", effect="NoExecute"), False, id="an effect limits it"),
        pytest.param(Toleration("lab", "Sometimes", "x"), False, id="an unknown operator tolerates nothing"),
    ],
)
def test_taints_and_tolerations(toleration: Toleration | None, passes: bool) -> None:
    tainted = rack("a", nodes=1, taints=[Taint("lab", "x")])
    pod = pod_class(tolerations=(toleration,) if toleration else ())
    assert bool(started(decide(cluster(tainted, pending("p", of=pod))))) is passes


def test_one_untolerated_taint_of_many_is_enough() -> None:
    tainted = rack("a", nodes=1, taints=[Taint("lab"), Taint("old", effect="NoExecute")])
    pod = pod_class(tolerations=(Toleration("lab", "Exists"),))
    assert not started(decide(cluster(tainted, pending("p", of=pod))))


def test_a_taint_that_asks_to_be_avoided_is_avoided_but_keeps_nobody_away() -> None:
    soft = rack("a", nodes=1, gpu=8, taints=[Taint("old", effect="PreferNoSchedule")])
    other = rack("b", nodes=1, gpu=8)
    assert nodes(decide(cluster(soft, other, pending("p", 1, 1))), "p") == ("b-0",)
    assert nodes(decide(cluster(soft, pending("p", 1, 1))), "p") == ("a-0",)


def test_preferred_affinity_weighs_more_than_packing() -> None:
    pod = pod_class(1, preferred=((50, labels("disk", "In", "ssd")), (10, labels("disk", "In", "hdd"))))
    fleet = rack("a", nodes=1, gpu=8), rack("b", nodes=1, gpu=8, labels={"disk": "ssd"})
    full = running("x", ["a-0"], gpu=6)
    assert nodes(decide(cluster(*fleet, full, pending("p", of=pod))), "p") == ("b-0",)


@pytest.mark.parametrize(
    ("claimed", "asked", "passes"),
    [
        (HostPort("TCP", "10.0.0.1", 80), HostPort("TCP", "10.0.0.1", 80), False),
        (HostPort("TCP", "10.0.0.1", 80), HostPort("TCP", "10.0.0.2", 80), True),
        (HostPort("TCP", "0.0.0.0", 80), HostPort("TCP", "10.0.0.2", 80), False),
        (HostPort("TCP", "10.0.0.1", 80), HostPort("TCP", "0.0.0.0", 80), False),
        (HostPort("TCP", "10.0.0.1", 80), HostPort("UDP", "10.0.0.1", 80), True),
        (HostPort("TCP", "10.0.0.1", 80), HostPort("TCP", "10.0.0.1", 81), True),
    ],
)
def test_host_ports_clash_by_protocol_number_and_address(
    claimed: HostPort, asked: HostPort, passes: bool
) -> None:
    world = cluster(
        rack("a", nodes=1), pending("p", of=pod_class(host_ports=(asked,))), ports={"a-0": [claimed]}
    )
    assert bool(started(decide(world))) is passes


def test_two_pods_with_one_host_port_take_two_nodes() -> None:
    pod = pod_class(host_ports=(HostPort("TCP", "0.0.0.0", 80),))
    plan = decide(cluster(rack("a", nodes=2), pending("p", 1, of=pod), pending("q", 1, of=pod)))
    assert {bind.node for bind in plan.binds} == {"a-0", "a-1"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"selector": {"disk": "ssd", "zone": "z"}},
            "0/5 nodes match: 4 lack label disk=ssd, 1 lack label zone=z",
        ),
        ({"selector": {"disk": "ssd"}}, "0/5 nodes match: 4 lack label disk=ssd, 1 have taint lab=x"),
        (
            {"node_terms": (labels("disk", "In", "tape"),)},
            "0/5 nodes match: 5 do not match the pod's node affinity",
        ),
        (
            {"selector": {RACK: "c"}},
            "0/5 nodes match: 3 lack label topology/rack=c, 2 are cordoned or not ready",
        ),
    ],
)
def test_a_pod_that_matches_no_node_is_told_at_which_check_nodes_fail(
    more: dict[str, Any], told: str
) -> None:
    fleet = (
        *rack("a", nodes=1, labels={"disk": "ssd"}, taints=[Taint("lab", "x")]),
        *rack("b", nodes=2),
        *rack("c", nodes=2, cordoned=True),
    )
    found = wait(decide(cluster(fleet, pending("p", of=pod_class(**more)))), "p")
    assert (found.reason, found.message) == (Reason.NO_MATCHING_NODES, told)
