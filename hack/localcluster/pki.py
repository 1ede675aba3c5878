"""The cluster's own certificate authority and what it has signed.

Everybody is who a certificate or a token says, as on any cluster: the API
server serves with a certificate of this CA, the control plane and the
administrator come with client certificates, and the keys lie in a directory
that only this user can read. The CA lives as long as its cluster.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = datetime.timedelta(days=365)
# A clock that steps back a little must not make a new certificate "not yet valid".
_SLACK = datetime.timedelta(minutes=10)
_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclass(frozen=True)
class Certificate:
    """PEM texts: the certificate and its key."""

    certificate: bytes
    key: bytes


class Authority:
    """A CA that signs for one cluster."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("powertrain-local-cluster")
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        self._certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        return _pem(self._certificate)

    def server(self, *addresses: str) -> Certificate:
        """For a server at these IP addresses and at the API server's usual names."""
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in _SERVER_NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        return self._sign("kube-apiserver", None, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, user: str, group: str | None = None) -> Certificate:
        """Whoever shows it is `user` in `group` to the API server."""
        return self._sign(user, group, ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def _sign(
        self, common: str, group: str | None, usage: x509.ObjectIdentifier, names: list[x509.GeneralName]
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(common, group), key.public_key()).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Certificate(_pem(builder.sign(self._key, hashes.SHA256())), private_pem(key))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SLACK)
            .not_valid_after(now + _LIFETIME)
        )


def signing_key() -> Certificate:
    """The key pair of service account tokens; `certificate` is the public key's PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Certificate(public, private_pem(key))


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def write(directory: Path, name: str, pair: Certificate) -> None:
    """`<name>.crt` and `<name>.key` in a directory that is closed to others."""
    (directory / f"{name}.crt").write_bytes(pair.certificate)
    key = directory / f"{name}.key"
    key.touch(mode=0o600)
    key.write_bytes(pair.key)


def _name(common: str, group: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if group is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(parts)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
