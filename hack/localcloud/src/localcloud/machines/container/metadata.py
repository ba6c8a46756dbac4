"""The metadata service: `http://169.254.169.254/hetzner/v1/…`, one answer per machine.

The host's firewall leads the address to this server, which tells machines apart by their source
address; a forged one does not get past the firewall. It cannot be asked from elsewhere, because it
listens on the gateway's address and answers only addresses it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import yaml
from aiohttp import web

from localcloud.machines.container.links import private_mac, public_mac
from localcloud.machines.port import MachineSpec

_ROOT = "/hetzner/v1/"
_REGIONS = {"ash": "us-east", "hil": "us-west", "sin": "ap-southeast"}
Lookup = Callable[[str], Mapping[str, str] | None]


def documents(spec: MachineSpec) -> dict[str, str]:
    """What a machine is answered by path, where the API has not said otherwise."""
    summary: dict[str, object] = {
        "availability-zone": f"{spec.location}-dc1",
        "hostname": spec.hostname,
        "instance-id": spec.server_id,
        "local-ipv4": "",
        "network-config": _network_config(spec),
        "public-ipv4": spec.ipv4 or "",
        "public-keys": list(spec.authorized_keys),
        "region": _REGIONS.get(spec.location, "eu-central"),
        "vendor_data": "",
    }
    leaves = ("hostname", "instance-id", "public-ipv4", "availability-zone", "region", "local-ipv4")
    keys = "\n".join(spec.authorized_keys)
    return {
        "metadata": yaml.safe_dump(summary),
        **{f"metadata/{leaf}": str(summary[leaf]) for leaf in leaves},
        "metadata/public-keys": keys,
        "metadata/private-networks": yaml.safe_dump(_private_networks(spec)),
        "userdata": spec.user_data,
    }


def _network_config(spec: MachineSpec) -> dict[str, object]:
    subnets: list[dict[str, object]] = [{"ipv4": True, "type": "dhcp"}]
    if spec.ipv6:
        address = spec.ipv6.replace("::/64", "::1/64")
        subnets.append({"ipv6": True, "type": "static", "address": address, "gateway": "fe80::1"})
    mac = public_mac(spec.server_id)
    interface = {"type": "physical", "name": "eth0", "mac_address": mac, "subnets": subnets}
    return {"version": 1, "config": [interface]}


def _private_networks(spec: MachineSpec) -> list[dict[str, object]]:
    return [
        {
            "ip": network.ip,
            "alias_ips": list(network.alias_ips),
            "interface_num": number,
            "mac_address": private_mac(spec.server_id, network.network_id),
            "network_id": network.network_id,
            "network_name": network.network_name,
            "network": network.ip_range,
            "subnet": network.ip_range,
            "gateway": network.gateway,
        }
        for number, network in enumerate(spec.networks, start=1)
    ]


class MetadataService:
    """The server; `lookup` gives the documents of a source address."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def open(self, address: str) -> None:
        """Listen on a free port of `address`."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, address, 0).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        known = self._lookup(request.remote or "")
        if known is None or not request.path.startswith(_ROOT):
            raise web.HTTPNotFound(text="not found\n")
        path = request.path.removeprefix(_ROOT).rstrip("/")
        if path not in known:
            raise web.HTTPNotFound(text="not found\n")
        if path == "userdata" and not known[path]:
            return web.Response(status=204)
        return web.Response(text=known[path])
