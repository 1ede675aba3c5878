"""An InferenceService in a world where anything may happen at any moment: hypothesis looks for the worst."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from powertrain_operator.reconcile import NodeHealth
from reconcile.serviceworld import NODES, ServiceWorld

Event = tuple[Any, ...]
"""A method of the world and its arguments."""


def event(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.tuples(st.just(name), *arguments)


PLACES = st.integers(0, 5)
OFTEN = [
    event("run_up"),
    event("reconcile", st.booleans()),
    event("reconcile", st.booleans(), st.integers(0, 6)),
    event("fail", PLACES),
    event("vanish", PLACES),
    event("evict", PLACES),
    event("user_sets", st.just("replicas"), st.integers(0, 3)),
    event("user_sets", st.just("args"), st.sampled_from([[], ["--seed=1"], ["--seed=2"]])),
]
SELDOM = [
    event("stop", PLACES),
    event("start", PLACES),
    event("schedule"),
    event("user_deletes_group", PLACES),
    event("set_node", st.sampled_from(NODES), st.sampled_from(NodeHealth)),
    event("pass_time", st.sampled_from([1, 15, 400])),
    event("user_sets", st.just("suspend"), st.booleans()),
]
EVENTS = st.lists(st.one_of(*OFTEN, *OFTEN, *SELDOM), min_size=5, max_size=40)
SEARCH = settings(max_examples=60, deadline=None)


def happen(world: ServiceWorld, events: list[Event]) -> None:
    world.run_up()
    for name, *arguments in events:
        getattr(world, name)(*arguments)


@SEARCH
@given(EVENTS, st.sampled_from([2, 1]), st.integers(0, 3), st.integers(1, 2))
def test_a_service_comes_to_have_the_replicas_that_are_wanted(
    events: list[Event], nodes: int, replicas: int, max_unavailable: int
) -> None:
    """The world asserts at each write: attempts never mix, no pod joins others that have met without it."""
    world = ServiceWorld(nodes=nodes, replicas=2, max_unavailable=max_unavailable)
    happen(world, events)
    world.user_sets("suspend", False)
    world.user_sets("replicas", replicas)
    world.settle()
    assert (world.phase, world.ready) == ("Ready", replicas)
    assert (len(world.pods), len(world.groups)) == (replicas * nodes, replicas)
    status = world.service["status"]
    assert status["ready"] == f"{replicas}/{replicas}" and status["updatedReplicas"] == replicas


@SEARCH
@given(EVENTS, st.sampled_from([1, 2]))
def test_a_suspended_service_holds_nothing_but_its_address(events: list[Event], nodes: int) -> None:
    world = ServiceWorld(nodes=nodes)
    happen(world, events)
    world.user_sets("suspend", True)
    world.settle()
    assert (world.phase, world.pods, world.groups) == ("Suspended", {}, {})
    assert "chat" in world.services


@SEARCH
@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5]), max_size=40), st.integers(1, 3), st.sampled_from([1, 2]))
def test_a_rollout_leaves_as_many_replicas_serving_as_it_promises(
    starts: list[int], max_unavailable: int, nodes: int
) -> None:
    """Where nothing fails, whatever order pods start and stop in."""
    world = ServiceWorld(nodes=nodes, replicas=3, max_unavailable=max_unavailable)
    world.settle()
    world.user_sets("args", ["--seed=1"])
    for place in starts:
        world.reconcile()
        world.schedule()
        world.stop(place)
        world.start(place)
        assert world.ready >= 3 - max_unavailable
    world.settle()
    assert world.service["status"]["updatedReplicas"] == 3
