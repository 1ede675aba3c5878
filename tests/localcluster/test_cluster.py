"""A local cluster starts whole or not at all, lets in whom it should, and leaves nothing behind."""

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from localcluster import Cluster, LocalClusterError
from localcluster import layout as layouts
from localcluster.errors import CommandFailed, ProgramFailed

from .conftest import eventually, running_in

pytestmark = pytest.mark.cluster
HACK = Path(__file__).parents[2] / "hack"


def test_a_stopped_cluster_leaves_no_process(tmp_path: Path) -> None:
    with Cluster.start(tmp_path / "c") as cluster:
        assert len(running_in(tmp_path / "c")) == 4
        server = cluster.server
    assert running_in(tmp_path / "c") == []
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(server)


def start_elsewhere(directory: Path) -> "subprocess.Popen[str]":
    """A process of its own that starts a cluster and then waits."""
    script = (
        "import signal, sys; from pathlib import Path; from localcluster import Cluster\n"
        "with Cluster.start(Path(sys.argv[1])):\n"
        "    print('ready', flush=True); signal.pause()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HACK)},
    )


@pytest.mark.parametrize("moment", ["etcd", "kube-apiserver", "kube-controller-manager", "kwok"])
def test_an_interrupt_while_it_starts_leaves_no_process(moment: str, tmp_path: Path) -> None:
    """Interrupted as soon as that program has a log."""
    with start_elsewhere(tmp_path / "c") as starter:
        eventually((tmp_path / "c" / "logs" / f"{moment}.log").exists)
        starter.send_signal(signal.SIGINT)
        assert starter.wait(20) != 0
    assert running_in(tmp_path / "c") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_its_programs_do_not_outlive_a_killed_starter(number: signal.Signals, tmp_path: Path) -> None:
    with start_elsewhere(tmp_path / "c") as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"
        starter.send_signal(number)
    eventually(lambda: running_in(tmp_path / "c") == [])


def test_a_program_that_fails_at_its_start_is_told_with_its_log_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="kube-apiserver ended with status 1(.|\n)*no-such-flag"):
        Cluster.start(tmp_path / "c", apiserver_flags=["--no-such-flag"])
    assert running_in(tmp_path / "c") == []


def test_a_port_that_was_taken_meanwhile_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = layouts._free_port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free()])
        monkeypatch.setattr(layouts, "_free_port", lambda: next(ports))
        with Cluster.start(tmp_path / "c", kwok=False) as cluster:
            assert cluster.kubectl("get", "--raw", "/readyz") == "ok"


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(LocalClusterError, match="is not empty"):
        Cluster.start(tmp_path)
    assert (tmp_path / "mine").exists()


def test_its_files_are_closed_to_other_users(local: Cluster) -> None:
    assert stat.S_IMODE(local.directory.stat().st_mode) == 0o700
    secrets = [*local.directory.glob("*.kubeconfig"), *local.directory.glob("pki/*.key")]
    assert len(secrets) > 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_who_shows_nothing_is_let_in_nowhere(local: Cluster) -> None:
    trust = ssl.create_default_context(cafile=str(local.directory / "pki" / "ca.crt"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{local.server}/api/v1/nodes", context=trust)
    with refused.value:
        assert refused.value.code == 401


def test_a_service_account_is_itself_and_has_no_rights_of_its_own(local: Cluster) -> None:
    own = f"--kubeconfig={local.identity('default', 'default')}"
    assert "system:serviceaccount:default:default" in local.kubectl(own, "auth", "whoami")
    with pytest.raises(CommandFailed, match="cannot list resource .*nodes"):
        local.kubectl(own, "get", "nodes")


@pytest.mark.parametrize("name", ["kube-apiserver", "etcd", "kube-controller-manager"])
def test_a_killed_program_comes_back_with_what_it_knew(name: str, local: Cluster) -> None:
    before = local.kubectl("get", "nodes", "-o", "name")
    killed = local.process(name)
    restarted = local.restart(name)
    assert killed.returncode == -signal.SIGKILL
    assert restarted.alive
    assert local.kubectl("get", "nodes", "-o", "name") == before


def test_kubectl_that_fails_is_told_with_its_words(local: Cluster) -> None:
    with pytest.raises(CommandFailed, match="kubectl get pod nobody: exit status 1\n.*not found"):
        local.kubectl("get", "pod", "nobody")
    assert local.kubectl("get", "pod", "nobody", check=False) == ""


def test_kubectl_and_helm_keep_their_caches_in_the_clusters_folder(
    local: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    local.kubectl("get", "nodes")
    local.helm("list", "--all-namespaces")
    assert list(tmp_path.iterdir()) == []
