"""Clients at the same time: names stay unique, addresses single, nothing is lost."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests
from plugins.fix_hetzner import HetznerApi

ORDER = {"server_type": "cx23", "image": "debian-13", "location": "fsn1"}


def codes(answers: list[requests.Response]) -> Counter[str]:
    return Counter(
        "made" if answer.ok else str(answer.json()["error"]["code"]) for answer in answers
    )


def test_of_many_orders_of_one_name_one_is_made(hetzner_api: HetznerApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: hetzner_api.ask("POST", "/servers", {**ORDER, "name": "web"}), range(16)
            )
        )
    assert codes(answers) == {"made": 1, "uniqueness_error": 15}
    assert len(hetzner_api.ask("GET", "/primary_ips").json()["primary_ips"]) == 2


def test_every_server_has_an_address_of_its_own(hetzner_api: HetznerApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda n: hetzner_api.ask("POST", "/servers", {**ORDER, "name": f"s{n}"}),
                range(24),
            )
        )
    hetzner_api.settle()
    servers = [answer.json()["server"] for answer in answers]
    assert len({server["id"] for server in servers}) == 24
    assert len({server["public_net"]["ipv4"]["ip"] for server in servers}) == 24
    listed = hetzner_api.ask("GET", "/servers?per_page=50").json()["servers"]
    assert {server["status"] for server in listed} == {"running"}


def test_one_volume_goes_to_one_of_two_servers(hetzner_api: HetznerApi) -> None:
    made = [hetzner_api.ask("POST", "/servers", {**ORDER, "name": f"s{n}"}) for n in range(2)]
    body = {"name": "v", "size": 10, "location": "fsn1"}
    volume = hetzner_api.ask("POST", "/volumes", body).json()["volume"]["id"]
    hetzner_api.settle()
    servers = [answer.json()["server"]["id"] for answer in made]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda s: hetzner_api.ask(
                    "POST", f"/volumes/{volume}/actions/attach", {"server": s}
                ),
                servers,
            )
        )
    hetzner_api.settle()
    result = codes(answers)
    assert result["made"] == 1
    assert result["locked"] + result["volume_already_attached"] == 1
    holders = [len(hetzner_api.machines.machines[server].volumes) for server in servers]
    assert sorted(holders) == [0, 1]
