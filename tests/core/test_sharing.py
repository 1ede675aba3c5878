"""What nobody owns is shared by weight, and whoever holds more than its share yields to those that hold less."""

from typing import Any

import pytest
from core.builders import (
    Quota,
    carry_out,
    cluster,
    decide,
    evicted,
    pending,
    queue,
    rack,
    running,
    started,
    vacated,
)
from powertrain_scheduler.draft import Draft
from powertrain_scheduler.fleet import Fleet
from powertrain_scheduler.plan import Plan
from powertrain_scheduler.policy import Policy
from powertrain_scheduler.snapshot import PodGroup, Preemption, Snapshot

TEN = rack("r1", nodes=1, gpu=10)


def jobs(number: int, of: str, **more: Any) -> list[PodGroup]:
    """Running jobs of one device each."""
    return [running(f"{of}-{i}", ["r1-0"], gpu=1, queue=of, **more) for i in range(number)]


def waiting(number: int, of: str, **more: Any) -> list[PodGroup]:
    return [pending(f"new-{of}-{i}", 1, 1, queue=of, **more) for i in range(number)]


def from_queues(plan: Plan) -> list[str]:
    return sorted(evict.group.rsplit("-", 1)[0] for evict in plan.evicts)


def shares(world: Snapshot) -> dict[str, float]:
    """Devices that each queue may hold by right."""
    draft = Draft(Fleet(world), Policy(), 0.0)
    return dict(zip(draft.fleet.queues, (draft.shares()[:, 0] / 1000).tolist(), strict=True))


class TestShares:
    def test_everybody_gets_its_own_and_of_the_rest_by_weight(self) -> None:
        queues = queue("a", 2), queue("b", 2, weight=2)
        found = shares(cluster(TEN, *queues, *waiting(10, "a"), *waiting(10, "b")))
        assert (found["a"], found["b"]) == (4, 6)

    def test_what_one_does_not_want_others_get(self) -> None:
        queues = queue("a", 2), queue("b", 8), queue("c", 0, weight=3)
        found = shares(cluster(TEN, *queues, *waiting(3, "a"), *waiting(1, "b"), *waiting(20, "c")))
        assert (found["a"], found["b"], found["c"]) == (3, 1, 6)

    def test_weight_zero_has_its_own_and_no_more(self) -> None:
        found = shares(cluster(TEN, queue("a", 2, weight=0), queue("b"), *waiting(9, "a"), *waiting(1, "b")))
        assert (found["a"], found["b"]) == (2, 1)

    def test_siblings_of_higher_priority_take_of_the_rest_first(self) -> None:
        queues = queue("a", 2, weight=5), queue("b", 2, priority=1)
        found = shares(cluster(TEN, *queues, *waiting(10, "a"), *waiting(7, "b")))
        assert (found["a"], found["b"]) == (3, 7)

    def test_no_share_goes_beyond_a_limit(self) -> None:
        queues = queue("a", Quota(2, borrowing_limit=1)), queue("b", 2)
        found = shares(cluster(TEN, *queues, *waiting(10, "a"), *waiting(10, "b")))
        assert (found["a"], found["b"]) == (3, 7)

    def test_what_a_parent_gets_its_children_share(self) -> None:
        queues = queue("team", 6), queue("a", 1, parent="team"), queue("b", 1, parent="team", weight=3)
        found = shares(
            cluster(TEN, *queues, queue("c", 4), *waiting(9, "a"), *waiting(9, "b"), *waiting(9, "c"))
        )
        assert (found["team"], found["a"], found["b"], found["c"]) == (6, 2, 4, 4)

    def test_quotas_of_more_than_there_is_are_not_scaled_down(self) -> None:
        found = shares(cluster(TEN, queue("a", 8), queue("b", 8), *waiting(9, "a"), *waiting(9, "b")))
        assert (found["a"], found["b"]) == (8, 8)


class TestClaims:
    def test_a_queue_above_its_share_yields_to_one_below_also_above_quota(self) -> None:
        queues = queue("a", 2), queue("b", 2)
        world = cluster(TEN, *queues, *jobs(8, "a"), *jobs(2, "b"), *waiting(5, "b"))
        assert from_queues(decide(world)) == ["a", "a", "a"]

    def test_and_then_everybody_rests(self) -> None:
        world = cluster(TEN, queue("a", 2), queue("b", 2), *jobs(10, "a"), *waiting(9, "b"))
        for _ in range(3):
            world = vacated(carry_out(world, decide(world)))
        plan = decide(world)
        assert not plan.evicts and not plan.binds

    def test_without_weight_a_queue_claims_its_own_only(self) -> None:
        queues = queue("a", 2), queue("b", 2, weight=0)
        world = cluster(TEN, *queues, *jobs(10, "a"), *waiting(5, "b"))
        assert len(decide(world).evicts) == 2

    def test_queues_without_quota_share_by_weight_alone(self) -> None:
        queues = queue("a"), queue("b", weight=4)
        assert len(decide(cluster(TEN, *queues, *jobs(10, "a"), *waiting(10, "b"))).evicts) == 8

    def test_a_claim_that_would_end_above_the_share_evicts_nobody(self) -> None:
        large = pending("large", 1, 6, queue="b")
        assert not decide(cluster(TEN, queue("a"), queue("b"), *jobs(10, "a"), large)).evicts

    def test_those_beyond_their_share_go_before_those_that_only_borrow(self) -> None:
        queues = queue("a", 1, weight=0), queue("b", 1), queue("c", 2, weight=0)
        young = {"started": 999_999.0}
        world = cluster(TEN, *queues, *jobs(5, "a"), *jobs(5, "b", **young), *waiting(2, "c"))
        assert from_queues(decide(world)) == ["a", "a"], "b could claim back what it lost"


class TestRules:
    @pytest.mark.parametrize(("across", "told"), [("any", {"b-0"}), ("lower", {"a-0"}), ("never", set())])
    def test_a_queue_may_be_kept_from_claiming(self, across: Any, told: set[str]) -> None:
        world = cluster(
            rack("r1", nodes=1, gpu=2),
            queue("owner", 2, preemption=Preemption(across=across)),
            *(queue("a", 0), queue("b", 0)),
            running("a", ["r1-0"], gpu=1, queue="a", started=10.0),
            running("b", ["r1-0"], gpu=1, queue="b", priority=0 if across == "any" else 5, started=20.0),
            pending("p", 1, 1, queue="owner", priority=3),
        )
        assert evicted(decide(world)) == told

    def test_a_queue_may_be_kept_from_evicting_its_own(self) -> None:
        own = queue("a", 8, preemption=Preemption(within="never"))
        busy = running("x", ["r1-0"], gpu=10, queue="a")
        assert not decide(cluster(TEN, own, busy, pending("p", 1, 1, queue="a", priority=9))).evicts

    def test_a_borrower_may_evict_borrowers_of_low_priority_where_its_queue_says_so(self) -> None:
        urgent = queue("a", 1, weight=0, preemption=Preemption(borrowing=2))
        busy = jobs(5, "low", priority=2), jobs(5, "high", priority=3)
        queues = urgent, queue("low", 1), queue("high", 1)
        world = cluster(TEN, *queues, *busy[0], *busy[1], pending("p", 1, 3, queue="a", priority=5))
        assert from_queues(decide(world)) == ["low"] * 3

    def test_what_goes_on_the_claimants_own_side_counts_as_gone(self) -> None:
        world = cluster(
            rack("r1", nodes=1, gpu=6),
            *(queue("a", 2, weight=0), queue("b", 2, weight=0)),
            *jobs(1, "a", priority=-1),
            *jobs(5, "b"),
            pending("p", 1, 2, queue="a"),
        )
        assert from_queues(decide(world)) == ["a", "b"]

    def test_the_sibling_that_stands_in_the_way_of_its_parents_claim_goes_too(self) -> None:
        queues = queue("team", 4), queue("a", 4, parent="team"), queue("b", 0, parent="team"), queue("c", 0)
        world = cluster(
            rack("r1", nodes=1, gpu=4), *queues, *jobs(2, "b"), *jobs(2, "c"), pending("p", 1, 4, queue="a")
        )
        assert from_queues(decide(world)) == ["b", "b", "c", "c"]

    def test_a_branch_claims_for_a_queue_that_owns_nothing_itself(self) -> None:
        queues = queue("team", 2), queue("a", 0, parent="team", weight=0), queue("c", 0, weight=0)
        world = cluster(rack("r1", nodes=1, gpu=2), *queues, *jobs(2, "c"), pending("p", 1, 2, queue="a"))
        plan = decide(world)
        assert from_queues(plan) == ["c", "c"]
        assert started(decide(vacated(carry_out(world, plan)))) == {"p"}
