"""The openb fill and run: the protocol, what is counted, and the command line."""

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from powertrain_operator.cli import main
from powertrain_scheduler.cycle import decide
from powertrain_scheduler.plan import Bind, Plan
from powertrain_scheduler.policy import PACKINGS
from powertrain_scheduler.replay.openb import account, bound, fill, stays, trace
from powertrain_scheduler.replay.openb import world as worlds
from powertrain_scheduler.replay.openb.trace import Arrival, BadTrace, Machine, Shape

NODES = ["sn,cpu_milli,memory_mib,gpu,model", "n1,32000,65536,2,T4", "n0,64000,65536,4,G2", "c,8000,8192,0,"]
PODS = [
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time",
    "p1,4000,1024,1,500,,0,100",
    "p0,8000,1024,1,1000,T4|X,10,50",
    "p2,2000,1024,0,0,,20,30",
    "p3,9000,1024,2,1000,,90,400",
    "p4,4000,1024,1,470,,50,200",
]


def small() -> tuple[list[Machine], list[Arrival]]:
    machines = trace.machines(NODES, "nodes")
    return machines, trace.arrivals(PODS, "pods", machines)


def fleet(nodes: int = 6, pods: int = 40, seed: int = 0) -> tuple[list[Machine], list[Arrival]]:
    dice = random.Random(seed)
    machines = [
        Machine(
            f"n{i}", dice.choice([16_000, 64_000]), 65_536, dice.choice([2, 4]), dice.choice(["T4", "G2"])
        )
        for i in range(nodes)
    ]
    shapes = [Shape(4000, 2048, 1, part, ()) for part in (320, 470, 650, 810, 1000)]
    shapes += [
        Shape(8000, 4096, 2, 1000, ()),
        Shape(4000, 1024, 0, 0, ()),
        Shape(4000, 2048, 1, 1000, ("T4",)),
    ]
    return machines, [Arrival(f"p{i:03}", dice.choice(shapes)) for i in range(pods)]


# -- reading -----------------------------------------------------------------------------------------


def test_only_nodes_with_devices_and_only_models_that_are_there() -> None:
    machines, pods = small()
    assert [machine.name for machine in machines] == ["n0", "n1"]
    assert pods[0] == Arrival("p0", Shape(8000, 1024, 1, 1000, ("T4",)), 10.0, 50.0)
    assert pods[2].shape.thousandths == 0 and pods[3].shape.thousandths == 2000


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["sn,gpu"], "pods, line 1: has no column name"),
        ([PODS[0], "p1,4000"], "pods, line 2: has 2 cells, the heading 8"),
        (
            [PODS[0], PODS[1], "p1,x,1,1,500,,0,1"],
            "pods, line 3, column cpu_milli: 'x' is not a whole number",
        ),
        ([PODS[0], "p1,1,1,2,500,,0,1"], "pods, line 2, column gpu_milli: 500 is no share of 2 devices"),
        ([PODS[0], "p1,1,1,1,500,H9,0,1"], "pods, line 2, column gpu_spec: no node has H9"),
        ([PODS[0], "p1,1,1,1,500,,soon,1"], "pods, line 2, column creation_time: 'soon' is not a time"),
        ([PODS[0], ",1,1,1,500,,0,1"], "pods, line 2, column name is empty"),
        ([PODS[0], PODS[1], PODS[1]], "pods lists p1 twice"),
        ([PODS[0], PODS[3]], "pods lists no pod that asks for devices"),
    ],
)
def test_what_cannot_be_read_is_told_with_file_line_and_column(lines: list[str], told: str) -> None:
    with pytest.raises(BadTrace, match=told.replace("(", r"\(")):
        trace.arrivals(lines, "pods", trace.machines(NODES, "nodes"))


# -- protocol ----------------------------------------------------------------------------------------


def test_arrivals_are_the_list_shuffled_and_clones_up_to_the_limit() -> None:
    machines, pods = fleet(pods=20)
    order = fill.shuffled(pods, machines, 7)
    assert sorted(map(str, order[:20])) == sorted(str(pod.shape) for pod in pods)
    capacity = 1000 * sum(machine.devices for machine in machines)
    assert sum(shape.thousandths for shape in order) <= 1.3 * capacity
    assert sum(shape.thousandths for shape in order) > 1.3 * capacity - 2001
    assert order == fill.shuffled(list(reversed(pods)), machines, 7)
    assert order != fill.shuffled(pods, machines, 8)


def test_names_are_the_machines_in_random_order() -> None:
    machines, _ = fleet(nodes=30)
    names = fill.names(machines, 1)
    assert [name.partition("-")[2] for name in names] == [machine.name for machine in machines]
    assert sorted(range(30), key=lambda i: names[i]) != list(range(30))
    assert fill.names(machines, 2) != names


def test_targets_are_the_most_frequent_shapes_memory_aside() -> None:
    often = [replace(Shape(1, 1, 1, 500, ()), memory=m) for m in range(95)]
    rare = [Shape(2, 1, 1, 700, ())] * 4 + [Shape(3, 1, 1, 900, ())]
    assert worlds.targets([*often, *rare]) == [(often[0], 95.0)]
    assert [number for _, number in worlds.targets([*often[:90], *rare])] == [90.0, 4.0]


@pytest.mark.parametrize("packing", [name for name in PACKINGS if name != "random"])
def test_one_cycle_over_all_is_a_cycle_for_each_arrival(packing: str) -> None:
    """As nothing departs: with every earlier pod running, the next one is placed the same way."""
    machines, pods = fleet()
    order = fill.shuffled(pods, machines, 3)
    world = worlds.world(machines, fill.names(machines, 3), [pod.shape for pod in pods])
    policy = worlds.policy(packing, 3)
    groups = fill.arriving(world, order)
    at_once = decide(worlds.snapshot(world, groups), policy, float(len(order)))
    from powertrain_scheduler.replay.virtual import VirtualCluster
    from powertrain_scheduler.snapshot import Queue

    cluster = VirtualCluster(world.facts, world.pools, {worlds.QUEUE: Queue(worlds.QUEUE)})
    cluster.expected = world.expected
    one_by_one: list[Bind] = []
    for group in groups.values():
        cluster.submit(group)
        plan = decide(cluster.snapshot(), policy, float(len(order)))
        cluster.apply(plan)
        one_by_one += plan.binds
        if not plan.binds:
            cluster.finish(group.name)  # dropped
    assert [(bind.pod, bind.node) for bind in one_by_one] == [(bind.pod, bind.node) for bind in at_once.binds]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_run_is_the_same_again_and_never_overcommits(packing: str) -> None:
    machines, pods = fleet(seed=1)
    one, again = (fill.run(machines, pods, packing, 5, decide) for _ in range(2))
    assert np.array_equal(one.allocated, again.allocated, equal_nan=True) and one.dropped == again.dropped
    assert np.nanmax(one.allocated) <= 100.0 and one.dropped > 0


# -- counting ----------------------------------------------------------------------------------------


def test_what_is_counted_by_hand() -> None:
    """Two devices of a T4 node: a whole one, half of the other, and a pod that was dropped."""
    machines = [Machine("n", 64_000, 65_536, 2, "T4")]
    whole, half = Shape(4000, 1024, 1, 1000, ()), Shape(4000, 1024, 1, 500, ())
    world = worlds.world(machines, ["n"], [whole, half])
    plan = Plan((Bind("pod-000000", "pod-000000", "n"), Bind("pod-000001", "pod-000001", "n", (), "0")))
    curves = account.curves(world, [whole, half, whole], plan)
    assert (curves.pods, curves.dropped) == (3, 1)
    assert curves.allocated[[50, 75, 125]].tolist() == [50.0, 75.0, 75.0]
    # One socket begun of two: 120 + 15 W; T4: 10 W idle, 70 W active.
    assert curves.watts[[50, 75]].tolist() == [120 + 15 + 70 + 10, 120 + 15 + 140]
    # Half of those expected want a whole device: they can't use the 500 left.
    assert curves.fragments[[50, 75]].tolist() == [0.0, 12.5]


def test_a_binding_without_room_is_an_error() -> None:
    machines = [Machine("n", 64_000, 65_536, 1, "T4")]
    shape = Shape(4000, 1024, 1, 700, ())
    binds = tuple(Bind(f"pod-{i:06}", f"pod-{i:06}", "n", (), "0") for i in range(2))
    with pytest.raises(account.Overcommitted):
        account.curves(worlds.world(machines, ["n"], [shape]), [shape, shape], Plan(binds))


def test_the_bound_is_what_perfect_cutting_would_come_to() -> None:
    """Of 810 nothing else fits beside; two of 470 go on a device; a whole one is full."""
    one = [Shape(1, 1, 1, part, ()) for part in (810, 470, 470, 1000)]
    assert bound.fullest(one) == pytest.approx(100 * 2750 / 3000)
    assert bound.fullest([Shape(1, 1, 2, 1000, ()), Shape(1, 1, 0, 0, ())]) == 100.0


# -- with departures ---------------------------------------------------------------------------------


def test_arrivals_move_together_until_they_ask_for_the_load() -> None:
    machines = [Machine("n", 64_000, 65_536, 2, "T4")]
    pods = [
        Arrival(f"p{i}", Shape(1000, 1024, 1, 500, ()), 1000.0 * i, 1000.0 * i + 10.0) for i in range(100)
    ]
    coming = stays.stays(pods, machines, 0.75)
    assert len(coming) == 100 * stays.ROUNDS and len({stay.name for stay in coming}) == len(coming)
    # Half a device for 10 seconds each: three at a time are three quarters of the two devices.
    last = [stay.arrives for stay in coming[100:]]
    assert np.diff(last).mean() == pytest.approx(10.0 / 3, rel=0.05)
    assert {stay.seconds for stay in coming} == {10.0}
    with pytest.raises(BadTrace, match="and not for 99"):
        stays.stays(pods, machines, 99.0)
    with pytest.raises(BadTrace, match="no creation_time"):
        stays.stays([replace(pods[0], created=None)], machines, 0.5)


def test_who_does_not_fit_waits_until_somebody_leaves() -> None:
    machines = [Machine("n", 64_000, 65_536, 1, "T4")]
    whole = Shape(32_000, 1024, 1, 1000, ())
    coming = [
        stays.Stay("a", whole, 0.0, 100.0),
        stays.Stay("b", whole, 10.0, 50.0),
        stays.Stay("c", whole, 300.0, 1.0),
    ]
    outcome = stays.run(machines, coming, "powertrain", 10.0, decide)
    assert outcome.waits.tolist() == [0.0, 90.0, 0.0] and outcome.waiting == 0
    assert outcome.allocated == pytest.approx(150.0 / 300.0)
    # Half of the time a device at 70 W and a socket at 120 W, else 10 W and two sockets at 15 W.
    assert outcome.kwh == pytest.approx((150 * (70 + 120 + 15) + 150 * (10 + 30)) / 3.6e6)
    assert outcome.empty == pytest.approx(0.5)


# -- command -----------------------------------------------------------------------------------------


def replay(tmp_path: Path, *arguments: str, pods: list[str] | None = None) -> Result:
    (tmp_path / "nodes.csv").write_text("\n".join(NODES) + "\n")
    (tmp_path / "pods.csv").write_text("\n".join(pods or PODS) + "\n")
    files = ["--nodes", str(tmp_path / "nodes.csv"), "--pods", str(tmp_path / "pods.csv")]
    return CliRunner().invoke(main, ["replay", "openb", *files, *arguments])


def test_tables_json_plot_and_what_was_published(tmp_path: Path) -> None:
    percents = ",".join(map(str, range(131)))
    line = "pods,06-FGD,1.3,42,6," + ",".join(["95.23"] * 131)
    for name in ("analysis_allo_discrete.csv", "analysis_frag_discrete.csv"):
        (tmp_path / name).write_text(f"workload,sc_policy,tune,seed,total_gpus,{percents}\n{line}\n")
    out, picture = tmp_path / "out.json", tmp_path / "out.svg"
    options = ["--policy", "powertrain,fgd", "--seeds", "1-2", "--reference", str(tmp_path)]
    result = replay(tmp_path, *options, "--json", str(out), "--plot", str(picture))
    assert result.exit_code == 0, result.output
    rows = [row.split("|") for row in result.stdout.splitlines() if row.startswith("| fgd")]
    assert any("95.23" in cell for cell in rows[0])
    document = json.loads(out.read_text())
    assert set(document["policies"]["powertrain"]["seeds"]) == {"1", "2"}
    assert len(document["policies"]["fgd"]["mean"]["allocated"]) == 131
    assert document["policies"]["fgd"]["published"]["allocated"][100] == 95.23
    assert "<svg" in picture.read_text()


def test_with_departures_from_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = replay(tmp_path, "--dynamic", "--load", "0.5", "--policy", "powertrain,pwr", "--json", str(out))
    assert result.exit_code == 0, result.output
    assert set(json.loads(out.read_text())["policies"]) == {"powertrain", "pwr"}
    assert "MWh" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--policy", "best"], "'best' is none of powertrain, random"),
        (["--seeds", "3-1"], "is not a number or a range"),
        (["--plot", "x.txt"], "ends with none of"),
        (["--json", "no/such/x.json"], "no/such/x.json is in no folder that there is"),
        (["--reference", "nowhere"], "nowhere/analysis_allo_discrete.csv cannot be read"),
        (["--dynamic", "--reference", "x"], "those of the fill"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, arguments: list[str], told: str) -> None:
    result = replay(tmp_path, *arguments)
    assert result.exit_code != 0 and told in result.output


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["replay", "openb", "--nodes", "none.csv", "--pods", "none.csv"])
    assert result.exit_code == 1 and "none.csv cannot be read: No such file" in result.output


@pytest.mark.skipif(
    "POWERTRAIN_TRACES" not in os.environ, reason="needs the public traces: POWERTRAIN_TRACES=<folder>"
)
def test_the_real_list_is_filled_beyond_what_is_published() -> None:
    folder = Path(os.environ["POWERTRAIN_TRACES"]) / "openb"
    with open(folder / "openb_node_list_gpu_node.csv", newline="") as lines:
        machines = trace.machines(lines, "nodes")
    with open(folder / "openb_pod_list_default.csv", newline="") as lines:
        pods = trace.arrivals(lines, "pods", machines)
    assert (len(machines), len(pods)) == (1213, 8152)
    curves = fill.run(machines, pods, "powertrain", 42, decide)
    assert curves.allocated[100] >= 95.3 and curves.allocated[130] >= 95.6
    assert np.nanmax(curves.allocated) < 96.6  # no packing of these pods comes further
    best_fit = fill.run(machines, pods, "best-fit", 42, decide)
    assert abs(best_fit.allocated[100] - 92.86) < 0.6  # the authors' mean of ten seeds
