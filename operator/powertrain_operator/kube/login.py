"""Where the API server is and as whom we speak to it.

The official package reads kubeconfigs (client certificates, tokens, token files, exec plugins) and the
in-cluster files; what it read becomes an `Endpoint`. Credentials that can expire are read again every
minute and whenever the API server answers 401.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from powertrain_operator.kube.errors import ConfigError
from powertrain_operator.kube.http import Address

_log = logging.getLogger(__name__)

REFRESH_SECONDS = 60.0
IN_CLUSTER = "in-cluster"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """All that a client needs for its connection; other clients in the process are built from it too."""

    server: str
    """Base URL, possibly with a path, without a slash at its end."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False
    server_name: str | None = None
    scheme: str | None = None
    """`Bearer` or `Basic`, with `token` after it in the Authorization header; None sends no header."""
    token: str | None = field(default=None, repr=False)

    @property
    def authorization(self) -> str | None:
        return f"{self.scheme} {self.token}" if self.scheme else None

    @property
    def base_path(self) -> str:
        return urlsplit(self.server).path

    def address(self) -> Address:
        """Host, port and TLS settings. Raises ConfigError where the certificates cannot be used."""
        url = urlsplit(self.server)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError(f"the server {self.server!r} is no http or https URL")
        tls = self._tls() if url.scheme == "https" else None
        name = self.server_name or url.hostname
        return Address(url.hostname, url.port or (443 if tls else 80), tls, name if tls else None)

    def _tls(self) -> ssl.SSLContext:
        try:
            tls = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                tls.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as cause:
            raise ConfigError(f"the certificates for {self.server} cannot be used: {cause}") from cause
        if self.insecure:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        return tls


class Login(Protocol):
    """What can give an endpoint, and give it anew when credentials may have changed."""

    async def read(self) -> Endpoint:
        """Raises ConfigError."""


def find_kubeconfig(kubeconfig: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The kubeconfig to use: the given one, `$KUBECONFIG`, none inside a cluster, or `~/.kube/config`."""
    if kubeconfig or environ.get("KUBECONFIG"):
        return kubeconfig or environ["KUBECONFIG"]
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return None
    return str(Path.home() / ".kube" / "config")


def login(kubeconfig: str | None) -> Login:
    """The login that `find_kubeconfig` chooses; nothing is read yet."""
    path = find_kubeconfig(kubeconfig)
    return KubeconfigLogin(path) if path else InClusterLogin()


class KubeconfigLogin:
    """A kubeconfig's current context; several files may be given as in `$KUBECONFIG`."""

    def __init__(self, path: str) -> None:
        self.source = path
        self._load: Callable[..., Any] = load_kube_config
        self._loader: Any = None
        self._configuration = Configuration()

    async def read(self) -> Endpoint:
        paths = [Path(part).expanduser() for part in self.source.split(os.pathsep) if part]
        if not any(path.is_file() for path in paths):
            raise ConfigError(f"there is no kubeconfig at {self.source}")
        try:
            if self._loader is None:
                self._loader = await self._load(
                    self.source, client_configuration=self._configuration, persist_config=False
                )
            else:
                await self._loader.load_and_set(self._configuration)
        except TypeError as cause:  # the official reader's answer to a section that is not there
            raise ConfigError(f"the kubeconfig {self.source} lacks a section: {cause}") from cause
        except (ConfigException, OSError, yaml.YAMLError, ValueError, KeyError) as cause:
            raise ConfigError(f"the kubeconfig {self.source} cannot be used: {cause}") from cause
        return _endpoint(self._configuration, self.source)


class InClusterLogin:
    """The service account's files in a pod; the token file is read each time, as it is rotated."""

    source = IN_CLUSTER

    def __init__(self, load: Callable[[Configuration], None] = load_incluster_config) -> None:
        self._load = load

    async def read(self) -> Endpoint:
        configuration = Configuration()
        try:
            self._load(configuration)
        except (ConfigException, OSError) as cause:
            raise ConfigError(f"no login from inside a cluster: {cause}") from cause
        return _endpoint(configuration, self.source)


def _endpoint(configuration: Configuration, source: str) -> Endpoint:
    if configuration.proxy:
        raise ConfigError(f"{source}: proxy-url is not supported; reach {configuration.host} directly")
    scheme, _, token = configuration.api_key.get("BearerToken", "").strip().partition(" ")
    return Endpoint(
        server=configuration.host.rstrip("/"),
        ca_file=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        insecure=not configuration.verify_ssl,
        server_name=configuration.tls_server_name,
        scheme=scheme.capitalize() if token else None,
        token=token or None,
    )


class Session:
    """The endpoint in use: `renew()` it when `due`, and when the API server answered 401."""

    def __init__(self, login: Login, endpoint: Endpoint, clock: Callable[[], float]) -> None:
        self.endpoint = endpoint
        self.address = endpoint.address()
        self._login = login
        self._clock = clock
        self._read_at = clock()
        self._reading = asyncio.Lock()

    @classmethod
    async def start(cls, login: Login, clock: Callable[[], float]) -> "Session":
        """Raises ConfigError."""
        return cls(login, await login.read(), clock)

    @property
    def due(self) -> bool:
        """A token may have been rotated since it was read; client certificates are not looked at again."""
        return bool(self.endpoint.token) and self._clock() - self._read_at >= REFRESH_SECONDS

    async def renew(self, seen: Endpoint) -> None:
        """Read the endpoint anew, unless another caller has done so since `seen` was in use.

        Where that fails the old one stays, the log says why, and the next try is due a minute later.
        """
        async with self._reading:
            if self.endpoint is not seen:
                return
            self._read_at = self._clock()
            try:
                endpoint = await self._login.read()
                self.address = endpoint.address()
                self.endpoint = endpoint
            except ConfigError as cause:
                _log.warning("credentials were not renewed: %s", cause)
