"""`powertrain explain`: the decision record of one group.

UPDATE_GOLDEN=1 writes the answers anew instead of comparing with them.
"""

import json
import os
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from powertrain_operator.api.time import from_rfc3339
from powertrain_operator.cli import main, plan

TESTDATA = Path(__file__).parent / "testdata"
INPUT = TESTDATA / "explained.input.yaml"
NOW = from_rfc3339("2026-11-24T08:00:00Z")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("group", ["tight", "bounded", "pair"])
def test_the_record_is_the_golden_one(group: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan.explain(f"team-a/{group}", (str(INPUT),), None, form, NOW)
    answer = capsys.readouterr().out
    golden = TESTDATA / f"explained.{group}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(answer)
    assert answer == golden.read_text()


def test_plan_has_the_same_records(capsys: pytest.CaptureFixture[str]) -> None:
    plan.run((str(INPUT),), None, "json", NOW)
    records = json.loads(capsys.readouterr().out)["records"]
    for group in ("tight", "bounded", "pair"):
        plan.explain(f"team-a/{group}", (str(INPUT),), None, "json", NOW)
        assert json.loads(capsys.readouterr().out) in records


def test_yaml_says_the_same_as_json() -> None:
    as_json = json.loads(run("team-a/pair", "-f", str(INPUT), "-o", "json").stdout)
    assert yaml.safe_load(run("team-a/pair", "-f", str(INPUT), "-o", "yaml").stdout) == as_json


def test_a_group_that_is_kept_from_placement_is_told_why() -> None:
    result = run("no-claim", "-f", str(TESTDATA / "everything-that-waits.input.yaml"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("default/no-claim waits (VolumeNotBound): pod no-claim mounts")


def test_a_job_that_is_invalid_is_told_why() -> None:
    result = run("default/no-queue", "-f", str(TESTDATA / "everything-that-waits.input.yaml"))
    assert result.stdout.startswith("default/no-queue waits (QueueNotFound): queue nowhere does not exist")


def test_what_runs_is_told_where() -> None:
    result = run("team-a/runs", "-f", str(INPUT))
    assert result.stdout == "team-a/runs runs: 1 pod runs on 1 node\n  queue default, priority 50\n"


def test_a_name_that_is_not_there_is_a_mistake_that_names_what_is_like_it() -> None:
    result = run("team-a/tigth", "-f", str(INPUT))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "error: no PodGroup or pod team-a/tigth is among the input; there is tight"
    )


def test_either_files_or_the_cluster_is_wanted() -> None:
    assert run("a/b").exit_code == 2
