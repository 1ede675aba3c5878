import asyncio
import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from powertrain_operator.kube.errors import ConfigError
from powertrain_operator.kube.login import (
    Endpoint,
    InClusterLogin,
    KubeconfigLogin,
    find_kubeconfig,
    login,
)


def kubeconfig(
    path: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None
) -> KubeconfigLogin:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "https://kube.example:6443"} | (cluster or {})}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    file = path / "config"
    file.write_text(yaml.safe_dump(config))
    return KubeconfigLogin(str(file))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def encoded(blob: trustme.Blob) -> str:
    return base64.b64encode(blob.bytes()).decode()


async def test_a_token_becomes_a_bearer_header(tmp_path: Path) -> None:
    endpoint = await kubeconfig(tmp_path, user={"token": "t0ken"}).read()
    assert endpoint.server == "https://kube.example:6443"
    assert endpoint.authorization == "Bearer t0ken"
    assert "t0ken" not in repr(endpoint)


async def test_name_and_password_become_a_basic_header(tmp_path: Path) -> None:
    endpoint = await kubeconfig(tmp_path, user={"username": "me", "password": "pw"}).read()
    assert endpoint.authorization == "Basic " + base64.b64encode(b"me:pw").decode()


async def test_client_certificates_given_inline_are_used(tmp_path: Path, authority: trustme.CA) -> None:
    mine = authority.issue_cert("me@example.org")
    endpoint = await kubeconfig(
        tmp_path,
        cluster={"certificate-authority-data": encoded(authority.cert_pem)},
        user={
            "client-certificate-data": encoded(mine.cert_chain_pems[0]),
            "client-key-data": encoded(mine.private_key_pem),
        },
    ).read()
    address = endpoint.address()
    assert endpoint.authorization is None
    assert endpoint.key_file and stat.S_IMODE(Path(endpoint.key_file).stat().st_mode) == 0o600
    assert (address.host, address.port, address.server_name) == ("kube.example", 6443, "kube.example")
    assert address.tls is not None and address.tls.check_hostname


async def test_a_cluster_may_be_trusted_blindly_or_under_another_name(tmp_path: Path) -> None:
    endpoint = await kubeconfig(
        tmp_path, cluster={"insecure-skip-tls-verify": True, "tls-server-name": "kubernetes"}
    ).read()
    address = endpoint.address()
    assert endpoint.insecure and address.server_name == "kubernetes"
    assert address.tls is not None and not address.tls.check_hostname


async def test_an_exec_plugins_token_is_used_and_fetched_anew_only_when_it_expires(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\n"
        f'echo run >> "{tmp_path}/runs"\n'
        """echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":"""
        """{"token":"fresh","expirationTimestamp":"2999-01-01T00:00:00Z"}}'\n"""
    )
    plugin.chmod(0o755)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}
    source = kubeconfig(tmp_path, user={"exec": command})
    assert (await source.read()).authorization == "Bearer fresh"
    assert (await source.read()).authorization == "Bearer fresh"
    assert (tmp_path / "runs").read_text() == "run\n"


async def test_a_token_file_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    source = kubeconfig(tmp_path, user={"tokenFile": "token"})
    first = await source.read()
    (tmp_path / "token").write_text("two\n")
    assert (first.token, (await source.read()).token) == ("one", "two")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("apiVersion: v1\nclusters: []\n", "current-context"),
        (": : :\n- x", "cannot be used"),
        ("current-context: a\ncontexts: []\nclusters: []\nusers: []\n", "Expected object with name a"),
        (
            """{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}],
            clusters: [{name: c, cluster: {server: 'https://x'}}]}""",
            "lacks a section",
        ),
    ],
)
async def test_a_broken_kubeconfig_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "broken"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as refused:
        await KubeconfigLogin(str(file)).read()
    assert str(file) in str(refused.value)


async def test_a_kubeconfig_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no kubeconfig at .*nowhere"):
        await KubeconfigLogin(str(tmp_path / "nowhere")).read()


async def test_a_proxy_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="proxy-url is not supported"):
        await kubeconfig(tmp_path, cluster={"proxy-url": "http://proxy:3128"}).read()


@pytest.mark.parametrize("server", ["ftp://x", "https://", "kube.example:6443"])
def test_a_server_that_is_no_url_is_refused(server: str) -> None:
    with pytest.raises(ConfigError, match="no http or https URL"):
        Endpoint(server=server).address()


def test_certificates_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ConfigError, match="certificates for https://x cannot be used"):
        Endpoint(server="https://x", ca_file="/nowhere/ca.crt").address()


def test_a_server_behind_a_path_keeps_it() -> None:
    endpoint = Endpoint(server="https://rancher.example/k8s/clusters/c-1")
    assert endpoint.base_path == "/k8s/clusters/c-1"
    assert endpoint.address().port == 443


async def test_in_a_cluster_the_service_accounts_token_is_read_each_time(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.aio.config import incluster_config

    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    (tmp_path / "token").write_text("one")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    first = await InClusterLogin().read()
    (tmp_path / "token").write_text("two")
    assert (first.server, first.authorization) == ("https://[fd00::1]:443", "Bearer one")
    assert (await InClusterLogin().read()).token == "two"
    assert first.address().host == "fd00::1"


async def test_outside_a_cluster_the_in_cluster_login_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="no login from inside a cluster: Service host/port is not set"):
        await InClusterLogin().read()


def test_the_kubeconfig_is_the_given_one_then_the_environments_then_the_clusters_own() -> None:
    everything = {"KUBECONFIG": "/env", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert find_kubeconfig("/given", everything) == "/given"
    assert find_kubeconfig(None, everything) == "/env"
    assert find_kubeconfig(None, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}) is None
    assert find_kubeconfig(None, {}) == str(Path.home() / ".kube" / "config")
    assert isinstance(login("/given"), KubeconfigLogin)


async def test_logging_in_at_once_from_many_places_is_safe(tmp_path: Path) -> None:
    source = kubeconfig(tmp_path, user={"token": "t"})
    endpoints = await asyncio.gather(*(source.read() for _ in range(5)))
    assert {endpoint.token for endpoint in endpoints} == {"t"}
