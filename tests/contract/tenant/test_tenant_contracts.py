"""What other parts rely on: the committed OpenAPI document and the names in docs/contracts.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tenant_agent.main import COMMANDS
from tenant_agent.settings import Settings
from tenant_agent.web.app import create_documented_app
from tenant_agent.web.openapi import build_document

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")


def test_openapi_document_is_current() -> None:
    committed = json.loads((ROOT / "tenant" / "openapi.json").read_text(encoding="utf-8"))
    assert committed == build_document(create_documented_app()), "run: make generate"


def test_every_operation_has_an_id_and_a_sentence() -> None:
    document = build_document(create_documented_app())
    operations = [op for path in document["paths"].values() for op in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["description"].endswith(".") for operation in operations)


def test_every_reference_of_the_document_resolves() -> None:
    document = build_document(create_documented_app())
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert wanted <= document["components"]["schemas"].keys()


def agreed_names() -> list[str]:
    """Return the AGENT_* names of the tenant image's table."""
    names: list[str] = []
    for row in re.findall(r"^\| (`AGENT_[^|]+)\|", CONTRACTS, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", row):
            names.append(name if name.startswith("AGENT_") else f"{names[0]}{name}")
            if name.startswith("_"):
                names[-1] = re.sub(r"_[A-Z]+$", name, names[-2])
    return names


@pytest.mark.parametrize("name", agreed_names())
def test_agreed_environment_is_read(name: str) -> None:
    assert name.removeprefix("AGENT_").lower() in Settings.model_fields


def test_agreed_commands_exist() -> None:
    for command in ("serve", "worker", "migrate", "healthcheck", "healthcheck-worker"):
        assert f"`{command}`" in CONTRACTS
        assert command in COMMANDS


def test_health_checks_load_nothing_heavy() -> None:
    code = "import sys, tenant_agent.main; print([m for m in ('pydantic', 'structlog', 'ssl', "
    code += "'fastapi', 'asyncio') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
