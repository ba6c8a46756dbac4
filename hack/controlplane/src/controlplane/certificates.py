"""The certificates of one control plane: a CA of its own and leaf certificates under it.

Every start makes new keys; nothing here is meant to outlive the data folder it is written to.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = dt.timedelta(days=365)


@dataclass(frozen=True)
class KeyPair:
    """Where a certificate and its private key are kept (PEM, the key with mode 0600)."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """A certificate authority that signs for one control plane."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def bundle(self) -> Path:
        """The CA certificate as clients want it."""
        return self.folder / "ca.crt"

    def issue(self, name: str, *, common_name: str, organization: str | None = None) -> KeyPair:
        """Sign a certificate for loopback servers and clients alike.

        Args:
            name: file name without ending, below the authority's folder.
            common_name: the user name that Kubernetes reads from a client certificate.
            organization: the group that Kubernetes reads from it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common_name, organization), self.certificate.subject, key)
        certificate = (
            builder.add_extension(_subject_alternatives(), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        return _write(self.folder, name, certificate, key)


def create_authority(folder: Path) -> Authority:
    """Make a new CA in `folder` (created with mode 0700)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("controlplane", None)
    certificate = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(folder, "ca", certificate, key)
    return Authority(folder, certificate, key)


def _name(common_name: str, organization: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
    )


def _subject_alternatives() -> x509.SubjectAlternativeName:
    loopback = ipaddress.ip_address("127.0.0.1")
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    return x509.SubjectAlternativeName(
        [*(x509.DNSName(name) for name in names), x509.IPAddress(loopback)]
    )


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> KeyPair:
    pair = KeyPair(folder / f"{name}.crt", folder / f"{name}.key")
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return pair
