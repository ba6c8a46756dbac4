"""Clients at the same time: names stay unique, addresses single, nothing is lost."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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


def test_a_floating_ip_moves_once_at_a_time(hetzner_api: HetznerApi) -> None:
    made = [hetzner_api.ask("POST", "/servers", {**ORDER, "name": f"s{n}"}) for n in range(2)]
    body = {"type": "ipv4", "home_location": "fsn1"}
    floating = hetzner_api.ask("POST", "/floating_ips", body).json()["floating_ip"]["id"]
    hetzner_api.settle()
    path = f"/floating_ips/{floating}/actions/assign"
    hetzner_api.fault(kind="action_sticks", method="POST", path=path)
    first, second = [answer.json()["server"]["id"] for answer in made]
    assert hetzner_api.ask("POST", path, {"server": first}).ok
    for method, busy, sent in (
        ("POST", path, {"server": second}),
        ("DELETE", f"/floating_ips/{floating}", None),
        ("DELETE", f"/servers/{first}", None),
    ):
        answer = hetzner_api.ask(method, busy, sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (423, "locked")


class Storm:
    """Clients that do whatever comes to their mind to three servers, volumes and addresses."""

    def __init__(self, api: HetznerApi) -> None:
        self._api = api
        self.seen: Counter[str] = Counter()
        body = {"ip_range": "10.0.0.0/16", "subnets": [SUBNET]}
        self._network = api.ask("POST", "/networks", {"name": "n", **body}).json()["network"]["id"]

    def wild(self, seed: int) -> None:
        """One client's requests; none may break the API."""
        chance = random.Random(seed)  # noqa: S311 - a storm needs no secrecy
        for _ in range(40):
            method, path, body = self._request(chance)
            answer = self._api.ask(method, path, body)
            assert answer.status_code < 500, f"{method} {path} {body}: {answer.text}"
            self.seen["ok" if answer.ok else str(answer.json()["error"]["code"])] += 1

    def _request(self, chance: random.Random) -> tuple[str, str, dict[str, Any] | None]:
        server, volume = self._some("servers", chance), self._some("volumes", chance)
        ip, name = self._some("primary_ips", chance), f"x{chance.randrange(3)}"
        power = chance.choice(["poweron", "poweroff", "reboot", "reset", "shutdown"])
        wishes: list[tuple[str, str, dict[str, Any] | None]] = [
            ("POST", "/servers", {**ORDER, "name": name}),
            ("POST", "/volumes", {"name": name, "size": 10, "location": "fsn1"}),
            ("POST", "/primary_ips", {"name": name, "type": "ipv4", "location": "fsn1"}),
            ("POST", f"/servers/{server}/actions/{power}", None),
            ("POST", f"/servers/{server}/actions/poweroff", None),
            (
                "POST",
                f"/servers/{server}/actions/attach_to_network",
                {"network": self._network},
            ),
            ("POST", f"/servers/{server}/actions/rebuild", {"image": "debian-13"}),
            ("POST", f"/volumes/{volume}/actions/attach", {"server": server}),
            ("POST", f"/volumes/{volume}/actions/attach", {"server": server}),
            ("POST", f"/volumes/{volume}/actions/detach", None),
            (
                "POST",
                f"/primary_ips/{ip}/actions/assign",
                {"assignee_type": "server", "assignee_id": server},
            ),
            ("POST", f"/primary_ips/{ip}/actions/unassign", None),
            ("DELETE", f"/servers/{server}", None),
            ("DELETE", f"/volumes/{volume}", None),
            ("DELETE", f"/primary_ips/{ip}", None),
        ]
        return chance.choice(wishes)

    def _some(self, kind: str, chance: random.Random) -> int:
        found = self._api.ask("GET", f"/{kind}").json()[kind]
        return int(chance.choice(found)["id"]) if found else 1


SUBNET = {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.0.0/24"}


def test_after_a_storm_of_clients_api_and_machines_agree(hetzner_api: HetznerApi) -> None:
    storm = Storm(hetzner_api)
    hetzner_api.service.hetzner.door.requests_per_hour = 10**9
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(storm.wild, range(6)))
    hetzner_api.settle()
    hetzner_api.run(hetzner_api.service.hetzner.watch.look(list(hetzner_api.cloud.state.servers)))
    assert storm.seen["ok"] > 20
    servers = hetzner_api.ask("GET", "/servers").json()["servers"]
    ips = hetzner_api.ask("GET", "/primary_ips?per_page=50").json()["primary_ips"]
    assert {server["id"] for server in servers} == set(hetzner_api.machines.machines)
    assert len({ip["ip"] for ip in ips}) == len(ips)
    assert {ip["assignee_id"] for ip in ips} - {None} <= {server["id"] for server in servers}
    for server in servers:
        machine = hetzner_api.machines.machines[server["id"]]
        public = server["public_net"]["ipv4"]
        assert not server["locked"]
        assert server["status"] == machine.power
        assert sorted(server["volumes"]) == sorted(machine.volumes)
        assert machine.spec.ipv4 == (public["ip"] if public else None)
        assert [n["ip"] for n in server["private_net"]] == [n.ip for n in machine.spec.networks]
