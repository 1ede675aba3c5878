"""How commands end: by a signal, by a mistake of whoever started them, or by a failure."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from powertrain_operator import __version__
from powertrain_operator.cli import main
from powertrain_operator.cli.processes import first_mistake
from powertrain_operator.kube.errors import ConfigError

COMMAND = [sys.executable, "-c", "from powertrain_operator.cli import main; main(prog_name='powertrain')"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def unreachable(directory: Path) -> str:
    """A kubeconfig for an API server that is not there: port 1 of this machine."""
    path = directory / "kubeconfig"
    path.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {}}],"
        " clusters: [{name: s, cluster: {server: 'http://127.0.0.1:1'}}],"
        " contexts: [{name: c, context: {cluster: s, user: u}}]}"
    )
    return str(path)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_a_process_cleanly(number: signal.Signals, status: int, tmp_path: Path) -> None:
    process = start("scheduler", f"--kubeconfig={unreachable(tmp_path)}", "--listen=127.0.0.1:0")
    assert process.stderr is not None
    line = process.stderr.readline()
    while "metrics and health at" not in line:
        assert line, "it ended by itself"
        line = process.stderr.readline()
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in rest


@pytest.mark.parametrize("command", ["operator", "scheduler"])
def test_a_login_that_is_not_there_is_one_line(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [command, f"--kubeconfig={tmp_path / 'nowhere'}"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and "nowhere" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_listen_address_that_is_none_is_one_line(tmp_path: Path) -> None:
    arguments = ["scheduler", f"--kubeconfig={unreachable(tmp_path)}", "--listen=here"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "listen address 'here'" in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", "--cluster", f"--kubeconfig={unreachable(tmp_path)}"])
    assert result.exit_code == 1
    assert "the cluster cannot be read: " in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_version_is_printed() -> None:
    assert CliRunner().invoke(main, ["version"]).stdout == f"powertrain {__version__}\n"


def test_a_mistake_among_faults_of_ours_is_not_told_as_a_mistake() -> None:
    mistake, fault = ConfigError("no login"), RuntimeError("a bug")
    assert first_mistake(ExceptionGroup("", [ExceptionGroup("", [mistake])])) is mistake
    assert first_mistake(ExceptionGroup("", [mistake, fault])) is None
