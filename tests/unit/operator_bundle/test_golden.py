"""Rendered files against the ones that were read and approved.

`UPDATE_GOLDEN=1 pytest tests/unit/operator_bundle` writes them anew; the difference is then
reviewed like code.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tenant_operator.bundle.render import cloud_init, render
from tenant_operator.core.stack import BootInputs, KeyPair
from unit.operator_bundle.conftest import PLAIN

GOLDEN = Path(__file__).parent / "golden"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHostKeyOfTheFirstBoot"
USER_DATA = cloud_init(
    BootInputs(
        hostname="t-acme-0a1b2c3d",
        host_key=KeyPair(private="first line\nsecond line\n", public=PUBLIC),
        client_public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOperator",
        ca_bundle="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
)
RENDERED = {
    "compose.yaml": render(PLAIN).files["compose.yaml"].content.decode(),
    "directories.json": render(PLAIN).files["directories.json"].content.decode(),
    "routes-blue.yaml": render(PLAIN).files["routes/blue.yaml"].content.decode(),
    "traefik.yaml": render(PLAIN)
    .files["root/opt/tenant/config/traefik/traefik.yaml"]
    .content.decode(),
    "user-data.yaml": USER_DATA,
}


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_a_rendered_file_is_the_approved_one(name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(RENDERED[name])
    assert RENDERED[name] == path.read_text()


def test_user_data_is_small_and_cloud_config() -> None:
    assert USER_DATA.startswith("#cloud-config\n")
    assert len(USER_DATA.encode()) < 32 * 1024
