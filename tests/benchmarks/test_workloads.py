"""The benchmark's rows: what is submitted, and that it fits where it should."""

from collections import Counter

import pytest
from clusterbench import workloads
from clusterbench.submit import Order, creations
from clusterbench.workloads import DEVICES_PER_NODE, RESOURCE, rows

ROWS = tuple(rows())


def order(row: str, *, pod_groups: bool = True, scale: float = 1.0, nodes: tuple[str, ...] = ()) -> Order:
    return Order("kubeconfig", row, scale, "powertrain", pod_groups, 32, nodes)


def test_the_rows_are_those_of_the_peers_table() -> None:
    found = {name: (row.nodes, sum(group.pods for group in row.groups)) for name, row in rows().items()}
    assert found == {
        "1a": (500, 4000),
        "1b": (500, 4000),
        "2": (512, 512),
        "3": (500, 1600),
        "4": (500, 502),
        "5": (500, 64),
    }


def test_scale_shrinks_nodes_and_work_alike() -> None:
    small = rows(0.1)
    assert (small["1a"].nodes, small["1a"].pods) == (50, 400)
    assert (small["3"].nodes, len(small["3"].groups), small["3"].pods) == (50, 10, 160)
    assert (small["5"].nodes, small["5"].pods) == (50, 6)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("scale", [1.0, 0.1, 0.01])
def test_only_the_group_that_is_meant_not_to_fit_does_not(name: str, scale: float) -> None:
    row = rows(scale)[name]
    room = row.nodes * DEVICES_PER_NODE
    for group in row.groups:
        assert (group.pods * group.devices > room) is (group.name == row.unplaceable)
    assert sum(group.pods * group.devices for group in row.placeable) <= room


@pytest.mark.parametrize("name", [name for name, row in rows().items() if "raw" in row.systems])
def test_the_plain_client_s_places_fill_no_node_over_what_it_has(name: str) -> None:
    row = rows()[name]
    places = workloads.assignment(row, workloads.node_names(row))
    devices = {pod: group.devices for group in row.placeable for pod in group.pod_names()}
    used: Counter[str] = Counter()
    for pod, node in places.items():
        used[node] += devices[pod]
    assert places.keys() == devices.keys()
    assert max(used.values()) <= DEVICES_PER_NODE


def test_the_filling_holds_every_device() -> None:
    row = rows()["5"]
    found = creations(order("5", nodes=workloads.node_names(row)))
    held = Counter(pod["spec"]["nodeName"] for _, _, pod in found)
    assert len(held) == row.nodes
    assert set(held.values()) == {DEVICES_PER_NODE}


def test_what_the_gang_takes_back_is_what_its_queue_lent() -> None:
    row = rows()["5"]
    queues = {
        found["metadata"]["name"]: found["spec"]
        for found in workloads.fixtures(row)
        if found["kind"] == "Queue"
    }
    (wanted,) = row.groups
    nominal = {name: spec["quotas"][0]["nominal"] for name, spec in queues.items() if "quotas" in spec}
    assert nominal == {"research": wanted.pods * wanted.devices, "default": 3488}
    assert sum(nominal.values()) == row.nodes * DEVICES_PER_NODE
    assert {spec.get("parent") for name, spec in queues.items() if name != "fleet"} == {"fleet"}


def test_a_gang_s_group_is_made_before_its_pods() -> None:
    kinds = [manifest["kind"] for _, _, manifest in creations(order("3", scale=0.02))]
    assert kinds == (["PodGroup"] + ["Pod"] * 16) * 2


def test_systems_that_know_no_groups_get_none() -> None:
    assert {manifest["kind"] for _, _, manifest in creations(order("3", pod_groups=False))} == {"Pod"}


def test_single_pods_belong_to_no_group() -> None:
    ((_, _, group), *rest) = creations(order("1a", scale=0.002))
    assert group["kind"] == "Pod"
    assert not any(workloads.GROUP_LABEL in pod["metadata"]["labels"] for _, _, pod in rest)


def test_a_pod_asks_for_its_group_s_devices() -> None:
    (_, _, group), (_, _, pod), *_ = creations(order("2"))
    assert (group["metadata"]["name"], group["spec"]["minMember"]) == ("large", 512)
    assert pod["metadata"]["labels"][workloads.GROUP_LABEL] == "large"
    assert pod["spec"]["containers"][0]["resources"]["limits"][RESOURCE] == "8"
