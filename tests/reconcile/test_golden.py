"""Whole outcomes, readable: testdata/<case>.input.yaml in, testdata/<case>.outcome.yaml out.

An input is a moment: `now`, `nodes` by health, `queues`, and `objects`, the first of which is reconciled.
`pytest tests/reconcile --update` writes the outcomes anew; the diff then shows what changed.
"""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from powertrain_operator.api import AcceleratorPool, parse
from powertrain_operator.api.time import from_rfc3339
from powertrain_operator.reconcile import Outcome, reconcile_inference_service, reconcile_training_job
from reconcile.building import fleet, seen_job, seen_service

TESTDATA = Path(__file__).parent / "testdata"
CASES = sorted(path.name.removesuffix(".input.yaml") for path in TESTDATA.glob("*.input.yaml"))


class Dumper(yaml.SafeDumper):
    """Writes equal parts out again instead of pointing at them: these files are for reading."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def outcome_of(moment: dict[str, Any]) -> Outcome:
    objects = moment["objects"]
    pools = [found for each in objects if isinstance(found := _model(each), AcceleratorPool)]
    around = fleet(*pools, queues=moment.get("queues", ()), nodes=moment.get("nodes"))
    subject, *children = (each for each in objects if each["kind"] != "AcceleratorPool")
    now = from_rfc3339(moment["now"])
    if subject["kind"] == "TrainingJob":
        return reconcile_training_job(seen_job(subject, *children, now=now, fleet=around))
    return reconcile_inference_service(seen_service(subject, *children, now=now, fleet=around))


def _model(manifest: dict[str, Any]) -> object:
    return parse(manifest) if manifest["kind"] == "AcceleratorPool" else None


def as_yaml(outcome: Outcome) -> str:
    """Only what it says, in the order in which it is done."""
    said = {field: value for field, value in dataclasses.asdict(outcome).items() if value not in ((), None)}
    text: str = yaml.dump(_plain(said), Dumper=Dumper, sort_keys=False, width=100)
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", CASES)
def test_the_outcome_is_the_golden_one(case: str, request: pytest.FixtureRequest) -> None:
    moment = yaml.safe_load((TESTDATA / f"{case}.input.yaml").read_text())
    golden = TESTDATA / f"{case}.outcome.yaml"
    found = as_yaml(outcome_of(moment))
    if request.config.getoption("--update", default=False):
        golden.write_text(found)
    assert found == golden.read_text()


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 8
