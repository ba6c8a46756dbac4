"""Every operation that is served succeeds: one tour through all of them, held against the document.

What is asked is written down in order; the reads follow from the routes. An operation that is added
and not on the tour fails the test.
"""

from __future__ import annotations

import re
from typing import Any

from localcloud.hetzner.operations import ROUTES
from localcloud.hetzner.unimplemented import OPERATIONS
from plugins.fix_hetzner import HetznerApi
from plugins.hetzner_orders import public_key

GONE = {"GET /datacenters", "GET /datacenters/{id}"}
SERVED = {route.operation for route in ROUTES} - set(OPERATIONS) - GONE
FSN: dict[str, Any] = {"location": "fsn1"}
SERVER = {"server_type": "cx23", "image": "debian-13", **FSN}
RULE = {"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0"]}
SUBNET = {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.1.0/24"}
ROUTE = {"destination": "10.9.0.0/16", "gateway": "10.0.1.9"}
RENAMED = {"name": "renamed", "labels": {"a": "b"}}
SPAN = "start=2026-11-20T00:00:00Z&end=2026-11-20T01:00:00Z"


class Tour:
    """Requests one after the other; each has to succeed before the next is sent."""

    def __init__(self, api: HetznerApi) -> None:
        self._api = api
        self.done: set[str] = set()
        self.ids: dict[str, Any] = {}
        self._action = 0

    def ask(self, operation: str, body: object = None, query: str = "", **values: Any) -> Any:
        """One operation, on what was last made of its kind unless told otherwise."""
        method, path = operation.split(" ", 1)
        filled = path.replace("/actions/{id}", f"/actions/{self._action}")
        known = {"id": self.ids.get(path.split("/")[1]), "action_id": self._action, **values}
        filled = re.sub(r"\{(\w+)\}", lambda m: str(known[m[1]]), filled)
        answer = self._api.ask(method, f"{filled}?{query}" if query else filled, body)
        assert answer.ok, f"{operation}: {answer.text}"
        self._api.settle()
        self.done.add(operation)
        document = answer.json() if answer.content else {}
        if document.get("action"):
            self._action = document["action"]["id"]
        return document

    def make(self, path: str, body: dict[str, Any]) -> Any:
        """Make one of a kind and remember its id."""
        document = self.ask(f"POST {path}", body)
        self.ids[path[1:]] = document[path[1:].removesuffix("s")]["id"]
        return document

    def acts(self, path: str, name: str, body: object = None) -> Any:
        """An action that has to end well."""
        document = self.ask(f"POST {path}/{{id}}/actions/{name}", body)
        for action in document.get("actions") or [document["action"]]:
            ended = self._api.ask("GET", f"/actions/{action['id']}").json()["action"]
            assert ended["status"] == "success", f"{path} {name}: {ended}"
        return document

    def reads(self, path: str, one: str = "{id}", **values: Any) -> None:
        """Every read of a kind."""
        for operation in (f"GET {path}", f"GET {path}/{one}"):
            self.ask(operation, **values)
        if f"GET {path}/actions" in SERVED:
            base = f"GET {path}/{one}/actions"
            for operation in (f"GET {path}/actions", f"GET {path}/actions/{{id}}", base):
                self.ask(operation, **values)
            self.ask(f"{base}/{{action_id}}", **values)

    def storage(self) -> None:
        """Volumes, at a server and alone."""
        self.make("/volumes", {"name": "data", "size": 10, **FSN})
        self.ask("PUT /volumes/{id}", RENAMED)
        self.acts("/volumes", "attach", {"server": self.ids["servers"], "automount": False})
        self.acts("/volumes", "detach")
        self.acts("/volumes", "resize", {"size": 20})
        self.acts("/volumes", "change_protection", {"delete": False})
        self.reads("/volumes")
        self.ask("DELETE /volumes/{id}")

    def network(self) -> None:
        """A network and a server in it."""
        path, server = "/networks", self.ids["servers"]
        self.make(path, {"name": "net", "ip_range": "10.0.0.0/16"})
        self.ask("PUT /networks/{id}", RENAMED)
        self.acts(path, "add_subnet", SUBNET)
        self.acts(path, "add_route", ROUTE)
        place = {"network": self.ids["networks"]}
        self.acts("/servers", "attach_to_network", {**place, "ip": "10.0.1.7"})
        self.acts("/servers", "change_alias_ips", {**place, "alias_ips": ["10.0.1.8"]})
        members = self.ask("GET /networks/{id}/members")["members"]
        assert [(member["id"], member["ip"]) for member in members] == [(server, "10.0.1.7")]
        self.acts("/servers", "detach_from_network", place)
        self.acts(path, "delete_route", ROUTE)
        self.acts(path, "delete_subnet", {"ip_range": SUBNET["ip_range"]})
        self.acts(path, "change_ip_range", {"ip_range": "10.0.0.0/8"})
        self.acts(path, "change_protection", {"delete": False})
        self.reads(path)
        self.ask("DELETE /networks/{id}")

    def firewall(self) -> None:
        """A firewall before a server."""
        path = "/firewalls"
        target = [{"type": "server", "server": {"id": self.ids["servers"]}}]
        self.make(path, {"name": "wall"})
        self.ask("PUT /firewalls/{id}", RENAMED)
        self._action = self.acts(path, "set_rules", {"rules": [RULE]})["actions"][0]["id"]
        self.acts(path, "apply_to_resources", {"apply_to": target})
        self.acts(path, "remove_from_resources", {"remove_from": target})
        self.reads(path)
        self.ask("DELETE /firewalls/{id}")

    def addresses(self) -> None:
        """Both kinds of address, at the server, which is off, and alone."""
        server = self.ids["servers"]
        primary = {"assignee_type": "server", "assignee_id": server}
        for path, order, home in (
            ("/primary_ips", {"name": "own", "type": "ipv6", **FSN}, primary),
            ("/floating_ips", {"type": "ipv4", "home_location": "fsn1"}, {"server": server}),
        ):
            ip = self.make(path, order)[path[1:].removesuffix("s")]["ip"]
            self.ask(f"PUT {path}/{{id}}", RENAMED)
            self.acts(path, "assign", home)
            self.acts(path, "unassign")
            name = {"ip": ip.replace("::/64", "::1"), "dns_ptr": "a.example"}
            self.acts(path, "change_dns_ptr", name)
            self.acts(path, "change_protection", {"delete": False})
            self.reads(path)
            self.ask(f"DELETE {path}/{{id}}")

    def server(self) -> None:
        """What happens to a server that runs, and to one that is off."""
        path = "/servers"
        made = self.make(path, {"name": "web", **SERVER, "public_net": {"enable_ipv6": False}})
        ip = made["server"]["public_net"]["ipv4"]["ip"]
        self.ask("PUT /servers/{id}", RENAMED)
        self.ask("GET /servers/{id}/metrics", query=f"type=cpu,disk,network&{SPAN}")
        for name in ("reboot", "reset", "reset_password", "request_console", "enable_backup"):
            self.acts(path, name)
        self.acts(path, "disable_backup")
        self.acts(path, "enable_rescue", {"type": "linux64"})
        self.acts(path, "disable_rescue")
        iso = next(iso for iso in self.ask("GET /isos")["isos"] if iso["architecture"] != "arm")
        self.acts(path, "attach_iso", {"iso": iso["name"]})
        self.acts(path, "detach_iso")
        self.acts(path, "change_dns_ptr", {"ip": ip, "dns_ptr": "web.example"})
        self.acts(path, "change_protection", {"delete": False, "rebuild": False})
        self.acts(path, "rebuild", {"image": "debian-13"})
        self.acts(path, "shutdown")
        self.acts(path, "poweron")
        self.acts(path, "poweroff")
        self.acts(path, "change_type", {"server_type": "cx33", "upgrade_disk": True})
        self.reads(path)
        self.acts(path, "poweroff")

    def image(self) -> None:
        """A snapshot of the server."""
        made = self.acts("/servers", "create_image", {"description": "golden"})
        self.ids["images"] = made["image"]["id"]
        self.ask("PUT /images/{id}", {"description": "changed"})
        self.acts("/images", "change_protection", {"delete": False})
        self.reads("/images")
        self.ask("DELETE /images/{id}")

    def small(self) -> None:
        """Keys and groups, which have no actions of their own."""
        self.make("/ssh_keys", {"name": "key", "public_key": public_key()})
        self.make("/placement_groups", {"name": "group", "type": "spread"})
        group = {"placement_group": self.ids["placement_groups"]}
        self.acts("/servers", "add_to_placement_group", group)
        self.acts("/servers", "remove_from_placement_group")
        for path in ("/ssh_keys", "/placement_groups"):
            self.ask(f"PUT {path}/{{id}}", RENAMED)
            self.reads(path)
            self.ask(f"DELETE {path}/{{id}}")

    def zone(self) -> None:
        """A zone with record sets; one that is filled from elsewhere."""
        one = "/zones/{id_or_name}"
        second = {"address": "192.0.2.53"}
        primaries = {"primary_nameservers": [second]}
        self.make("/zones", {"name": "other.example", "mode": "secondary", **primaries})
        change = f"POST {one}/actions/change_primary_nameservers"
        self.ask(change, primaries, id_or_name="other.example")
        self.make("/zones", {"name": "acme.example", "mode": "primary"})
        zone: dict[str, Any] = {"id_or_name": "acme.example"}
        self.ask(f"PUT {one}", {"labels": {"a": "b"}}, **zone)
        file = self.ask(f"GET {one}/zonefile", **zone)
        self.ask(f"POST {one}/actions/import_zonefile", file, **zone)
        self.ask(f"POST {one}/actions/change_ttl", {"ttl": 600}, **zone)
        self.ask(f"POST {one}/actions/change_protection", {"delete": False}, **zone)
        self._record_sets(f"{one}/rrsets", zone)
        self.reads("/zones", "{id_or_name}", **zone)
        self.ask(f"DELETE {one}", **zone)

    def _record_sets(self, path: str, zone: dict[str, Any]) -> None:
        records = {"records": [{"value": "192.0.2.1"}]}
        first = {"name": "www", "type": "A", **records}
        self.ask(f"POST {path}", first, **zone)
        self.ask(f"GET {path}", **zone)
        where: dict[str, Any] = {**zone, "rr_name": "www", "rr_type": "A"}
        single = f"{path}/{{rr_name}}/{{rr_type}}"
        self.ask(f"GET {single}", **where)
        self.ask(f"PUT {single}", {"labels": {"a": "b"}}, **where)
        more = {"records": [{"value": "192.0.2.2"}]}
        for name, body in (
            ("set_records", records),
            ("add_records", more),
            ("update_records", {"records": [{"value": "192.0.2.2", "comment": "second"}]}),
            ("remove_records", more),
            ("change_ttl", {"ttl": 300}),
            ("change_protection", {"change": False}),
        ):
            self.ask(f"POST {single}/actions/{name}", body, **where)
        self.ask(f"DELETE {single}", **where)

    def catalogue(self) -> None:
        """What is the same for everybody, and actions by their numbers."""
        for path in ("/locations", "/server_types", "/isos"):
            first = self.ask(f"GET {path}")[path[1:]][0]["id"]
            self.ask(f"GET {path}/{{id}}", id=first)
        self.ask("GET /pricing")
        self.ask("GET /actions", query=f"id={self._action}")
        self.ask("GET /actions/{id}")


def test_every_operation_that_is_served_succeeds(hetzner_api: HetznerApi) -> None:
    tour = Tour(hetzner_api)
    tour.server()
    for part in (tour.image, tour.small, tour.storage, tour.network, tour.firewall):
        part()
    tour.addresses()
    tour.ask("DELETE /servers/{id}")
    tour.zone()
    tour.catalogue()
    assert SERVED - tour.done == set()
    assert tour.done - SERVED == set()
    assert hetzner_api.machines.machines == {}
