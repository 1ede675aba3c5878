"""`make up` leaves a cluster with Powertrain behind, and `make down` ends all of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from localcluster import background

from .conftest import eventually, running_in

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[2]


def command(word: str, directory: Path) -> list[str]:
    return [sys.executable, "-m", "localcluster", "--directory", str(directory), word]


ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}/hack:{ROOT}/operator:{ROOT}/scheduler"}


def run(word: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(word, directory), capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=120
    )


def in_shell(exports: str, line: str) -> str:
    """What the line prints in a shell that has evaluated what `up` printed."""
    done = subprocess.run(["sh", "-c", f"{exports}\n{line}"], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The directory, and what `up` printed for the shell."""
    directory = tmp_path_factory.mktemp("up")
    done = run("up", directory)
    assert done.returncode == 0, done.stderr
    yield directory, done.stdout
    run("down", directory)


def test_a_shell_that_evaluates_its_lines_talks_to_the_cluster(up: tuple[Path, str]) -> None:
    _, exports = up
    assert all(line.startswith("export ") for line in exports.splitlines())
    where = in_shell(exports, "command -v kubectl")
    assert "/powertrain/programs/" in where
    nodes = in_shell(exports, "kubectl get nodes -o name").split()
    assert len(nodes) == 28
    assert in_shell(exports, "kubectl get acceleratorpools -o name")
    assert in_shell(exports, "echo $PATH").strip().endswith(os.environ["PATH"])


def test_powertrain_runs_there_as_its_own_identities(up: tuple[Path, str]) -> None:
    _, exports = up
    leases = "kubectl get lease -n powertrain-system powertrain-scheduler -o jsonpath={.spec.holderIdentity}"
    eventually(lambda: in_shell(exports, leases) != "")
    accounts = in_shell(exports, "kubectl get serviceaccounts -n powertrain-system -o name")
    assert "powertrain-operator" in accounts
    assert "powertrain-scheduler" in accounts


def test_a_second_up_finds_the_first(up: tuple[Path, str]) -> None:
    directory, exports = up
    keeper = background.find(directory)
    assert run("up", directory).stdout == exports
    assert run("env", directory).stdout == exports
    assert background.find(directory) == keeper


def test_down_leaves_no_process_and_says_so_when_there_is_none(up: tuple[Path, str]) -> None:
    directory, _ = up
    assert running_in(directory / "cluster") != []
    assert run("down", directory).stderr == "stopped\n"
    assert running_in(directory / "cluster") + running_in(directory) == []
    assert run("down", directory).stderr == "nothing is up\n"
    nothing = run("env", directory)
    assert (nothing.returncode, nothing.stdout) == (1, "")


def test_an_interrupted_up_leaves_no_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("up", tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as running:
        eventually((tmp_path / "cluster" / "logs" / "kube-apiserver.log").exists)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert out == ""
    assert err.endswith("interrupted\n")
    assert running_in(tmp_path / "cluster") == []
    assert background.find(tmp_path) is None
