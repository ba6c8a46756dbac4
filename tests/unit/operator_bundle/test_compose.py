"""Every service of the rendered Compose file against the container policy (CIS Docker 5.x)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tenant_operator.bundle.render import render
from unit.operator_bundle.conftest import PLAIN

PROJECT: dict[str, Any] = yaml.safe_load(render(PLAIN).files["compose.yaml"].content)
SERVICES: dict[str, Any] = PROJECT["services"]
EVERY = pytest.mark.parametrize("name", sorted(SERVICES))


def test_the_services_are_those_the_parts_agreed_on() -> None:
    assert set(SERVICES) == {"traefik", "agent-blue", "agent-green", "worker", "postgres", "redis"}


@EVERY
def test_a_service_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(service)


@EVERY
def test_a_service_has_limits(name: str) -> None:
    service = SERVICES[name]
    assert int(service["mem_limit"].removesuffix("m")) <= 2048
    assert service["memswap_limit"] == service["mem_limit"]
    assert float(service["cpus"]) <= 2
    assert 0 < service["pids_limit"] <= 256
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


@EVERY
def test_a_service_is_pinned_checked_and_restarted(name: str) -> None:
    service = SERVICES[name]
    assert "@sha256:" in service["image"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


@EVERY
def test_no_service_sees_the_docker_socket_or_makes_host_folders(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        assert mount["bind"] == {"create_host_path": False}
        assert "docker" not in mount["source"]
        if not mount["read_only"]:
            assert mount["source"].startswith("/srv/tenant/")


@EVERY
def test_only_traefik_publishes_ports(name: str) -> None:
    published = {port["published"] for port in SERVICES[name].get("ports", [])}
    assert published == ({"80", "443"} if name == "traefik" else set())


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_stores_have_no_way_out(name: str) -> None:
    assert SERVICES[name]["networks"] == ["data"]
    assert PROJECT["networks"]["data"]["internal"] is True


def test_the_proxy_cannot_reach_the_stores() -> None:
    assert "data" not in SERVICES["traefik"]["networks"]


def test_only_the_slots_have_a_profile_so_that_an_idle_one_stays_down() -> None:
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert profiles.pop("agent-blue") == ["blue"]
    assert profiles.pop("agent-green") == ["green"]
    assert set(profiles.values()) == {None}


FOR_JOBS = {"database_password", "redis_password", "model_api_key"}
FOR_SIGNING_IN = {"bootstrap_password", "session_key"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("agent-blue", FOR_JOBS | FOR_SIGNING_IN),
        ("agent-green", FOR_JOBS | FOR_SIGNING_IN),
        ("worker", FOR_JOBS),
    ],
)
def test_secrets_are_files_under_the_names_the_image_expects(name: str, expected: set[str]) -> None:
    assert {secret["target"] for secret in SERVICES[name]["secrets"]} == expected
    for secret in SERVICES[name]["secrets"]:
        assert PROJECT["secrets"][secret["source"]]["file"].startswith("/opt/tenant/secrets/agent/")


def test_limits_leave_room_on_the_smallest_machine() -> None:
    running = [service for name, service in SERVICES.items() if name != "agent-green"]
    assert sum(int(service["mem_limit"].removesuffix("m")) for service in running) <= 4096
