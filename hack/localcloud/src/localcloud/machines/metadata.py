"""What a machine can ask 169.254.169.254 about itself: documents by path, rendered from its spec.

Paths and YAML are those of Hetzner's document ("Server Metadata") and of cloud-init's data source.
"""

from __future__ import annotations

import ipaddress

import yaml

from localcloud.machines.port import MachineSpec

_REGIONS = {"ash": "us-east", "hil": "us-west", "sin": "ap-southeast"}
_ZONES = {"fsn1": "dc14", "nbg1": "dc3", "hel1": "dc2"}


def public_mac(server_id: int) -> str:
    """The hardware address of a machine's public interface."""
    return bytes((0x96, 0, *(server_id & 0xFFFFFFFF).to_bytes(4, "big"))).hex(":")


def ipv6_host(ipv6: str) -> str:
    """The address a machine uses of its network, `::1`; an address stays itself."""
    if "/" not in ipv6:
        return ipv6
    return str(ipaddress.IPv6Network(ipv6, strict=False)[1])


def documents(spec: MachineSpec) -> dict[str, str]:
    """What a machine is answered, by path below `/hetzner/v1/`."""
    summary: dict[str, object] = {
        "availability-zone": f"{spec.location}-{_ZONES.get(spec.location, 'dc1')}",
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
        address = f"{ipv6_host(spec.ipv6)}/64"
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
            "mac_address": network.mac_address,
            "network_id": network.network_id,
            "network_name": network.network_name,
            "network": network.ip_range,
            "subnet": network.subnet,
            "gateway": network.gateway,
        }
        for number, network in enumerate(spec.networks, start=1)
    ]
