"""No large gang waits for ever behind an endless stream of small jobs, whether these say when they end or not."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from core.builders import (
    NOW,
    RACK,
    Policy,
    carry_out,
    cluster,
    decide,
    pending,
    queue,
    rack,
    running,
    vacated,
)
from core.test_properties import bounded
from hypothesis import given, settings
from hypothesis import strategies as st
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.reasons import Reason
from powertrain_scheduler.snapshot import PodGroup, Snapshot

STEP = 600.0
HOUR = 3600.0
FLEET = (*rack("a", nodes=3, gpu=8), *rack("b", nodes=3, gpu=8))
Says = Callable[[float], float | None]


class Stream:
    """Small jobs that never stop coming, each ending when its time is over; always some of them wait."""

    def __init__(self, gang: PodGroup, says: Says, seed: int, **small: object) -> None:
        self._dice, self._says, self._small = Random(seed), says, small
        self._lasts: dict[str, float] = {}
        self.time = NOW - STEP
        self.world = cluster(FLEET, queue("other"))
        for _ in range(12):
            self._come()
        self._carry_out(decide(self.world, Policy(), self.time))
        self.world = replace(self.world, groups={**self.world.groups, gang.name: replace(gang, since=NOW)})

    def hours_until_it_starts(self, gang: str, policy: Policy, most: float) -> float | None:
        """None where it still waits after so many hours."""
        while self.time < NOW + most * HOUR:
            plan = decide(self.world, policy, self.time)
            if any(bind.group == gang for bind in plan.binds):
                return (self.time - NOW) / HOUR
            self._carry_out(plan)
        return None

    def _carry_out(self, plan: Plan) -> None:
        self.world = vacated(carry_out(self.world, plan, self.time))
        self.time += STEP
        over = [name for name, group in self.world.groups.items() if self._is_over(name, group)]
        groups = {name: group for name, group in self.world.groups.items() if name not in over}
        self.world = cluster(FLEET, queue("other"), *groups.values())
        while sum(bool(group.waiting) for group in self.world.groups.values()) < 8:
            self._come()

    def _is_over(self, name: str, group: PodGroup) -> bool:
        return group.started is not None and self.time >= group.started + self._lasts.get(name, 1e18)

    def _come(self) -> None:
        name, lasts = f"s{len(self._lasts):05}", self._dice.choice([0.4, 1.0, 2.0]) * HOUR
        self._lasts[name] = lasts
        gpu = self._dice.choice([4, 8, 8])
        more = {"preemptible": False, "created": self.time, "since": self.time} | self._small
        job = pending(name, 1, gpu, expected_seconds=self._says(lasts), **more)  # type: ignore[arg-type]
        self.world = replace(self.world, groups={**self.world.groups, name: job})


def says_nothing(lasts: float) -> float | None:
    return None


def says_the_truth(lasts: float) -> float | None:
    return lasts


def says_too_little(lasts: float) -> float | None:
    return lasts / 2


GANG = pending("gang", 4, 8, created=NOW)
EVERY_NODE = pending("gang", 6, 8, created=NOW)
IN_ONE_RACK = pending("gang", 3, 8, created=NOW, required=RACK)


@pytest.mark.parametrize(
    "gang", [GANG, EVERY_NODE, IN_ONE_RACK], ids=["most nodes", "every node", "in one rack"]
)
@pytest.mark.parametrize("says", [says_nothing, says_the_truth, says_too_little])
def test_it_starts_though_small_jobs_never_stop_coming(gang: PodGroup, says: Says) -> None:
    waited = Stream(gang, says, seed=1).hours_until_it_starts("gang", Policy(), most=24)
    assert waited is not None and waited < 8


@pytest.mark.parametrize("says", [says_nothing, says_the_truth])
def test_nor_do_those_of_a_queue_whose_turn_always_comes_first(says: Says) -> None:
    """What its own queue would hold with the gang is more than the other ever holds."""
    stream = Stream(GANG, says, seed=2, queue="other")
    waited = stream.hours_until_it_starts("gang", Policy(), most=24)
    assert waited is not None and waited < 8


def test_without_patience_it_would_wait_for_ever() -> None:
    """So the tests above prove something."""
    endless = Policy(patience_seconds=1e12)
    assert Stream(EVERY_NODE, says_nothing, seed=1).hours_until_it_starts("gang", endless, most=24) is None


@settings(bounded, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([says_nothing, says_the_truth, says_too_little]))
def test_no_gang_starves_whatever_comes(seed: int, says: Says) -> None:
    gang = [GANG, EVERY_NODE, IN_ONE_RACK][seed % 3]
    assert Stream(gang, says, seed=seed).hours_until_it_starts("gang", Policy(), most=24) is not None


# -- one cycle at a time ------------------------------------------------------------------------------


LATE = replace(pending("late", 2, 8), since=NOW - 2 * HOUR)
TWO = rack("r", nodes=2, gpu=8)
BUSY = running("busy", ["r-0"], gpu=8, preemptible=False)


def small(**more: object) -> PodGroup:
    return pending("small", 1, 8, priority=0, created=1.0, **more)  # type: ignore[arg-type]


def starts(snapshot: Snapshot) -> set[str]:
    return {bind.group for bind in decide(snapshot).binds}


def test_a_group_without_a_known_start_is_kept_the_nodes_that_are_free() -> None:
    plan = decide(cluster(TWO, BUSY, LATE, small()))
    assert not plan.binds
    told = {each.group: each for each in plan.waits}
    assert told["small"].reason is Reason.RESERVED and "kept for late" in told["small"].message
    assert told["late"].estimated_start is None


def test_only_once_it_has_waited_for_long() -> None:
    assert starts(cluster(TWO, BUSY, replace(LATE, since=NOW - 60.0), small())) == {"small"}


def test_what_ends_soon_may_use_them_meanwhile() -> None:
    """It has waited two hours: it can be delayed by twelve minutes."""
    assert starts(cluster(TWO, BUSY, LATE, small(expected_seconds=700.0))) == {"small"}
    assert starts(cluster(TWO, BUSY, LATE, small(expected_seconds=800.0))) == set()


def test_other_nodes_are_as_free_as_ever() -> None:
    three = (*TWO, *rack("s", nodes=1, gpu=8))
    late = replace(LATE, topology=replace(LATE.topology, required=RACK))
    assert starts(cluster(three, BUSY, late, small())) == {"small"}


def test_it_waits_where_least_is_in_its_way() -> None:
    racks = (*rack("a", nodes=2, gpu=8), *rack("b", nodes=2, gpu=8))
    groups = [running("x", ["a-0", "a-1"], gpu=4), running("y", ["b-0"], gpu=6)]
    late = replace(LATE, topology=replace(LATE.topology, required=RACK))
    plan = decide(cluster(racks, *(replace(each, preemptible=False) for each in groups), late))
    assert [each.nodes for each in plan.reserves] == [("b-0", "b-1")]


def test_nobody_waits_for_what_seems_to_run_for_ever() -> None:
    service = replace(BUSY, started=NOW - 30 * 24 * HOUR)
    assert starts(cluster(TWO, service, LATE, small())) == {"small"}


def test_more_important_work_goes_first_all_the_same() -> None:
    assert starts(cluster(TWO, BUSY, LATE, replace(small(), priority=5))) == {"small"}


def test_nobody_is_kept_from_his_own_quota_by_a_borrower() -> None:
    world = cluster(TWO, BUSY, LATE, replace(small(), queue="owner"), queue("owner", 8))
    assert starts(world) == {"small"}


def test_it_takes_back_what_is_its_own_all_the_same() -> None:
    borrower = running("busy", ["r-0"], gpu=8, queue="other")
    late = replace(LATE, queue="owner")
    world = cluster(TWO, borrower, late, queue("owner", 16), queue("other", 0))
    assert {each.for_group for each in decide(world).evicts} == {"late"}
