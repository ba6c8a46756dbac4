"""Settings that can be, and those that cannot, with the sentence a person reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from localcloud.settings import (
    Ports,
    Settings,
    SettingsError,
    check,
    from_json,
    ports_from,
    to_json,
)


def test_ports_are_the_agreed_ones_unless_told_otherwise() -> None:
    assert ports_from(None, {"edge": 9000}) == Ports(edge=9000)


def test_ports_count_up_from_a_base_and_never_meet() -> None:
    ports = asdict(ports_from(20000, {}))
    ours = {name: port for name, port in ports.items() if port >= 20000}
    assert sorted(ours.values()) == list(range(20000, 20000 + len(ours)))
    assert {name: port for name, port in ports.items() if name not in ours} == {
        "proxy": 443,
        "proxy_http": 80,
        "machine_ssh": 2222,
        "machine": 443,
        "machine_http": 80,
    }


def test_base_zero_asks_for_free_ports_but_not_on_machines_with_addresses_of_their_own() -> None:
    ports = asdict(ports_from(0, {}, backend="container"))
    assert {name for name, port in ports.items() if port} == {
        "machine_ssh",
        "machine",
        "machine_http",
        "proxy",
        "proxy_http",
    }
    assert not any(asdict(ports_from(0, {}, backend="memory")).values())


@pytest.mark.parametrize(("base", "chosen"), [(None, {"nothing": 1}), (70000, {}), (-1, {})])
def test_ports_that_cannot_be_are_refused(base: int | None, chosen: dict[str, int]) -> None:
    with pytest.raises(SettingsError):
        ports_from(base, chosen)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"only": ("dns", "smtp")}, "no such service: smtp"),
        ({"backend": "cloud"}, "back end 'cloud' is unknown"),
        ({"subnet": "198.18.0.1/24"}, "is not a network"),
        ({"subnet": "198.18.0.0/30"}, "too small"),
        ({"subnet": "2001:db8::/64"}, "IPv4"),
    ],
)
def test_what_cannot_work_is_said(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        check(Settings(dir=Path("/x"), **changes))  # type: ignore[arg-type]


def test_machines_meet_the_host_at_their_subnets_first_and_the_edge_at_its_last_address() -> None:
    settings = Settings(dir=Path("/x"), backend="container", subnet="198.18.4.0/24")
    assert (settings.gateway, settings.proxy_address) == ("198.18.4.1", "198.18.4.254")
    simulated = Settings(dir=Path("/x"), backend="memory")
    assert (simulated.gateway, simulated.machine_network) == ("127.0.0.1", "127.64.0.0/10")


def test_settings_are_read_back_as_they_were() -> None:
    settings = Settings(dir=Path("/x"), only=("dns",), openapi=Path("/y"), ports=Ports(dns=1))
    assert from_json(json.loads(json.dumps(to_json(settings)))) == settings
