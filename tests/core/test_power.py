"""Watts of nodes and pools, and the catalogue they come from."""

from dataclasses import replace

import numpy as np
import pytest
from core.builders import GPU, H100, cluster, rack, running
from powertrain_scheduler.power import model
from powertrain_scheduler.power.catalogue import CATALOGUE, Figure
from powertrain_scheduler.snapshot import Pool, Power

IDLE = 500.0 + 8 * 70.0


def test_a_node_draws_its_host_and_its_devices_idle_or_active() -> None:
    snapshot = cluster(rack("r1", nodes=2, gpu=8), running("x", ["r1-1"], gpu=3), rack("cpu", nodes=1))
    assert model.node_watts(snapshot).tolist() == [0.0, IDLE, 500.0 + 5 * 70.0 + 3 * 700.0]
    assert model.pool_watts(snapshot) == {"h100": 2 * IDLE + 3 * 630.0}


def test_empty_nodes_of_a_pool_that_sleeps_draw_nothing() -> None:
    sleepy = replace(H100, power=replace(H100.power, sleeps=True))
    snapshot = cluster(rack("r1", nodes=2, gpu=8), sleepy, running("x", ["r1-1"], gpu=1))
    assert model.node_watts(snapshot).tolist() == [0.0, IDLE + 630.0]


def test_pools_are_told_apart_even_where_they_share_a_resource() -> None:
    l4 = Pool("l4", "l4", GPU, Power(16.0, 72.0, 200.0))
    snapshot = cluster(rack("a", nodes=1, gpu=8), rack("b", nodes=1, gpu=4, pool="l4"), l4)
    assert model.pool_watts(snapshot) == {"h100": IDLE, "l4": 264.0}


def test_more_used_than_there_is_counts_as_all_active() -> None:
    snapshot = cluster(rack("r1", nodes=1, gpu=8))
    snapshot.used[0, snapshot.nodes.resources.index(GPU)] = 9
    assert model.node_watts(snapshot).tolist() == [500.0 + 8 * 700.0]


def test_waking_a_node_costs_its_host_and_all_its_idle_devices() -> None:
    figures = model.figures((replace(H100, power=replace(H100.power, sleeps=True)),))
    pool, present = np.array([0, 0]), np.array([8, 8])
    added = model.added_watts(figures, pool, present, busy=np.array([0, 4]), taken=np.array([2, 2]))
    assert added.tolist() == [IDLE + 2 * 630.0, 2 * 630.0]


def test_a_pool_without_nodes_draws_nothing() -> None:
    assert model.pool_watts(cluster()) == {"h100": 0.0}


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_figure_of_the_catalogue_names_its_source(name: str) -> None:
    entry = CATALOGUE[name]
    figures = [
        each
        for each in (
            *(entry.active_watts, entry.idle_watts, entry.host_watts, entry.memory_gb),
            *(entry.bandwidth_gb_per_s, entry.bf16_tflops),
        )
        if each is not None
    ]
    assert entry.name == name
    assert all(isinstance(each, Figure) and each.value > 0 for each in figures)
    assert all(
        each.source.split(" ")[0].rstrip(":") in ("vendor", "measured", "literature", "estimate")
        for each in figures
    )


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_idle_is_less_than_active_and_what_is_unknown_gives_no_power(name: str) -> None:
    entry = CATALOGUE[name]
    known = entry.active_watts is not None and entry.idle_watts is not None
    assert (entry.power is not None) is known
    if entry.power is not None:
        assert 0 < entry.power.device_idle < entry.power.device_active
        assert entry.power.speed == entry.bf16_tflops.value and not entry.power.sleeps


def test_the_models_of_the_demo_are_complete() -> None:
    assert all(CATALOGUE[name].power is not None for name in ("h100-sxm", "ascend-910b", "l4"))
