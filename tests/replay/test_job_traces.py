"""Reading traces and throughputs: what they say, and what is said of those that say nothing sensible."""

from typing import Any

import pytest
from powertrain_scheduler.replay.jobs import trace
from powertrain_scheduler.replay.jobs.trace import BadTrace
from replay.jobtraces import FAST, SLOW, line

KNOWN = {
    FAST: {("model", 1): 10.0, ("model", 2): 18.0, ("alone", 1): 3.0},
    SLOW: {("model", 1): 2.0, ("model", 2): 0.0, ("alone", 1): 1.0},
}
CLUSTER = {FAST: 4, SLOW: 8}


def read(*lines: str) -> list[trace.Job]:
    return trace.jobs(lines, "a.trace", KNOWN, CLUSTER)


def test_jobs_come_by_arrival_with_the_measured_rates() -> None:
    late, early = read(line(arrival=60.5, workers=2), line(arrival=5))[::-1]
    assert (early.name, early.arrival, early.rates) == ("job-00000", 5.0, {FAST: 10.0, SLOW: 2.0})
    assert (late.name, late.workers, late.measured) == ("job-00001", 2, True)
    assert late.rates == {FAST: 18.0}, "0 is measured: it does not run there"
    assert early.seconds(SLOW) == 5000.0
    assert early.fastest == FAST


def test_beyond_what_was_measured_rates_grow_with_the_workers() -> None:
    (wide,) = read(line("alone", workers=4))
    assert not wide.measured
    assert wide.rates == {FAST: 12.0, SLOW: 4.0}


def test_a_gang_runs_only_where_there_are_devices_for_all_of_it() -> None:
    assert read(line("alone", workers=8))[0].rates == {SLOW: 8.0}
    assert not read(line("alone", workers=9))[0].rates


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (line() + "\tmore", "a.trace, line 2: has 8 fields separated by tabs, not 7 (type, command"),
        (line(steps="many"), "a.trace, line 2, field steps: 'many' is not a number from 0 on"),
        (line(steps=0), "a.trace, line 2, field steps: 0 is not more than 0"),
        (line(arrival=-1), "a.trace, line 2, field arrival: '-1' is not a number from 0 on"),
        (line(arrival="nan"), "a.trace, line 2, field arrival: 'nan' is not a number from 0 on"),
        (line(workers=0), "a.trace, line 2, field workers: 0 is not a whole number from 1 on"),
        (line(workers=1.5), "a.trace, line 2, field workers: 1.5 is not a whole number from 1 on"),
        (line("other"), "a.trace, line 2, field type: no throughput of 'other' on fast is known"),
    ],
)
def test_a_bad_line_is_named_with_its_field(bad: str, sentence: str) -> None:
    with pytest.raises(BadTrace) as caught:
        read(line(), bad)
    assert str(caught.value).startswith(sentence)


def test_an_empty_trace_is_refused() -> None:
    with pytest.raises(BadTrace, match=r"a\.trace: holds no jobs"):
        read("\n")


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "t.json: is not a JSON object of accelerators"),
        ({"slow": {}}, "t.json: has no throughputs of accelerator fast; it has slow"),
        ({"fast": {"model": {"null": 1}}}, "t.json, fast, model: is not"),
        ({"fast": {"('model', 1)": {"other": 1}}}, "t.json, fast, ('model', 1): is not"),
    ],
)
def test_bad_throughputs_are_named(document: Any, sentence: str) -> None:
    with pytest.raises(BadTrace) as caught:
        trace.throughputs(document, "t.json", [FAST])
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("text", ["fast", "fast=0", "fast=x", "fast=1,fast=2", ""])
def test_a_bad_cluster_is_refused(text: str) -> None:
    with pytest.raises(BadTrace, match="is not ACCELERATOR=DEVICES"):
        trace.cluster(text)
