"""Who gets a reservation: the first of every line that waits for nodes of its own."""

from dataclasses import replace

from core.builders import GPU, NOW, Pool, Power, cluster, decide, pending, rack, running, started, wait

NPU = "huawei.com/Ascend910"
ASCEND = Pool("npu", "ascend-910b", NPU, Power(90.0, 355.0, 500.0, 320.0))
GPUS = rack("g", nodes=2, gpu=8)
NPUS = rack("n", nodes=2, gpu=8, pool="npu", resource=NPU)
BUSY_GPUS = running("busy", ["g-0"], 8, started=NOW, expected_seconds=100.0)
BUSY_NPUS = running("busy-npu", ["n-0"], 8, resource=NPU, started=NOW, expected_seconds=300.0)
BIG = pending("big", 2, 8)
BIG_NPU = pending("big-npu", 2, 8, resource=NPU, created=1.0)


def test_groups_that_wait_for_unlike_accelerators_each_have_a_first() -> None:
    plan = decide(cluster(GPUS, NPUS, ASCEND, BUSY_GPUS, BUSY_NPUS, BIG, BIG_NPU))
    assert {each.group: each.start for each in plan.reserves} == {"big": NOW + 100, "big-npu": NOW + 300}


def test_neither_is_delayed_by_what_comes_after_it() -> None:
    late = [pending(f"late-{resource}", 1, 8, resource=resource, created=2.0) for resource in (GPU, NPU)]
    plan = decide(cluster(GPUS, NPUS, ASCEND, BUSY_GPUS, BUSY_NPUS, BIG, BIG_NPU, *late))
    assert not started(plan)
    assert "when big-npu is to start" in wait(plan, f"late-{NPU}").message
    assert "when big is to start" in wait(plan, f"late-{GPU}").message


def test_the_second_of_a_line_has_none() -> None:
    plan = decide(cluster(GPUS, BUSY_GPUS, BIG, pending("next", 2, 8, created=1.0)))
    assert [each.group for each in plan.reserves] == ["big"]


def test_a_group_without_devices_keeps_no_group_with_devices_from_its_reservation() -> None:
    cpu = running("cpu", ["c-0"], cpu=64000, started=NOW, expected_seconds=50.0)
    only_cpu = pending("only-cpu", 1, cpu=64000, selector={"topology/rack": "c"})
    plan = decide(cluster(GPUS, rack("c", nodes=1), BUSY_GPUS, cpu, only_cpu, replace(BIG, created=1.0)))
    assert {each.group for each in plan.reserves} == {"only-cpu", "big"}


def test_owners_who_say_too_little_are_believed_by_what_was_true_before() -> None:
    owned = replace(BUSY_GPUS, owner="team")
    world = replace(cluster(GPUS, owned, BIG), runtime_ratio={"team": 3.0})
    assert decide(world).reserves[0].start == NOW + 300
    short = pending("short", 1, 8, created=1.0, expected_seconds=150.0, owner="other")
    longer = replace(short, owner="team")
    assert started(decide(replace(world, groups={**world.groups, "short": short}))) == {"short"}
    assert not started(decide(replace(world, groups={**world.groups, "short": longer})))


def test_nobody_is_thought_to_outlive_the_time_at_which_he_is_ended() -> None:
    owned = replace(BUSY_GPUS, owner="team", maximum_seconds=120.0)
    world = replace(cluster(GPUS, owned, BIG), runtime_ratio={"team": 3.0})
    assert decide(world).reserves[0].start == NOW + 120
