"""The requests that Terraform's provider makes, in its order, and what it reads back.

The provider itself runs on demand (`test_clients_on_demand.py`); this, which always runs, follows
what it does for `hcloud_server`, `hcloud_volume`, `hcloud_firewall`, `hcloud_snapshot` and
`hcloud_zone_rrset`. A plan fails on any
field that does not read back as written, so every field written is compared.
"""

from __future__ import annotations

from typing import Any

import pytest
from plugins.fix_hetzner import HetznerApi
from plugins.hetzner_orders import public_key


class Provider:
    """Requests as the provider sends them: it waits for every action before it goes on."""

    def __init__(self, api: HetznerApi) -> None:
        self._api = api

    def send(self, method: str, path: str, body: object = None) -> Any:
        """One request and what it begins, to the end."""
        answer = self._api.ask(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.text}"
        document = answer.json() if answer.content else {}
        begun = [document.get("action"), *document.get("actions", ())]
        self.wait([a["id"] for a in (*begun, *document.get("next_actions", ())) if a])
        return document

    def wait(self, ids: list[int]) -> None:
        """Poll as hcloud-go does, with all ids in one request."""
        open_ids = list(ids)
        while open_ids:
            query = "&".join(f"id={i}" for i in open_ids)
            path = f"/actions?page=1&sort=status&sort=id&{query}"
            found = self._api.ask("GET", path).json()["actions"]
            assert len(found) == len(open_ids), "actions not found"
            assert all(a["status"] != "error" for a in found), found
            open_ids = [a["id"] for a in found if a["status"] == "running"]

    def found(self, kind: str, name: str) -> Any:
        """The one object of that name."""
        listed = self.send("GET", f"/{kind}?name={name}&page=1")
        assert len(listed[kind]) == 1
        return listed[kind][0]


@pytest.fixture
def tf(hetzner_api: HetznerApi) -> Provider:
    return Provider(hetzner_api)


def fields(document: dict[str, Any], **expected: object) -> None:
    """Every field reads back as written."""
    assert {name: document[name] for name in expected} == expected


def test_a_server_with_everything(tf: Provider) -> None:
    key = tf.send("POST", "/ssh_keys", {"name": "k", "public_key": public_key(), "labels": {}})
    kind = tf.found("server_types", "cx23")
    images = tf.send("GET", "/images?architecture=x86&include_deprecated=true&name=debian-13")
    network = tf.send("POST", "/networks", {"name": "n", "ip_range": "10.0.0.0/16", "labels": {}})
    subnet = {"type": "cloud", "ip_range": "10.0.1.0/24", "network_zone": "eu-central"}
    tf.send("POST", f"/networks/{network['network']['id']}/actions/add_subnet", subnet)
    made = tf.send(
        "POST",
        "/servers",
        {
            "name": "web",
            "server_type": kind["id"],
            "image": images["images"][0]["id"],
            "ssh_keys": [key["ssh_key"]["id"]],
            "location": "fsn1",
            "user_data": "#cloud-config\n",
            "start_after_create": True,
            "labels": {"env": "prod"},
            "automount": False,
            "public_net": {"enable_ipv4": True, "enable_ipv6": True},
        },
    )
    one = f"/servers/{made['server']['id']}"
    joined = {"network": network["network"]["id"], "ip": "10.0.1.5", "alias_ips": []}
    tf.send("POST", f"{one}/actions/attach_to_network", joined)
    tf.send("POST", f"{one}/actions/enable_backup")
    tf.send("POST", f"{one}/actions/change_protection", {"delete": True, "rebuild": True})
    read = tf.send("GET", one)["server"]
    fields(
        read,
        name="web",
        status="running",
        labels={"env": "prod"},
        backup_window="22-02",
        rescue_enabled=False,
        protection={"delete": True, "rebuild": True},
        primary_disk_size=40,
    )
    assert read["private_net"][0]["ip"] == "10.0.1.5"

    tf.send("PUT", one, {"name": "web2", "labels": {"env": "test"}})
    tf.send("POST", f"{one}/actions/poweroff")
    change = {"server_type": tf.found("server_types", "cx33")["id"], "upgrade_disk": False}
    tf.send("POST", f"{one}/actions/change_type", change)
    read = tf.send("GET", one)["server"]
    fields(read, name="web2", labels={"env": "test"}, status="running", primary_disk_size=40)
    assert read["server_type"]["name"] == "cx33"

    tf.send("POST", f"{one}/actions/poweroff")
    address = {"type": "ipv4", "name": "swap", "location": "fsn1", "auto_delete": False}
    swap = tf.send("POST", "/primary_ips", address)["primary_ip"]
    old = read["public_net"]["ipv4"]["id"]
    tf.send("POST", f"/primary_ips/{old}/actions/unassign")
    assign = {"assignee_type": "server", "assignee_id": read["id"]}
    tf.send("POST", f"/primary_ips/{swap['id']}/actions/assign", assign)
    tf.send("POST", f"{one}/actions/poweron")
    assert tf.send("GET", one)["server"]["public_net"]["ipv4"]["ip"] == swap["ip"]

    tf.send("POST", f"{one}/actions/change_protection", {"delete": False, "rebuild": False})
    tf.send("DELETE", one)
    kept = tf.send("GET", f"/primary_ips/{swap['id']}")["primary_ip"]
    fields(kept, assignee_id=None, auto_delete=False, labels={})


def test_volume_firewall_and_snapshot(tf: Provider, hetzner_api: HetznerApi) -> None:
    order = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
    server = tf.send("POST", "/servers", order)["server"]["id"]
    made = {"name": "data", "size": 10, "location": "fsn1", "format": "xfs", "labels": {"a": "b"}}
    volume = tf.send("POST", "/volumes", made)["volume"]["id"]
    tf.send("POST", f"/volumes/{volume}/actions/attach", {"server": server, "automount": False})
    tf.send("PUT", f"/volumes/{volume}", {"name": "data2", "labels": {}})
    tf.send("POST", f"/volumes/{volume}/actions/resize", {"size": 20})
    read = tf.send("GET", f"/volumes/{volume}")["volume"]
    fields(read, name="data2", labels={}, size=20, server=server, format="xfs")

    rule = {
        "description": "web",
        "direction": "in",
        "protocol": "tcp",
        "port": "80-443",
        "source_ips": ["0.0.0.0/0", "::/0"],
        "destination_ips": [],
    }
    wall = tf.send("POST", "/firewalls", {"name": "w", "labels": {}, "rules": [rule]})
    one = f"/firewalls/{wall['firewall']['id']}"
    target = [{"type": "server", "server": {"id": server}}]
    tf.send("POST", f"{one}/actions/apply_to_resources", {"apply_to": target})
    read = tf.send("GET", one)["firewall"]
    fields(read, rules=[rule], applied_to=target)
    tf.send("POST", f"{one}/actions/set_rules", {"rules": []})
    tf.send("POST", f"{one}/actions/remove_from_resources", {"remove_from": target})
    tf.send("DELETE", one)

    image = {"type": "snapshot", "description": "golden", "labels": {"a": "b"}}
    taken = tf.send("POST", f"/servers/{server}/actions/create_image", image)["image"]["id"]
    read = tf.send("GET", f"/images/{taken}")["image"]
    fields(read, status="available", description="golden", labels={"a": "b"}, name=None)
    tf.send("POST", f"/volumes/{volume}/actions/detach")
    tf.send("DELETE", f"/volumes/{volume}")
    tf.send("DELETE", f"/images/{taken}")
    tf.send("DELETE", f"/servers/{server}")
    assert hetzner_api.ask("GET", f"/servers/{server}").json()["error"]["code"] == "not_found"


def test_zone_and_records(tf: Provider) -> None:
    zone = {"name": "acme.example", "mode": "primary", "ttl": 3600, "labels": {}}
    number = tf.send("POST", "/zones", zone)["zone"]["id"]
    record = {"value": "192.0.2.1", "comment": "made by a plan"}
    made = {"name": "www", "type": "A", "ttl": None, "labels": {"a": "b"}, "records": [record]}
    tf.send("POST", f"/zones/{number}/rrsets", made)
    one = f"/zones/{number}/rrsets/www/A"
    fields(tf.send("GET", one)["rrset"], **made, id="www/A", zone=number)
    tf.send("POST", f"{one}/actions/change_ttl", {"ttl": 60})
    tf.send("POST", f"{one}/actions/set_records", {"records": [{"value": "192.0.2.2"}]})
    read = tf.send("GET", one)["rrset"]
    fields(read, ttl=60, records=[{"value": "192.0.2.2", "comment": ""}])
    apex = f"/zones/{number}/rrsets/%40/NS"
    assert len(tf.send("GET", apex)["rrset"]["records"]) == 3
    tf.send("DELETE", one)
    tf.send("DELETE", f"/zones/{number}")
