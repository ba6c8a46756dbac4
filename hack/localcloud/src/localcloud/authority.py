"""The local certificate authority: one root per instance folder, and server certificates from it.

It signs the names of the local cloud's own services (`*.localcloud.test`) and the names that the
proxied edge terminates. Keys are EC P-256 and readable by the owner only. Nothing outside the
instance trusts this root unless a person says so.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localcloud.files import write_whole

Clock = Callable[[], dt.datetime]

ROOT_LIFE = dt.timedelta(days=3650)
LEAF_LIFE = dt.timedelta(days=390)  # browsers refuse more than 398 days
RENEW_BEFORE = dt.timedelta(days=30)
BACKDATE = dt.timedelta(hours=1)  # a machine's clock may be a little behind


@dataclass(frozen=True)
class Certificate:
    """Where a certificate (with its chain) and its key are."""

    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """A TLS server context that shows this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        return context


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Authority:
    """Root and leaf certificates below `folder`; what is there and still good is used again."""

    def __init__(self, folder: Path, *, clock: Clock = _now) -> None:
        self._folder = folder
        self._clock = clock
        self._root = Certificate(folder / "root.pem", folder / "root.key")
        if not self._root.key.exists() or not self._root.chain.exists():
            self._make_root()
        self._issuer = x509.load_pem_x509_certificate(self._root.chain.read_bytes())
        key = serialization.load_pem_private_key(self._root.key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
        self._signer = key

    @property
    def root_pem(self) -> str:
        """The root certificate."""
        return self._root.chain.read_text()

    def certificate(self, *names: str) -> Certificate:
        """A server certificate for exactly these DNS names and IP addresses, made when needed."""
        where = self._folder / "leaves"
        stem = names[0].replace("*", "_")
        found = Certificate(where / f"{stem}.pem", where / f"{stem}.key")
        if not self._still_good(found, names):
            self._issue(found, names)
        return found

    def _still_good(self, found: Certificate, names: Iterable[str]) -> bool:
        if not found.chain.exists() or not found.key.exists():
            return False
        leaf = x509.load_pem_x509_certificate(found.chain.read_bytes())
        same_names = _names_of(leaf) == set(names)
        ours = leaf.issuer == self._issuer.subject
        fresh = leaf.not_valid_after_utc - RENEW_BEFORE > self._clock()
        return same_names and ours and fresh

    def _make_root(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        name = _name(f"Local cloud root {serial % 0xFFFFFF:06x}")
        builder = self._builder(name, name, key, ROOT_LIFE).serial_number(serial)
        usage = _usage(key_cert_sign=True, crl_sign=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(usage, True)
        self._write(self._root, key, builder.sign(key, hashes.SHA256()).public_bytes(_PEM))

    def _issue(self, target: Certificate, names: tuple[str, ...]) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(names[0][:64]), self._issuer.subject, key, LEAF_LIFE)
        builder = builder.serial_number(x509.random_serial_number())
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._signer.public_key())
        for extension, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([_general(name) for name in names]), False),
            (issuer_key, False),
        ):
            builder = builder.add_extension(extension, critical)
        leaf = builder.sign(self._signer, hashes.SHA256())
        self._write(target, key, leaf.public_bytes(_PEM) + self._issuer.public_bytes(_PEM))

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        life: dt.timedelta,
    ) -> x509.CertificateBuilder:
        now = self._clock()
        builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        builder = builder.public_key(key.public_key())
        builder = builder.not_valid_before(now - BACKDATE).not_valid_after(now + life)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return builder.add_extension(own, False)

    def _write(self, target: Certificate, key: ec.EllipticCurvePrivateKey, chain: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        write_whole(target.key, key.private_bytes(_PEM, form, plain), mode=0o600)
        write_whole(target.chain, chain)


_PEM = serialization.Encoding.PEM


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_of(leaf: x509.Certificate) -> set[str]:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    dns = names.get_values_for_type(x509.DNSName)
    return {*dns, *(str(address) for address in names.get_values_for_type(x509.IPAddress))}


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
