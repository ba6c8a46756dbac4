"""Inputs of a stack that every test of this folder changes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tenant_operator.core.stack import Branding, Images, Model, StackInputs, StackSecrets

StackMaker = Callable[..., StackInputs]


def image(name: str, digit: str) -> str:
    """An image reference with a digest made of one digit."""
    return f"registry.example:5000/blueagency/{name}@sha256:{digit * 64}"


PLAIN = StackInputs(
    tenant="acme",
    hostname="agent.acme.example",
    public_port=443,
    images=Images(
        agent=image("agent", "1"),
        traefik=image("traefik", "2"),
        postgres=image("postgres", "3"),
        redis=image("redis", "4"),
    ),
    registry=None,
    model=Model(
        endpoint="",
        chat_model="gemini-2.5-flash",
        embedding_model="gemini-embedding-001",
        dimensions=768,
        api_key="secret-model-key",
    ),
    secrets=StackSecrets(
        database_password="secret-database",
        redis_password='secret-redis"\\',
        session_key="secret-session",
        bootstrap_password="secret-bootstrap",
    ),
    branding=Branding(name="Müller & Söhne", logo="", primary="#112233", accent="#445566"),
    languages=("de", "en"),
    admin_email="admin@acme.example",
    acme_directory="https://acme.example/dir",
    acme_email="ops@agency.example",
    ca_bundle="",
    trusted_proxies=(),
    memory_mib=4096,
)


@pytest.fixture
def stack() -> StackMaker:
    """The plain stack with some fields replaced."""

    def make(**changes: Any) -> StackInputs:
        return replace(PLAIN, **changes)

    return make
