"""The runner itself: it carries cases out as their stage says, and notices every kind of difference."""

import json
from pathlib import Path

import pytest
from scenariocases import case
from scenarios import __main__ as command
from scenarios.run import run

ONE = "jobs: [{name: j0, queue: q0, pods: [{count: 1, gpus: 1}]}]\n"
BESIDE = """
jobs:
- {name: j0, queue: q0, priority: 1, created: 1, pods: [{count: 1, gpus: 2, 'on': n0}]}
- {name: j1, queue: q0, priority: 2, created: 2, pods: [{count: 1, gpus: 2}]}
"""
TWO_NODES = """
topology: [rack]
nodes:
- {name: n0, gpus: 2, labels: {rack: r0}}
- {name: n1, gpus: 2, labels: {rack: r1}}
jobs: [{name: j0, queue: q0, pods: [{count: 2, gpus: 2, role: worker}]}]
"""


def differences(text: str) -> str:
    """All sentences about the case."""
    return "; ".join(run(case(text)).differences)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (ONE, "{kind: universal, placed: {j0: {pods: 1, nodes: [n0]}}}"),
        (BESIDE, "{kind: universal, evicted: {j0: 1}, placed: {j1: {pods: 1}}}"),
        (BESIDE + "stage: allocate", "{kind: universal, running: [j0], waiting: [j1]}"),
        (
            BESIDE + "stage: preempt",
            "{kind: universal, evicted: {j0: 1}, waits_for_release: [j1], room: {j1: {pods: 1, nodes: [n0]}}}",
        ),
        (
            TWO_NODES,
            "{kind: universal, placed: {j0: {pods: 2, per_domain: {rack: {worker: {r0: 1, r1: 1}}}}}}",
        ),
        (
            TWO_NODES,
            "{kind: universal, by_subgroup: {j0: {worker: 2}}, placed: {j0: {per_node: {n0: 1, n1: 1}}}}",
        ),
        (
            "jobs: [{name: j0, queue: q0, pods: [{count: 1, gpus: 1, 'on': n0, state: terminating}]}]",
            "{kind: universal, leaving: [j0]}",
        ),
        (
            "jobs: [{name: j0, queue: q0, pods: [{count: 1, gpus: 1, 'on': n0, state: terminating}]}]",
            "{kind: universal, evicted: {j0: 1}}",
        ),
        (
            "jobs: [{name: j0, queue: q0, runtime: 60, pods: [{count: 1, gpus: 1}]}]",
            "{kind: universal, finished: [j0]}",
        ),
    ],
)
def test_what_is_as_expected_passes(jobs: str, expected: str) -> None:
    assert differences(f"{jobs}\nexpect: {expected}") == ""


@pytest.mark.parametrize(
    ("jobs", "expected", "sentence"),
    [
        (ONE, "waiting: [j0]", "j0: expected waiting, got placed 1 on n0"),
        (ONE, "placed: {j0: {pods: 2}}", "j0: expected placed 2 pods, got placed 1 on n0 (1 of them, not 2)"),
        (BESIDE, "{evicted: {j0: 2}, placed: {j1: {pods: 1}}}", "j0: expected evicted 2 pods, got evicted 1"),
        (
            BESIDE + "stage: allocate",
            "{evicted: {j0: 1}, waits_for_release: [j1]}",
            "j0: expected evicted 1 pod, got running; j1: expected waits for release, got waiting",
        ),
        (TWO_NODES, "placed: {j0: {pods: 2, nodes: [n1]}}", "n0 is not among n1"),
        (TWO_NODES, "placed: {j0: {pods: 2, same_domain: rack}}", "more than one rack: r0, r1"),
        (TWO_NODES, "placed: {j0: {pods: 2, per_node: {n0: 2}}}", "1 on n0, 1 on n1, not 2 on n0"),
        (
            TWO_NODES,
            "placed: {j0: {pods: 2, per_domain: {rack: {r1: 2}}}}",
            "1 on r0, 1 on r1, not 2 on r1",
        ),
        (
            TWO_NODES,
            "{placed: {j0: {pods: 2}}, by_subgroup: {j0: {worker: 1}}}",
            "2 of part worker, not 1",
        ),
    ],
)
def test_what_is_not_as_expected_is_told(jobs: str, expected: str, sentence: str) -> None:
    expected = expected if expected.startswith("{") else f"{{{expected}}}"
    assert sentence in differences(f"{jobs}\nexpect: {{kind: policy, {expected[1:]}")


class TestInterchangeable:
    JOBS = """
jobs:
- {name: j0, queue: q0, created: 2, pods: [{count: 1, gpus: 2}]}
- {name: j1, queue: q0, created: 1, pods: [{count: 1, gpus: 2}]}
"""
    EXPECTED = "expect: {kind: universal, placed: {j0: {pods: 1}}, waiting: [j1]%s}"

    def test_jobs_may_swap_what_is_expected_of_them(self) -> None:
        assert differences(self.JOBS + self.EXPECTED % ", interchangeable: [[j0, j1]]") == ""

    def test_only_where_the_case_says_so(self) -> None:
        assert "j0: expected placed 1 pod, got waiting" in differences(self.JOBS + self.EXPECTED % "")

    def test_not_all_at_once(self) -> None:
        both = (
            "expect: {kind: universal, placed: {j0: {pods: 1}, j1: {pods: 1}}, interchangeable: [[j0, j1]]}"
        )
        assert differences(self.JOBS + both).count("expected placed") == 1


def test_wishes_are_scored_and_do_not_fail() -> None:
    result = run(
        case(
            ONE + "nodes: [{name: n0, gpus: 2}, {name: n1, gpus: 2}]\n"
            "expect: {kind: universal, placed: {j0: {pods: 1}}, prefers: {j0: {nodes: [n1]}}}"
        )
    )
    assert (result.differences, result.preferred) == ((), (0, 1))


class TestCommand:
    GOOD = """
- id: own-1
  origin: own
  says: one job
  stage: allocate
  nodes: [{name: n0, gpus: 2}]
  jobs: [{name: j0, pods: [{count: 1, gpus: %s}]}]
  expect: {kind: %s, placed: {j0: {pods: 1, nodes: [n0]}}}
"""

    def test_a_universal_case_that_fails_fails_the_run(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "own.yaml").write_text(self.GOOD % (3, "universal"))
        assert command.main([str(tmp_path)]) == 1
        assert "own-1 (universal): j0: expected placed 1 pod on n0, got waiting" in capsys.readouterr().out

    def test_a_policy_case_that_differs_does_not(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "own.yaml").write_text(self.GOOD % (3, "policy"))
        results = tmp_path / "results.json"
        assert command.main([str(tmp_path), "--json", str(results)]) == 0
        assert "own-1 (policy)" in capsys.readouterr().out
        assert json.loads(results.read_text())["cases"][0]["verdict"] == "differs"

    def test_only_some(self, tmp_path: Path) -> None:
        (tmp_path / "own.yaml").write_text(self.GOOD % (3, "universal"))
        assert command.main([str(tmp_path), "--only", "other"]) == 0

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            (("gpus: 1", "gpus: many"), "own.yaml: case own-1: jobs[0].pods[0].gpus: 'many' is not a number"),
            (("stage: allocate", "stage: later"), "own.yaml: case own-1: stage: 'later' is none of allocate"),
            (
                ("nodes: [n0]", "nodes: [n9]"),
                "own.yaml: case own-1: expect.placed.j0.nodes: there is no node n9",
            ),
            (("count: 1", "size: 1"), "own.yaml: case own-1: jobs[0].pods[0].count: is missing"),
            (("gpus: 2}]", "gpus: 2, gpu: 1}]"), "own.yaml: case own-1: nodes[0].gpu: no field of this name"),
            (("- id", "  - id: ["), "own.yaml: "),
        ],
    )
    def test_a_bad_case_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], complaint: str
    ) -> None:
        (tmp_path / "own.yaml").write_text((self.GOOD % (1, "universal")).replace(*change))
        assert command.main([str(tmp_path)]) == 2
        assert f"error: {complaint}" in capsys.readouterr().err

    def test_a_folder_that_is_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main([str(tmp_path / "none")]) == 2
        assert "is not a folder" in capsys.readouterr().err
        assert command.main([str(tmp_path)]) == 2
