"""The manifests in crds/examples: good, complete, and of one world."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from powertrain_operator.api import (
    KINDS,
    AcceleratorPool,
    InferenceService,
    PodGroup,
    Queue,
    TrainingJob,
    parse,
)
from powertrain_operator.api.names import LABEL_POD_GROUP, SCHEDULER_NAME

FOLDER = Path(__file__).parents[2] / "crds" / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))


def manifests(*files: Path) -> list[dict[str, Any]]:
    return [found for file in files for found in yaml.safe_load_all(file.read_text("utf-8"))]


OURS = [parse(found) for found in manifests(*FILES) if found["kind"] in KINDS]
PODS = [found for found in manifests(*FILES) if found["kind"] == "Pod"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_opens_with_what_it_shows(file: Path) -> None:
    assert file.read_text("utf-8").startswith("# ")


def test_there_is_an_example_of_each_kind() -> None:
    assert {each.kind for each in OURS} == set(KINDS)


def test_every_example_is_in_a_queue_that_is_there() -> None:
    queues = {each.name for each in OURS if isinstance(each, Queue)}
    wanted = {each.spec.queue for each in OURS if isinstance(each, TrainingJob | InferenceService | PodGroup)}
    parents = {each.spec.parent for each in OURS if isinstance(each, Queue) and each.spec.parent}
    assert wanted | parents <= queues


def test_every_example_asks_for_devices_that_a_pool_offers() -> None:
    offered = {each.spec.accelerator for each in OURS if isinstance(each, AcceleratorPool)}
    work = [each for each in OURS if isinstance(each, TrainingJob | InferenceService)]
    assert {device.accelerator for each in work for device in each.spec.devices} <= offered


def test_every_topology_asked_for_is_a_level_of_the_pool_that_is_asked() -> None:
    levels = {
        each.spec.accelerator: each.spec.topology_levels for each in OURS if isinstance(each, AcceleratorPool)
    }
    for each in OURS:
        if isinstance(each, TrainingJob | InferenceService) and each.spec.topology and each.spec.devices:
            asked = {each.spec.topology.required, each.spec.topology.preferred} - {None}
            assert asked <= set(levels[each.spec.devices[0].accelerator]), each.name


def test_the_plain_pods_make_up_their_group() -> None:
    (group,) = [each for each in OURS if isinstance(each, PodGroup)]
    members = [pod for pod in PODS if pod["metadata"]["labels"][LABEL_POD_GROUP] == group.name]
    assert len(members) == len(PODS) == group.spec.min_member
    assert {pod["spec"]["schedulerName"] for pod in PODS} == {SCHEDULER_NAME}
