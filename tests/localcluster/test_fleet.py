"""A fleet's nodes carry what pools, topology and the scheduler read."""

from collections import Counter

import pytest
from localcluster.fleet import DEMO_FLEET, LABEL_ACCELERATOR, LABEL_BLOCK, LABEL_RACK, NodeShape


def count(label: str, shape: NodeShape) -> dict[str, int]:
    return dict(Counter(node["metadata"]["labels"][label] for node in shape.manifests()))


def test_nodes_are_spread_over_racks_and_racks_over_blocks() -> None:
    shape = NodeShape("a", 8, racks=4, blocks=2)
    assert count(LABEL_RACK, shape) == {f"a-rack-{n}": 2 for n in range(4)}
    assert count(LABEL_BLOCK, shape) == {"a-block-0": 4, "a-block-1": 4}


def test_a_rack_lies_in_one_block_also_when_the_numbers_do_not_divide() -> None:
    nodes = list(NodeShape("a", 10, racks=3, blocks=2).manifests())
    blocks_of: dict[str, set[str]] = {}
    for node in nodes:
        labels = node["metadata"]["labels"]
        blocks_of.setdefault(labels[LABEL_RACK], set()).add(labels[LABEL_BLOCK])
    assert set(blocks_of) == {"a-rack-0", "a-rack-1", "a-rack-2"}
    assert all(len(blocks) == 1 for blocks in blocks_of.values())


@pytest.mark.parametrize(("resource", "expected"), [("nvidia.com/gpu", "4"), ("", None)])
def test_a_node_offers_its_devices_and_none_without_a_resource(resource: str, expected: str | None) -> None:
    (node,) = NodeShape("a", 1, resource, devices=4).manifests()
    assert node["status"]["allocatable"].get("nvidia.com/gpu") == expected


def test_the_demo_fleet_is_of_three_kinds_of_accelerator() -> None:
    assert {shape.accelerator: shape.count * shape.devices for shape in DEMO_FLEET} == {
        "h100-sxm": 128,
        "ascend-910b": 64,
        "l4": 16,
    }
    assert all(count(LABEL_ACCELERATOR, shape) == {shape.accelerator: shape.count} for shape in DEMO_FLEET)
