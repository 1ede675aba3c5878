"""A TrainingJob in a world where anything may happen at any moment: hypothesis looks for the worst."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings, target
from powertrain_operator.reconcile import NodeHealth
from reconcile.jobworld import NODES, JobWorld

Event = tuple[Any, ...]
"""A method of the world and its arguments."""


def event(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.tuples(st.just(name), *arguments)


RANKS = st.integers(0, 2)
OFTEN = [
    event("run_up"),
    event("reconcile", st.booleans()),
    event("reconcile", st.booleans(), st.integers(0, 6)),
    event("end", RANKS, st.sampled_from([1, 0, 137])),
    event("stop", RANKS),
    event("start", RANKS),
]
SELDOM = [
    event("schedule"),
    event("evict", RANKS),
    event("vanish", RANKS),
    event("set_node", st.sampled_from(NODES), st.sampled_from(NodeHealth)),
    event("pass_time", st.sampled_from([1, 15, 400])),
    event("user_suspends", st.booleans()),
]
EVENTS = st.lists(st.one_of(*OFTEN, *OFTEN, *SELDOM), min_size=5, max_size=40)
SEARCH = settings(max_examples=60, deadline=None)


def happen(world: JobWorld, events: list[Event]) -> None:
    for name, *arguments in events:
        getattr(world, name)(*arguments)
        world.check()


@SEARCH
@given(EVENTS, st.sampled_from([3, 0, 1, 2]), st.sampled_from(["AllWorkers", "RankZero"]))
def test_every_job_comes_to_its_end_and_leaves_nothing_behind(
    events: list[Event], restarts: int, policy: str
) -> None:
    """The world itself asserts at each write: attempts never mix, nothing is counted that did not happen."""
    world = JobWorld(failurePolicy={"maxRestarts": restarts}, successPolicy=policy)
    happen(world, events)
    target(float(world.restarts), label="counted restarts")
    world.user_suspends(False)
    world.settle(succeed=True)
    assert world.phase in ("Succeeded", "Failed")
    held = [pod for pod in world.pods.values() if pod["status"]["phase"] in ("Pending", "Running")]
    assert not held and world.group is None, "a finished job holds nothing"


@SEARCH
@given(EVENTS)
def test_a_suspended_job_holds_nothing_and_runs_again_when_resumed(events: list[Event]) -> None:
    world = JobWorld(failurePolicy={"maxRestarts": 1000})
    happen(world, events)
    if world.phase in ("Succeeded", "Failed"):
        return
    world.user_suspends(True)
    world.settle(succeed=False)
    assert (world.phase, world.pods, world.group) == ("Suspended", {}, None)
    world.user_suspends(False)
    world.settle(succeed=False)
    assert world.phase == "Running"


@SEARCH
@given(EVENTS)
def test_a_deleted_job_takes_all_its_children_along(events: list[Event]) -> None:
    world = JobWorld(failurePolicy={"maxRestarts": 1000})
    happen(world, events)
    world.user_deletes()  # asserts that each child has the job as its only owner
    world.reconcile()
    assert not world.pods and world.group is None and world.service is None
