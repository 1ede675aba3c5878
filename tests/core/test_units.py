"""In which units running work may be evicted, and which is missed least."""

from dataclasses import replace
from typing import Any

from core.builders import NOW, cluster, decide, evicted, pending, pod_class, queue, rack, running
from powertrain_scheduler.snapshot import PlacedPod, PodGroup, SubGroup

GUEST, OWNER = queue("guest", 0), queue("owner", 64)


def claims(devices: int, *guests: PodGroup, now: float = NOW, nodes: int = 1, **more: Any) -> set[str]:
    """Who goes when so many devices of full nodes are claimed back."""
    full = rack("r1", nodes=nodes, gpu=8)
    owner = replace(OWNER, **more)
    claim = pending("claim", 1, devices, queue="owner")
    return evicted(decide(cluster(full, replace(GUEST, **more), owner, *guests, claim), now=now))


def parts(*of: str, **more: Any) -> PodGroup:
    """A running gang of which each pod, of one device, belongs to the part named."""
    names = dict.fromkeys(of)
    placed = tuple(PlacedPod(f"gang-{i}", pod_class(1), "r1-0", subgroup=part) for i, part in enumerate(of))
    subgroups = tuple(SubGroup(name, 2) for name in names)
    group = PodGroup("gang", "guest", 0, 0.0, placed=placed, started=NOW - 100, subgroups=subgroups)
    return replace(group, **more)


def test_work_is_lost_since_the_last_checkpoint() -> None:
    saved = running("saved", ["r1-0"], gpu=4, queue="guest", started=NOW - 7000, checkpoint_seconds=600.0)
    young = running("young", ["r1-0"], gpu=4, queue="guest", started=NOW - 500)
    assert claims(4, saved, young) == {"saved-0"}, "400 s since its eleventh"
    known = replace(young, checkpointed=NOW - 10)
    assert claims(4, saved, known) == {"young-0"}


def test_of_equal_loss_the_less_energy_is_wasted() -> None:
    big = running("big", ["r1-0"], gpu=2, queue="guest", started=NOW - 100)
    long = running("long", ["r1-0"], gpu=1, queue="guest", started=NOW - 300)
    rest = running("rest", ["r1-0"], gpu=5, queue="guest", preemptible=False)
    assert claims(1, big, long, rest) == {"big-0"}


class TestMinimumRuntime:
    def test_nobody_goes_before_it_has_run_as_long_as_its_queue_promises(self) -> None:
        fresh = running("fresh", ["r1-0"], gpu=4, queue="guest", started=NOW - 50)
        old = running("old", ["r1-0"], gpu=4, queue="guest", started=NOW - 5000)
        assert claims(4, fresh, old, minimum_runtime=60.0) == {"old-0"}
        assert claims(8, fresh, old, minimum_runtime=60.0) == set()
        assert claims(8, fresh, old, minimum_runtime=60.0, now=NOW + 10) == {"fresh-0", "old-0"}

    def test_members_beyond_the_minimum_were_promised_nothing(self) -> None:
        elastic = running("x", ["r1-0", "r1-0"], gpu=4, queue="guest", min_member=1, started=NOW - 5)
        assert claims(4, elastic, minimum_runtime=60.0) == {"x-1"}

    def test_the_nearest_queue_that_says_so_counts(self) -> None:
        world: list[Any] = [
            rack("r1", nodes=1, gpu=8),
            *(
                OWNER,
                queue("top", 0, minimum_runtime=1000.0),
                queue("guest", parent="top", minimum_runtime=10.0),
            ),
            running("x", ["r1-0"], gpu=8, queue="guest", started=NOW - 100),
            pending("claim", 1, 8, queue="owner"),
        ]
        assert evicted(decide(cluster(*world))) == {"x-0"}
        assert not decide(cluster(*world, queue("guest", parent="top"))).evicts


class TestFixedPods:
    def test_a_gang_with_a_fixed_pod_stays(self) -> None:
        gang = running("x", ["r1-0", "r1-0"], gpu=4, queue="guest")
        held = replace(gang, placed=(replace(gang.placed[0], fixed=True), gang.placed[1]))
        assert claims(4, held) == set()

    def test_but_its_other_members_beyond_the_minimum_go(self) -> None:
        gang = running("x", ["r1-0"] * 4, gpu=2, queue="guest", min_member=1)
        placed = tuple(replace(pod, fixed=i in (0, 3)) for i, pod in enumerate(gang.placed))
        assert claims(4, replace(gang, placed=placed)) == {"x-1", "x-2"}
        assert claims(6, replace(gang, placed=placed)) == set()


class TestParts:
    def test_optional_pods_of_each_part_go_before_its_minimum(self) -> None:
        gang = parts("a", "a", "a", "a", "b", "b", "b", "b")
        assert claims(4, gang) == {"gang-2", "gang-3", "gang-6", "gang-7"}
        assert len(claims(5, gang)) == 8, "no part is optional"

    def test_an_optional_part_goes_whole(self) -> None:
        gang = parts("a", "a", "a", "a", "b", "b", "b", "b", min_subgroups=1)
        assert claims(2, gang) < {"gang-2", "gang-3", "gang-6", "gang-7"}
        assert claims(6, gang) == {"gang-2", "gang-3", *(f"gang-{i}" for i in (4, 5, 6, 7))}
        assert len(claims(7, gang)) == 8
