"""What the machine behind a server is told: its specification."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network

from localcloud.hetzner.catalogue import server_type_named
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.model import Network, PrivateNet, Server, Subnet
from localcloud.machines.port import MachineSpec, NetworkInterface


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
        mac_address=net.mac_address,
        ip_range=network.ip_range,
        subnet=subnet.ip_range if subnet else network.ip_range,
        gateway=subnet.gateway if subnet else str(IPv4Network(network.ip_range)[1]),
        alias_ips=net.alias_ips,
    )


async def tell_networks(cloud: Cloud, server_id: int) -> None:
    """Make the machine's addresses and networks equal to the server's."""
    server = cloud.state.servers.get(server_id)
    if server is not None:
        await cloud.machines.set_networks(machine_spec(cloud, server))
