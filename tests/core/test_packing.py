"""Which node and device: what is put to waste, energy while there is room, and the packings of the literature."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from core.builders import GPU, NOW, Policy, cluster, decide, nodes, pending, pod_class, rack, running
from powertrain_scheduler import scores
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import PACKINGS
from powertrain_scheduler.scores import fragments, packings, prices, workload
from powertrain_scheduler.session import Change
from powertrain_scheduler.snapshot import NodeTerm, PodClass, PodGroup, Pool, Power, Requirement, Snapshot


def share(thousandths: int, cpu: int = 1000) -> PodClass:
    return pod_class(cpu=cpu, share=(GPU, thousandths))


def sharing(name: str, on: str, device: str, of: PodClass) -> PodGroup:
    group = running(name, [on], of=of)
    return replace(group, placed=(replace(group.placed[0], device=device),))


def where(plan: Plan, group: str) -> list[tuple[str, str]]:
    return [(bind.node, bind.device) for bind in plan.binds if bind.group == group]


# -- prices ------------------------------------------------------------------------------------------


def test_two_halves_are_worth_a_device_and_what_is_left_of_one_is_worth_the_other() -> None:
    waste = prices.waste({500: 10.0})
    assert waste[50] == 0.0 and waste[100] == 0.0
    assert waste[49] == 490.0


def test_a_share_that_leaves_nothing_of_use_is_worth_a_whole_device() -> None:
    """Of 810 no other share fits into what is left: a remainder of 810 is as good as a whole device."""
    waste = prices.waste({810: 10.0, 500: 4.0})
    assert waste[81] == 810.0 - 1000.0
    assert waste[19] == 190.0


def test_shares_that_complete_each_other_share_the_price() -> None:
    price = prices.prices(np.array([32, 65], dtype=np.int64), np.array([20.0, 5.0]))
    assert price.tolist() == pytest.approx([1 / 3, 2 / 3])
    assert prices.waste({650: 5.0, 320: 20.0})[35] == 17.0  # another 320 fits


@pytest.mark.parametrize("seed", range(8))
def test_prices_are_those_of_the_fewest_devices(seed: int) -> None:
    """Weak duality both ways: no set of shares is worth more than the device it fits on, and the prices of
    the demand add up to devices that really suffice, fractions of patterns allowed."""
    dice = np.random.default_rng(seed)
    sizes = np.unique(dice.integers(5, 90, 6)).astype(np.int64)
    demand = dice.integers(1, 50, len(sizes)).astype(np.float64)
    price = prices.prices(sizes, demand)
    counts = [range(100 // size + 1) for size in sizes.tolist()]
    sets = np.array([c for c in product(*counts) if np.dot(c, sizes) <= 100], dtype=np.float64)
    assert (price >= 0).all() and (sets @ price).max() <= 1.0 + 1e-6
    highspy = pytest.importorskip("highspy")
    lp = highspy.Highs()
    lp.setOptionValue("output_flag", False)
    lp.setOptionValue("threads", 1)
    for column in range(len(sets)):
        lp.addVar(0.0, highspy.kHighsInf)
        lp.changeColCost(column, 1.0)
    for number, wanted in enumerate(demand.tolist()):
        used = np.flatnonzero(sets[:, number])
        lp.addRow(wanted, highspy.kHighsInf, len(used), used.astype(np.int32), sets[used, number])
    lp.run()
    assert price @ demand == pytest.approx(lp.getInfo().objective_function_value, rel=1e-6)


# -- waste -------------------------------------------------------------------------------------------


def test_a_share_leaves_the_remainder_that_a_dearer_one_fills() -> None:
    """320 go into 650 left, of which 320 more can be made, and not into 470 left, though that device is fuller."""
    here = [sharing("b", "r-0", "0", share(530)), sharing("c", "r-1", "0", share(350))]
    snapshot = cluster(rack("r", nodes=2, gpu=1), *here, pending("a", 1, of=share(320)))
    expected = ((share(470), 10.0), (share(650), 5.0), (share(320), 30.0))
    assert where(decide(replace(snapshot, expected=expected)), "a") == [("r-1", "0")]


def test_pods_of_cpu_alone_stay_off_nodes_whose_cpu_the_devices_need() -> None:
    lean, rich = rack("lean", nodes=1, gpu=4, cpu=32), rack("rich", nodes=1, gpu=4, cpu=128)
    snapshot = cluster(lean, rich, pending("a", 1, cpu=16_000))
    snapshot = replace(snapshot, expected=((pod_class(1, cpu=8_000), 1.0),))
    assert nodes(decide(snapshot), "a") == ("rich-0",)


def test_devices_are_kept_for_those_who_can_use_no_other() -> None:
    """Two pools of one accelerator: half of the work needs the first, which is a quarter of the devices."""
    power = Power(70.0, 700.0, 0.0, 989.0)
    first, second = Pool("first", "x", GPU, power), Pool("second", "x", GPU, power)
    fleet = [
        rack("a", nodes=1, gpu=2, pool="first", labels={"kind": "first"}),
        rack("b", nodes=3, gpu=2, pool="second", labels={"kind": "second"}),
    ]
    only = pod_class(1, node_terms=(NodeTerm((Requirement("kind", "In", ("first",)),)),))
    snapshot = cluster(*fleet, first, second, pending("a", 1, gpu=1))
    assert nodes(decide(snapshot), "a") == ("a-0",)
    snapshot = replace(snapshot, expected=((only, 1.0), (pod_class(1), 1.0)))
    assert nodes(decide(snapshot), "a") == ("b-0",)


def test_energy_decides_while_there_is_room_and_waste_once_there_is_little() -> None:
    frugal = Pool("frugal", "x", GPU, Power(10.0, 70.0, 0.0, 100.0))
    hungry = Pool("hungry", "x", GPU, Power(70.0, 700.0, 0.0, 100.0))
    lean = rack("lean", nodes=1, gpu=4, cpu=16, pool="frugal")
    rich = rack("rich", nodes=1, gpu=8, cpu=400, pool="hungry")

    def snapshot(*groups: PodGroup) -> Snapshot:
        made = cluster(lean, rich, frugal, hungry, *groups)
        return replace(made, expected=((pod_class(1, cpu=8_000), 1.0),))

    asks = pending("a", 1, gpu=1, cpu=10_000)
    assert nodes(decide(snapshot(asks)), "a") == ("lean-0",)
    full = running("b", [*["rich-0"] * 7, *["lean-0"] * 2], gpu=1, cpu=100)
    assert nodes(decide(snapshot(full, asks)), "a") == ("rich-0",)


def test_among_equal_nodes_the_fullest_rack_goes_first() -> None:
    fleet = [rack("r1", nodes=2, gpu=8), rack("r2", nodes=2, gpu=8)]
    snapshot = cluster(*fleet, running("b", ["r2-0"], gpu=8), pending("a", 1, gpu=1))
    assert nodes(decide(snapshot), "a") == ("r2-1",)


# -- what follows row by row --------------------------------------------------------------------------


@pytest.mark.parametrize("packing", PACKINGS)
def test_keys_of_touched_rows_are_those_from_scratch(packing: str) -> None:
    groups = [pending(f"w{i}", 1, of=share(part)) for i, part in enumerate((300, 470, 810))]
    snapshot = cluster(
        rack("r", nodes=8, gpu=2, cpu=16), *groups, pending("x", 1, gpu=1), pending("y", 1, cpu=4000)
    )
    fleet = Fleet(snapshot, Policy(packing=packing))
    session = Draft(fleet, fleet.policy, NOW).now
    traits = [fleet.traits(group.waiting[0].pod_class) for group in snapshot.groups.values()]
    for step in range(24):
        for each in traits:
            scores.order(session, each), scores.keys(session, each)
        row = int(scores.order(session, traits[step % 5]).argmin())
        if scores.order(session, traits[step % 5])[row] == scores.LAST:
            continue
        one = np.ones(1, dtype=np.int64)
        session.place(Change("default", False, traits[step % 5], np.array([row]), one))
    fresh = session.copy()
    fresh.moment = session.moment
    for each in traits:
        assert (scores.order(session, each) == scores.order(fresh, each)).all()


# -- packings of the literature -----------------------------------------------------------------------


def test_equal_nodes_go_by_name_to_packings_of_the_literature_and_by_what_is_left_to_ours() -> None:
    wide, tight = rack("a", nodes=1, gpu=2, cpu=64), rack("b", nodes=1, gpu=2, cpu=16)
    pod = pending("a", 1, gpu=0)
    assert place("gpu-clustering", wide, tight, pod) == [("a-0", "")]
    assert place("powertrain", wide, tight, pod) == [("b-0", "")]


def test_every_packing_has_a_name() -> None:
    assert tuple(packings.PACKINGS) == PACKINGS


def place(packing: str, *parts: object) -> list[tuple[str, str]]:
    return where(decide(cluster(*parts), Policy(packing=packing, backfill=False)), "a")  # type: ignore[arg-type]


def test_packing_joins_split_devices_then_used_nodes_then_small_ones() -> None:
    small, large = rack("s", nodes=1, gpu=2), rack("l", nodes=1, gpu=8)
    here = sharing("b", "l-0", "0", share(300))
    assert place("gpu-packing", small, large, here, pending("a", 1, of=share(500))) == [("l-0", "0")]
    assert place("gpu-packing", small, large, here, pending("a", 1, gpu=1)) == [("l-0", "")]
    assert place("gpu-packing", small, large, pending("a", 1, gpu=1)) == [("s-0", "")]


def test_clustering_puts_like_beside_like() -> None:
    fleet = rack("r", nodes=3, gpu=8)
    here = [running("b", ["r-0"], gpu=2), running("c", ["r-1"], gpu=1)]
    assert place("gpu-clustering", fleet, *here, pending("a", 1, gpu=1)) == [("r-1", "")]
    assert place("gpu-clustering", fleet, *here, pending("a", 1, gpu=4)) == [("r-2", "")]


def test_best_fit_and_dot_product_take_the_fullest_node() -> None:
    fleet = rack("r", nodes=3, gpu=8)
    for packing in ("best-fit", "dotprod"):
        assert place(packing, fleet, running("b", ["r-1"], gpu=6), pending("a", 1, gpu=1)) == [("r-1", "")]


def test_pwr_takes_the_device_that_adds_least_watts() -> None:
    frugal = Pool("frugal", "h100-sxm", GPU, Power(10.0, 70.0, 0.0, 65.0))
    fleet = [rack("a", nodes=1, gpu=2), rack("b", nodes=1, gpu=2, pool="frugal")]
    assert place("pwr", *fleet, frugal, pending("a", 1, gpu=1)) == [("b-0", "")]


def test_fragments_by_hand() -> None:
    """A node of two devices, one with 300 left; half of the pods want 500, half a whole one."""
    here = sharing("b", "r-0", "0", share(700))
    snapshot = cluster(rack("r", nodes=1, gpu=2), here, pending("a", 1, of=share(200)))
    snapshot = replace(snapshot, expected=((share(500), 1.0), (pod_class(1), 1.0)))
    fleet = Fleet(snapshot)
    session = Draft(fleet, fleet.policy, NOW).now
    assert fragments.amount(fleet, fragments.nodes(session, np.array([0]))).tolist() == [300.0]
    undone = fragments.gradients(session, fleet.traits(share(200)), np.array([0]))
    # In the 300: 200 of the fragments go. In the whole one: 800 remain, which a whole pod can't use.
    assert undone.tolist() == [[200.0, 300.0 - (300.0 * 0.5 + (300.0 + 800.0) * 0.5)]]


def test_fgd_takes_the_device_that_undoes_most_fragments() -> None:
    here = sharing("b", "r-0", "0", share(700))
    snapshot = cluster(rack("r", nodes=2, gpu=2), here, pending("a", 1, of=share(200)))
    snapshot = replace(snapshot, expected=((share(500), 1.0), (pod_class(1), 1.0)))
    assert where(decide(snapshot, Policy(packing="fgd")), "a") == [("r-0", "0")]


def test_random_is_random_by_seed_alone() -> None:
    snapshot = cluster(rack("r", nodes=50, gpu=2), pending("a", 1, gpu=1))
    chosen = [nodes(decide(snapshot, Policy(packing="random", seed=seed)), "a") for seed in range(8)]
    assert len(set(chosen)) > 4
    assert chosen == [nodes(decide(snapshot, Policy(packing="random", seed=seed)), "a") for seed in range(8)]


def test_what_is_expected_is_what_is_here_where_nobody_says() -> None:
    snapshot = cluster(
        rack("r", nodes=2, gpu=4),
        running("b", ["r-0", "r-1"], gpu=1, cpu=3000),
        pending("a", 2, gpu=1, cpu=9000),
    )
    assert workload.of(Fleet(snapshot)).cpu == pytest.approx(6.0)
