"""Signing in at the API server: whose certificate is believed, and how strictly."""

from __future__ import annotations

import ssl

import pytest
from tenant_operator.cluster.login import Access


def test_a_root_without_key_identifiers_is_believed_as_other_clients_do() -> None:
    context = Access(server="https://203.0.113.1:6443").ssl_context()
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


@pytest.mark.parametrize("server", ["http://127.0.0.1:8001"])
def test_without_tls_nothing_is_checked(server: str) -> None:
    assert Access(server=server).ssl_context() is False
