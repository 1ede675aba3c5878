"""Whose turn it is between queues of one weight, where they share no accelerator."""

from core.builders import cluster, decide, pending, queue, rack, running, started
from powertrain_scheduler.snapshot import PodGroup, Snapshot


def cores(*parts: PodGroup) -> Snapshot:
    """Five cores for the queues `a` and `b`."""
    return cluster(rack("r1", nodes=1, pool=None, cpu=5), queue("a"), queue("b", created=1.0), *parts)


def test_queues_without_accelerators_share_cpu_and_memory() -> None:
    world = cores(
        running("old", ["r1-0"], cpu=2000, queue="a"),
        pending("more", cpu=2000, queue="a", created=1.0),
        pending("first", cpu=2000, queue="b", created=2.0),
    )
    assert started(decide(world)) == {"first"}


def test_of_queues_that_would_hold_as_much_the_one_goes_first_that_holds_less() -> None:
    world = cores(
        running("old", ["r1-0"], cpu=1000, queue="a"),
        pending("more", cpu=2000, queue="a", created=1.0),
        pending("first", cpu=3000, queue="b", created=2.0),
    )
    assert started(decide(world)) == {"first"}


def test_the_older_queue_goes_first_where_both_hold_as_much() -> None:
    world = cores(
        pending("young", cpu=3000, queue="b", created=1.0), pending("old", cpu=3000, queue="a", created=2.0)
    )
    assert started(decide(world)) == {"old"}
