"""What the demo shows, from objects as a watch gives them."""

from datetime import UTC, datetime

import pytest
from demo import view
from demo.view import NodeLine, PoolLine, WorkloadLine
from demo.world import Workload
from demoworld import BLOCK, RACK, job, node, pod, pool, world
from powertrain_operator.api.cluster import from_manifest


def test_a_running_job_is_shown_with_its_nodes_and_the_rack_that_holds_them() -> None:
    nodes = [node("h100-4", "r1"), node("h100-5", "r1"), node("h100-6", "r1")]
    pods = [pod("llama", rank, each.metadata.name) for rank, each in enumerate(nodes)]
    seen = world([job("llama", workers="3/3")], pods, nodes)
    assert view.workload_lines(seen) == [
        WorkloadLine("TrainingJob", "llama", "Running", "3/3", "h100-4..6 (rack r1)", "")
    ]


def test_a_job_over_two_racks_is_shown_with_the_block() -> None:
    nodes = [node("h100-1", "r1"), node("h100-9", "r2")]
    pods = [pod("llama", rank, each.metadata.name) for rank, each in enumerate(nodes)]
    (line,) = view.workload_lines(world([job("llama")], pods, nodes))
    assert line.where == "h100-1, h100-9 (block b)"


def test_nodes_that_share_no_domain_are_shown_alone() -> None:
    nodes = [node("h100-1", "r1", "b1"), node("h100-9", "r2", "b2")]
    assert view.domain(nodes, [BLOCK, RACK]) == ""


def test_a_level_that_no_node_is_labelled_with_is_no_domain() -> None:
    assert view.domain([node("a", "r1")], ["other.example/zone"]) == ""


def test_pods_that_have_finished_hold_no_node() -> None:
    seen = world([job("done", "Succeeded")], [pod("done", 0, "h100-0", "Succeeded")], [node("h100-0", "r")])
    (line,) = view.workload_lines(seen)
    assert line.where == ""
    assert view.node_lines(seen) == []


def test_pods_of_another_job_are_not_counted() -> None:
    pods = [pod("a", 0, "n-0"), pod("b", 0, "n-1"), pod("a", 1)]
    assert view.nodes_of("a", pods) == ["n-0"]


def test_a_waiting_job_says_why_and_when() -> None:
    start = datetime(2026, 11, 24, 10, 30, 5, tzinfo=UTC)
    told = view.why("TopologyDoesNotFit", "needs 8 workers in one block", start)
    assert told == (
        f"TopologyDoesNotFit: needs 8 workers in one block (expected to start at {start.astimezone():%H:%M:%S})"
    )


def test_a_running_job_s_message_is_not_shown_as_a_complaint() -> None:
    content = job("llama", message="All workers run.")
    (line,) = view.workload_lines(world([content], [], []))
    assert line.why == ""


@pytest.mark.parametrize(
    ("reason", "message", "told"),
    [("", "", ""), ("DoesNotFit", "", "DoesNotFit"), ("", "no room", "no room")],
)
def test_what_is_not_known_leaves_no_punctuation(reason: str, message: str, told: str) -> None:
    assert view.why(reason, message, None) == told


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["n-3"], "n-3"),
        (["n-10", "n-9", "n-11"], "n-9..11"),
        (["n-1", "n-3", "n-4"], "n-1, n-3..4"),
        (["a-1", "b-2"], "a-1, b-2"),
        (["login", "n-0"], "login, n-0"),
    ],
)
def test_consecutive_numbers_are_shown_as_one_range(names: list[str], text: str) -> None:
    assert view.ranges(names) == text


def test_a_service_shows_its_ready_replicas() -> None:
    service = job("chat", "Degraded", "InferenceService", ready="2/3")
    (line,) = view.workload_lines(world([service], [], []))
    assert (line.kind, line.phase, line.ready) == ("InferenceService", "Degraded", "2/3")


def test_a_job_that_nobody_has_looked_at_yet_is_shown_with_dashes() -> None:
    new = from_manifest({"kind": "TrainingJob", "metadata": {"name": "new"}}, Workload)
    (line,) = view.workload_lines(world([new], [], []))
    assert (line.phase, line.ready) == ("-", "-")


def test_a_job_s_ready_count_is_not_taken_for_its_text() -> None:
    assert job("llama", ready=3, workers="3/4").ready == "3/4"


def test_a_pool_shows_no_watts_before_it_has_any() -> None:
    measured = pool(nodes=2, devices=16, allocated=9, watts=12345.6, kilowattHours=0.25)
    assert view.pool_lines([measured]) == [PoolLine("h100", "h100-sxm", "2", "9/16", "12,346", "0.250")]
    assert view.pool_lines([pool()]) == [PoolLine("h100", "h100-sxm", "0", "0/0", "-", "-")]


def test_each_node_shows_its_pods_and_how_much_of_it_is_held() -> None:
    pods = [pod("a", 10, "n-0", gpus=2), pod("a", 9, "n-0", gpus=4), pod("b", 0, "n-1"), pod("c", 0)]
    seen = world([], pods, [node("n-0", "r"), node("n-1", "r")])
    assert view.node_lines(seen) == [
        NodeLine("n-0", ("a-worker-9", "a-worker-10"), "6/8 nvidia.com/gpu"),
        NodeLine("n-1", ("b-worker-0",), "8/8 nvidia.com/gpu"),
    ]
