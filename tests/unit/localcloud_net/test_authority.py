"""The local certificate authority: what it signs, what it keeps, what it renews."""

from __future__ import annotations

import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from localcloud.authority import LEAF_LIFE, Authority, Certificate

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def at(moment: dt.datetime, folder: Path) -> Authority:
    return Authority(folder, clock=lambda: moment)


def verify(authority: Authority, shown: Certificate, name: str) -> None:
    root = x509.load_pem_x509_certificate(authority.root_pem.encode())
    leaf, *rest = x509.load_pem_x509_certificates(shown.chain.read_bytes())
    verifier = PolicyBuilder().store(Store([root])).time(NOW)
    verifier.build_server_verifier(x509.DNSName(name)).verify(leaf, rest)


def test_a_certificate_verifies_for_its_names_only(tmp_path: Path) -> None:
    authority = at(NOW, tmp_path)
    shown = authority.certificate("registry.localcloud.test", "localhost", "127.0.0.1")
    verify(authority, shown, "registry.localcloud.test")
    verify(authority, shown, "localhost")
    with pytest.raises(VerificationError):
        verify(authority, shown, "acme.localcloud.test")


def test_another_root_does_not_vouch_for_it(tmp_path: Path) -> None:
    shown = at(NOW, tmp_path / "a").certificate("x.localcloud.test")
    with pytest.raises(VerificationError):
        verify(at(NOW, tmp_path / "b"), shown, "x.localcloud.test")


def test_keys_are_their_owners_only(tmp_path: Path) -> None:
    authority = at(NOW, tmp_path / "ca")
    authority.certificate("x.localcloud.test")
    keys = list((tmp_path / "ca").rglob("*.key"))
    assert len(keys) == 2
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_what_is_good_is_used_again_after_a_restart(tmp_path: Path) -> None:
    before = at(NOW, tmp_path)
    first = before.certificate("x.localcloud.test").chain.read_text()
    again = at(NOW, tmp_path)
    assert again.root_pem == before.root_pem
    assert again.certificate("x.localcloud.test").chain.read_text() == first


def test_it_is_renewed_before_its_end_and_when_its_names_change(tmp_path: Path) -> None:
    first = at(NOW, tmp_path).certificate("x.localcloud.test").chain.read_text()
    late = at(NOW + LEAF_LIFE - dt.timedelta(days=29), tmp_path)
    renewed = late.certificate("x.localcloud.test").chain.read_text()
    wider = late.certificate("x.localcloud.test", "127.0.0.1").chain.read_text()
    assert len({first, renewed, wider}) == 3


def test_the_strictest_openssl_checks_accept_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.certificate("x.localcloud.test").server_context()
    client = ssl.create_default_context(cadata=authority.root_pem)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    mine = client.wrap_bio(to_client, to_server, server_hostname="x.localcloud.test")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (mine, theirs, mine):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert mine.version() == "TLSv1.3"
