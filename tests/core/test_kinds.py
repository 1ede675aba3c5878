"""What quotas count beside devices: CPU and memory where a queue has an entry, and shares of devices."""

from core.builders import (
    GPU,
    Quota,
    cluster,
    decide,
    evicted,
    pending,
    pod_class,
    queue,
    rack,
    running,
    started,
    wait,
)
from powertrain_scheduler.fleet import Fleet

FLEET = rack("r1", nodes=2, gpu=8, cpu=64, memory=512)
CPU_LIMIT = Quota(10_000, borrowing_limit=0)


def test_cpu_is_limited_where_a_queue_says_so() -> None:
    world = cluster(
        FLEET,
        queue("a", {"cpu": CPU_LIMIT}),
        pending("p", 1, cpu=8_000, queue="a"),
        pending("q", 1, cpu=4_000, queue="a", created=1.0),
    )
    plan = decide(world)
    assert started(plan) == {"p"}
    assert wait(plan, "q").message == "asks for 4 cpu; queue a holds 8 of at most 10"


def test_a_pod_with_devices_is_charged_its_cpu_and_memory_too() -> None:
    quotas: dict[str, int | Quota] = {"h100-sxm": 16, "memory": Quota(64 << 30, borrowing_limit=0)}
    plan = decide(cluster(FLEET, queue("a", quotas), pending("p", 2, 1, memory=40, queue="a")))
    assert wait(plan, "p").message == "asks for 80 GiB memory; queue a holds 0 GiB of at most 64 GiB"


def test_cpu_that_is_not_lent_stays_free_for_its_owner() -> None:
    world = cluster(
        rack("r1", nodes=1, cpu=10),
        queue("owner", {"cpu": Quota(6_000, lending_limit=0)}),
        queue("guest"),
        pending("p", 1, cpu=5_000, queue="guest"),
        pending("q", 1, cpu=4_000, queue="guest", created=1.0),
    )
    assert started(decide(world)) == {"q"}


def test_lent_cpu_is_claimed_back() -> None:
    world = cluster(
        rack("r1", nodes=1, cpu=10),
        queue("owner", {"cpu": 6_000}),
        queue("guest", {"cpu": 4_000}),
        running("x", ["r1-0"], cpu=5_000, queue="guest"),
        running("y", ["r1-0"], cpu=4_000, queue="guest", started=500.0),
        pending("p", 1, cpu=6_000, queue="owner"),
    )
    assert evicted(decide(world)) == {"x-0"}


def test_a_share_of_a_device_costs_its_thousandths() -> None:
    world = cluster(FLEET, queue("a", 1), pending("p", 1, of=pod_class(share=(GPU, 250)), queue="a"))
    fleet = Fleet(world)
    charges = fleet.traits(world.groups["p"].waiting[0].pod_class).charges
    assert charges.tolist() == [[250], [0]]
