"""What the machine behind a server is told: its specification and its metadata documents.

Metadata paths and YAML are those of Hetzner's document ("Server Metadata"); they are written by
hand there and simple enough to be written by hand here.
"""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from localcloud.hetzner.catalogue import location_named, server_type_named
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.model import Network, PrivateNet, Server, Subnet
from localcloud.machines.port import MachineSpec, NetworkInterface

_ZONE_SUFFIX = {"fsn1": "dc14", "nbg1": "dc3", "hel1": "dc2", "ash": "dc1", "hil": "dc1"}


def image_name(cloud: Cloud, image_id: int | None) -> str:
    """An image as back ends name it: `debian-13` or `image-<id>`."""
    image = cloud.system_images.get(image_id) if image_id is not None else None
    return image.name if image else f"image-{image_id}"


def public_address(cloud: Cloud, server_id: int, kind: str) -> str | None:
    """The server's address as it is used: of an IPv6 /64 its first host."""
    for address in cloud.state.primary_ips.where("server", server_id):
        if address.type == kind:
            return first_host(address.ip) if kind == "ipv6" else address.ip
    return None


def first_host(network: str) -> str:
    """`…::1` of a /64."""
    return str(IPv6Network(network)[1])


def subnet_of(network: Network, ip: str) -> Subnet | None:
    """The subnet that an address lies in."""
    inside = (s for s in network.subnets if IPv4Address(ip) in IPv4Network(s.ip_range))
    return next(inside, None)


def machine_spec(cloud: Cloud, server: Server, *, root_password: str | None = None) -> MachineSpec:
    """Everything a back end needs to know about a server."""
    kind = server_type_named(server.server_type)
    return MachineSpec(
        server_id=server.id,
        hostname=server.name,
        image=image_name(cloud, server.image),
        cores=kind.cores if kind else 1,
        memory_gib=kind.memory if kind else 1.0,
        disk_gib=server.primary_disk_size,
        ipv4=public_address(cloud, server.id, "ipv4"),
        ipv6=public_address(cloud, server.id, "ipv6"),
        location=server.location,
        user_data=server.user_data,
        authorized_keys=server.authorized_keys,
        root_password=root_password,
        networks=tuple(_interfaces(cloud, server)),
        labels=server.labels,
    )


def _interfaces(cloud: Cloud, server: Server) -> list[NetworkInterface]:
    found = [(net, cloud.state.networks.get(net.network)) for net in server.private_nets]
    return [_interface(net, network) for net, network in found if network is not None]


def _interface(net: PrivateNet, network: Network) -> NetworkInterface:
    subnet = subnet_of(network, net.ip)
    return NetworkInterface(
        network_id=network.id,
        network_name=network.name,
        ip=net.ip,
        ip_range=network.ip_range,
        gateway=subnet.gateway if subnet else str(IPv4Network(network.ip_range)[1]),
        alias_ips=net.alias_ips,
    )


def metadata(cloud: Cloud, server: Server) -> dict[str, str]:
    """The metadata documents by path below `/hetzner/v1/`."""
    place = location_named(server.location)
    leaves = {
        "availability-zone": f"{server.location}-{_ZONE_SUFFIX.get(server.location, 'dc1')}",
        "hostname": server.name,
        "instance-id": str(server.id),
        "public-ipv4": public_address(cloud, server.id, "ipv4") or "",
        "region": place.network_zone if place else "",
    }
    summary = "".join(f"{name}: {value}\n" for name, value in leaves.items())
    keys = f"public-keys: {json.dumps(list(server.authorized_keys))}\n"
    private = "".join(_private(cloud, server, n) for n in range(len(server.private_nets)))
    return {
        "metadata": summary + keys,
        "metadata/private-networks": private or "[]\n",
        "userdata": server.user_data,
        **{f"metadata/{name}": value for name, value in leaves.items()},
    }


def _private(cloud: Cloud, server: Server, number: int) -> str:
    net = server.private_nets[number]
    network = cloud.state.networks.get(net.network)
    if network is None:
        return ""
    subnet = subnet_of(network, net.ip)
    lines = {
        "ip": net.ip,
        "alias_ips": f"[{', '.join(net.alias_ips)}]",
        "interface_num": number + 1,
        "mac_address": net.mac_address,
        "network_id": network.id,
        "network_name": network.name,
        "network": network.ip_range,
        "subnet": subnet.ip_range if subnet else network.ip_range,
        "gateway": str(IPv4Network(network.ip_range)[1]),
    }
    text = "".join(f"  {name}: {value}\n" for name, value in lines.items())
    return "-" + text[1:]


async def tell_networks(cloud: Cloud, server_id: int) -> None:
    """Make the machine's addresses, networks and metadata equal to the server's."""
    server = cloud.state.servers.get(server_id)
    if server is not None:
        await cloud.machines.set_networks(machine_spec(cloud, server))
        await cloud.machines.set_metadata(server_id, metadata(cloud, server))
