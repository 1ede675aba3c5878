"""`benchmarks/cluster.py`, tiny: that it measures what it says and stops what it started. No figure is judged."""

import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from markedrun import ROOT, marked_environment, processes_of

_PATIENCE_SECONDS = 240.0


def command(*options: str) -> list[str]:
    return [sys.executable, str(ROOT / "benchmarks" / "cluster.py"), "--timeout=60", *options]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """By row and system: each of the three kinds of run once."""
    directory = tmp_path_factory.mktemp("bench")
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for rows, systems in (("1b", "raw"), ("3", "powertrain"), ("4", "kube-scheduler,powertrain")):
        output = directory / f"{rows}.json"
        options = (f"--rows={rows}", f"--systems={systems}", "--scale=0.02", f"--json={output}")
        environment = marked_environment("", directory)
        subprocess.run(command(*options), env=environment, timeout=_PATIENCE_SECONDS, check=True)
        for result in json.loads(output.read_text())["results"]:
            found[result["row"], result["system"]] = result
    return found


def test_every_pod_is_bound_and_no_run_has_a_problem(results: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert [found["problem"] for found in results.values()] == [""] * 4
    wanted = {("1b", "raw"): 80, ("3", "powertrain"): 32, ("4", "powertrain"): 1}
    assert {key: results[key]["bound"] for key in wanted} == wanted


def test_a_binding_and_the_kubelet_s_status_are_the_writes_of_the_plain_client(
    results: dict[tuple[str, str], dict[str, Any]],
) -> None:
    writes = results["1b", "raw"]["writes"]
    assert writes["POST pods/binding"] == 80
    assert writes["PATCH pods/status"] >= 80
    assert "POST pods" not in writes


def test_only_who_knows_gangs_leaves_the_misfit_alone(results: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert results["4", "powertrain"]["misfit_bound"] == 0
    assert results["4", "powertrain"]["told_reason"] == "NeverFits"
    assert results["4", "kube-scheduler"]["misfit_bound"] > 0


def test_what_each_process_used_is_told(results: dict[tuple[str, str], dict[str, Any]]) -> None:
    costs = results["3", "powertrain"]["costs"]
    assert costs.keys() == {"system", "etcd", "kube-apiserver", "kube-controller-manager", "kwok"}
    assert costs["system"]["cpu_seconds"] > 0
    assert costs["system"]["peak_mib"] > 20


def test_an_interrupted_benchmark_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        command("--rows=1a", "--systems=raw", "--scale=0.2"),
        env=marked_environment(mark, tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert "row 1a, raw" in process.stderr.readline()
        while (
            len(processes_of(mark)) < 6
        ):  # the benchmark, four of the control plane, and the first of its own
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
        assert "stopped by SIGTERM" in process.stderr.read()
    assert processes_of(mark) == set()
    assert list(tmp_path.iterdir()) == []
