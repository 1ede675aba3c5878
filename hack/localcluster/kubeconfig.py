"""Kubeconfig files: who somebody is to the local API server, and where it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from localcluster.pki import Certificate


def with_certificate(path: Path, server: str, ca: bytes, user: str, pair: Certificate) -> Path:
    """Writes a kubeconfig that logs in with a client certificate."""
    credentials = {
        "client-certificate-data": _text(pair.certificate),
        "client-key-data": _text(pair.key),
    }
    return _write(path, server, ca, user, credentials)


def with_token(path: Path, server: str, ca: bytes, user: str, token: str, namespace: str) -> Path:
    """Writes a kubeconfig that logs in with a bearer token."""
    return _write(path, server, ca, user, {"token": token}, namespace)


def _write(
    path: Path, server: str, ca: bytes, user: str, credentials: Mapping[str, str], namespace: str = "default"
) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "clusters": [
            {"name": "local", "cluster": {"server": server, "certificate-authority-data": _text(ca)}}
        ],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [
            {"name": "local", "context": {"cluster": "local", "user": user, "namespace": namespace}}
        ],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1) + "\n")  # JSON is YAML
    return path


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
