"""The rendered environment against what docs/contracts.md promises the tenant image."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tenant_agent.settings import Settings
from tenant_operator.bundle.layout import FRONT_SUBNET, SECRET_NAMES
from tenant_operator.bundle.render import render
from unit.operator_bundle.conftest import PLAIN

AGREED = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(render(PLAIN).files["compose.yaml"].content)["services"]


def agreed_names() -> set[str]:
    """Every variable of the page's table; `_PORT` beside `AGENT_X_HOST` is `AGENT_X_PORT`."""
    names: set[str] = set()
    for line in AGREED.splitlines():
        cell = line.split("|")[1] if line.startswith("| `") else ""
        found = re.findall(r"`([A-Z_]+)`", cell)
        stem = found[0].rpartition("_")[0] if found else ""
        names |= {f"{stem}{name}" if name.startswith("_") else name for name in found}
    return {name for name in names if name.startswith("AGENT_") or name == "SSL_CERT_FILE"}


def test_the_page_is_understood() -> None:
    assert {"AGENT_DATABASE_HOST", "AGENT_DATABASE_USER", "SSL_CERT_FILE"} <= agreed_names()


@pytest.mark.parametrize("service", ["agent-blue", "agent-green", "worker"])
def test_every_agreed_variable_is_set_and_no_other(service: str) -> None:
    assert set(SERVICES[service]["environment"]) == agreed_names()


def test_no_secret_is_in_the_environment_or_the_compose_file() -> None:
    text = render(PLAIN).files["compose.yaml"].content.decode()
    for value in (*vars(PLAIN.secrets).values(), PLAIN.model.api_key):
        assert value not in text


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_every_secret_file_is_one_the_page_names(name: str) -> None:
    assert f"`{name}`" in AGREED


def test_the_agent_reads_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES["agent-blue"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.public_url == "https://agent.acme.example"
    assert settings.color == "blue"
    assert settings.database_host == "postgres"
    assert settings.embedding_dimensions == 768


def test_the_proxies_arrive_as_layers_nearest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    behind_an_edge = replace(PLAIN, trusted_proxies=("192.0.2.0/24", "2001:db8::/32"))
    rendered = yaml.safe_load(render(behind_an_edge).files["compose.yaml"].content)
    value = rendered["services"]["agent-blue"]["environment"]["AGENT_TRUSTED_PROXIES"]
    monkeypatch.setenv("AGENT_TRUSTED_PROXIES", value)
    layers = [[str(network) for network in layer] for layer in Settings().proxy_layers]
    assert layers == [[FRONT_SUBNET], ["192.0.2.0/24", "2001:db8::/32"]]


def test_the_services_are_the_ones_the_page_names() -> None:
    line = next(line for line in AGREED.splitlines() if line.startswith("Compose services:"))
    assert set(re.findall(r"`([a-z-]+)`", line.split(".")[0])) == set(SERVICES)
