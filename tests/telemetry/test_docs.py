"""docs/metrics.md says of each metric what the code does, and its queries are queries."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .test_metrics import OPERATOR, SCHEDULER

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text()
QUERIES = re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)


def table(section: str) -> dict[str, tuple[str, set[str]]]:
    """The metrics of one section: name, type and labels."""
    (text,) = re.findall(rf"^## {section}$(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\| `(powertrain_\w+)` \| (\w+) \|([^|]*)\|", text, re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_the_page_lists_each_metric_with_its_type_and_labels() -> None:
    assert table("Operator") == OPERATOR
    assert table("Scheduler") == SCHEDULER


@pytest.mark.parametrize("query", QUERIES, ids=[query.strip()[:60] for query in QUERIES])
def test_a_query_asks_for_metrics_and_labels_that_there_are(query: str) -> None:
    known = OPERATOR | SCHEDULER
    series = re.findall(r"(powertrain_\w+)(?:\{([^}]*)\})?", query)
    assert series
    for name, selector in series:
        _, labels = known[name.removesuffix("_bucket")]
        assert set(re.findall(r"(\w+)(?:=~|!=|=)\"", selector)) <= labels
        grouped = re.search(r"by \(([^)]*)\)", query)
        if grouped:
            assert set(re.split(r",\s*", grouped[1])) <= labels | {"le"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
def test_promtool_takes_every_query(tmp_path: Path) -> None:
    rules = [f"  - record: query:{n}\n    expr: {query.strip()!r}" for n, query in enumerate(QUERIES)]
    file = tmp_path / "queries.yaml"
    file.write_text("groups:\n- name: queries\n  rules:\n" + "\n".join(rules) + "\n")
    verdict = subprocess.run(
        ["promtool", "check", "rules", file], text=True, capture_output=True, check=False
    )
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert f"{len(QUERIES)} rules found" in verdict.stdout + verdict.stderr
