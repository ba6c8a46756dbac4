"""What a caller decides about the container back end, and the names that follow from it.

Pure. Everything the back end makes on the host carries a mark derived from the instance's name, so
that two local clouds on one computer never touch each other's links, tables or containers, and a
run after a crash finds exactly its own.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

_INSTANCE = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class ContainerSettings:
    """Where one instance keeps its machines and how they reach the world.

    Attributes:
        directory: holds every disk, volume and record; must be on a local file system.
        instance: name of the local cloud, lower case letters, digits and dashes.
        subnet: IPv4 network of the machines' public addresses; its first host is the gateway.
        images: system image name to the Docker image it is made of.
        nameservers: what `/etc/resolv.conf` names; empty means the gateway.
        docker: path of the Docker Engine's socket.
        stock_data: where unpacked images are kept for other instances; None keeps none.
    """

    directory: Path
    instance: str = "localcloud"
    subnet: str = "198.18.0.0/24"
    images: dict[str, str] = field(
        default_factory=lambda: {"debian-13": "blueagency/machine:debian-13"}
    )
    nameservers: tuple[str, ...] = ()
    docker: Path = Path("/var/run/docker.sock")
    stock_data: Path | None = None

    def __post_init__(self) -> None:
        if not _INSTANCE.fullmatch(self.instance):
            raise ValueError(
                f"instance {self.instance!r} must be 1-31 lower case letters, digits or dashes"
            )

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The machines' public IPv4 network."""
        return ipaddress.IPv4Network(self.subnet)

    @property
    def gateway(self) -> str:
        """The host as the machines see it."""
        return str(self.network.network_address + 1)

    @property
    def resolvers(self) -> tuple[str, ...]:
        """Name servers of a new machine."""
        return self.nameservers or (self.gateway,)

    @property
    def mark(self) -> str:
        """Seven characters that start the name of everything made on the host."""
        return f"lc{hashlib.sha256(self.instance.encode()).hexdigest()[:5]}"

    @property
    def table(self) -> str:
        """The nftables table of this instance, family `inet`."""
        return f"localcloud_{self.mark}"

    @property
    def gateway_link(self) -> str:
        """The interface that holds the gateway's address."""
        return f"{self.mark}gw"

    @property
    def machine_links(self) -> str:
        """Pattern of the host's ends of all machines' public links."""
        return f"{self.mark}p*"

    def machine_link(self, server_id: int) -> str:
        """The host's end of a machine's public link; at most 15 characters."""
        return f"{self.mark}p{_base36(server_id)}"

    def container(self, server_id: int) -> str:
        """Name of the machine's container."""
        return f"{self.instance}-{server_id}"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits
