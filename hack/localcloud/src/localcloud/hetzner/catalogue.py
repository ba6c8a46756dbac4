"""What can be ordered where, and what it costs: data, and its rendering for the API.

Sizes and monthly net prices in EUR are those of June 2026; where a size is sold in several
locations at different prices, the European one stands for all. Prices of sizes whose price was
not published to us (`ccx53`, `ccx63`, the legacy `cpx` row) are doubled from the next smaller one.
Stock is not data: it is set per location at run time (`stock`).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from localcloud.hetzner.errors import invalid
from localcloud.hetzner.model import Image

VAT = Decimal("0.19")
HOURS_PER_MONTH = Decimal(624)
TRAFFIC_EU = 21990232555520
TRAFFIC_ELSEWHERE = 1099511627776
EU, US, ASIA = ("fsn1", "nbg1", "hel1"), ("ash", "hil"), ("sin",)
CX_OLD = {"announced": "2025-10-16T06:00:00Z", "unavailable_after": "2025-12-31T23:59:59Z"}


@dataclass(frozen=True)
class Location:
    """A place where servers run."""

    id: int
    name: str
    description: str
    country: str
    city: str
    latitude: float
    longitude: float
    network_zone: str

    def view(self) -> dict[str, Any]:
        """As the API answers it."""
        return dict(vars(self))


LOCATIONS = (
    Location(1, "fsn1", "Falkenstein DC Park 1", "DE", "Falkenstein", 50.47612, 12.370071,
             "eu-central"),
    Location(2, "nbg1", "Nuremberg DC Park 1", "DE", "Nuremberg", 49.452102, 11.076665,
             "eu-central"),
    Location(3, "hel1", "Helsinki DC Park 1", "FI", "Helsinki", 60.169855, 24.938379,
             "eu-central"),
    Location(4, "ash", "Ashburn, VA", "US", "Ashburn, VA", 39.045821, -77.487073, "us-east"),
    Location(5, "hil", "Hillsboro, OR", "US", "Hillsboro, OR", 45.54222, -122.951924, "us-west"),
    Location(6, "sin", "Singapore", "SG", "Singapore", 1.283333, 103.833333, "ap-southeast"),
)  # fmt: skip


@dataclass(frozen=True)
class ServerType:
    """A size of server; `deprecation` is set for what can no longer be ordered."""

    id: int
    name: str
    cores: int
    memory: float
    disk: int
    monthly: str
    locations: tuple[str, ...]
    deprecation: Mapping[str, str] | None = None

    @property
    def architecture(self) -> str:
        """`arm` for the cax row, else `x86`."""
        return "arm" if self.name.startswith("cax") else "x86"

    @property
    def dedicated(self) -> bool:
        """Whether its cores are its own."""
        return self.name.startswith("ccx")


SERVER_TYPES = (
    ServerType(22, "cpx11", 2, 2.0, 40, "17.49", US + ASIA),
    ServerType(23, "cpx21", 3, 4.0, 80, "34.98", US + ASIA),
    ServerType(24, "cpx31", 4, 8.0, 160, "69.96", US + ASIA),
    ServerType(25, "cpx41", 8, 16.0, 240, "139.92", US + ASIA),
    ServerType(26, "cpx51", 16, 32.0, 360, "279.84", US + ASIA),
    ServerType(45, "cax11", 2, 4.0, 40, "5.99", EU),
    ServerType(93, "cax21", 4, 8.0, 80, "10.49", EU),
    ServerType(94, "cax31", 8, 16.0, 160, "20.99", EU),
    ServerType(95, "cax41", 16, 32.0, 320, "40.99", EU),
    ServerType(96, "ccx13", 2, 8.0, 80, "42.99", EU + US + ASIA),
    ServerType(97, "ccx23", 4, 16.0, 160, "85.99", EU + US + ASIA),
    ServerType(98, "ccx33", 8, 32.0, 240, "138.49", EU + US + ASIA),
    ServerType(99, "ccx43", 16, 64.0, 360, "275.99", EU + US + ASIA),
    ServerType(100, "ccx53", 32, 128.0, 600, "551.98", EU + US + ASIA),
    ServerType(101, "ccx63", 48, 192.0, 960, "1103.96", EU + US + ASIA),
    ServerType(104, "cx22", 2, 4.0, 40, "3.79", EU, CX_OLD),
    ServerType(105, "cx32", 4, 8.0, 80, "6.80", EU, CX_OLD),
    ServerType(106, "cx42", 8, 16.0, 160, "16.40", EU, CX_OLD),
    ServerType(107, "cx52", 16, 32.0, 320, "32.40", EU, CX_OLD),
    ServerType(109, "cpx22", 2, 4.0, 80, "19.49", EU),
    ServerType(110, "cpx32", 4, 8.0, 160, "35.49", EU),
    ServerType(111, "cpx42", 8, 16.0, 320, "69.49", EU),
    ServerType(112, "cpx52", 12, 24.0, 480, "100.49", EU),
    ServerType(113, "cpx62", 16, 32.0, 640, "129.99", EU),
    ServerType(114, "cx23", 2, 4.0, 40, "5.49", EU),
    ServerType(115, "cx33", 4, 8.0, 80, "8.49", EU),
    ServerType(116, "cx43", 8, 16.0, 160, "15.99", EU),
    ServerType(117, "cx53", 16, 32.0, 320, "29.49", EU),
)

LOAD_BALANCER_TYPES = ((1, "lb11", "7.49"), (2, "lb21", "24.49"), (3, "lb31", "48.49"))

ISOS: tuple[dict[str, Any], ...] = tuple(
    {
        "id": iso_id,
        "name": name,
        "description": description,
        "type": "public",
        "architecture": architecture,
        "deprecation": None,
    }
    for iso_id, name, description, architecture in (
        (5250, "FreeBSD-14.3-RELEASE-amd64-dvd1.iso", "FreeBSD 14.3 (amd64)", "x86"),
        (5251, "FreeBSD-14.3-RELEASE-arm64-dvd1.iso", "FreeBSD 14.3 (arm64)", "arm"),
        (5301, "debian-13.1.0-amd64-netinst.iso", "Debian 13.1 (amd64/netinstall)", "x86"),
        (5302, "debian-13.1.0-arm64-netinst.iso", "Debian 13.1 (arm64/netinstall)", "arm"),
        (5400, "netboot.xyz.iso", "netboot.xyz", None),
    )
)

_IMAGE_IDS = {
    ("debian-12", "x86"): 114690387,
    ("debian-12", "arm"): 114690389,
    ("ubuntu-24.04", "x86"): 161547269,
    ("ubuntu-24.04", "arm"): 161547270,
}
_FLAVORS = ("ubuntu", "centos", "debian", "fedora", "rocky", "alma", "opensuse")


def location_named(reference: int | str) -> Location | None:
    """The location of that id or name."""
    return next((x for x in LOCATIONS if str(reference) in (str(x.id), x.name)), None)


def location_view(name: str) -> dict[str, Any] | None:
    """A location as the API answers it."""
    place = location_named(name)
    return place.view() if place else None


def chosen_location(reference: int | str | None, field: str, otherwise: str) -> str:
    """The name of the location a body asks for; raises `invalid_input` about `field`."""
    place = location_named(reference or "")
    if place is None:
        raise invalid(field, otherwise if reference is None else "not found")
    return place.name


def server_type_named(reference: int | str) -> ServerType | None:
    """The server type of that id or name; names are accepted in any case."""
    wanted = str(reference).lower()
    return next((x for x in SERVER_TYPES if wanted in (str(x.id), x.name)), None)


def system_images(names: Iterable[str]) -> list[Image]:
    """The images that servers can be made from, in both architectures as Hetzner has them."""
    return [_image(name, arch) for name in names for arch in ("x86", "arm")]


def _image(name: str, architecture: str) -> Image:
    flavor, _, version = name.partition("-")
    drawn = 300_000_000 + zlib.crc32(f"{name}/{architecture}".encode()) % 50_000_000
    return Image(
        id=_IMAGE_IDS.get((name, architecture), drawn),
        project="",
        name=name,
        created="2025-08-11T08:00:00Z",
        type="system",
        status="available",
        description=f"{flavor.capitalize()} {version}".strip(),
        disk_size=5,
        os_flavor=flavor if flavor in _FLAVORS else "unknown",
        os_version=version or None,
        architecture=architecture,
        rapid_deploy=True,
    )


def money(net: Decimal) -> dict[str, str]:
    """A price as the API writes it: net with ten decimals, gross with sixteen."""
    return {"net": f"{net:.10f}", "gross": f"{net * (1 + VAT):.16f}"}


def _hourly(monthly: Decimal) -> Decimal:
    return (monthly / HOURS_PER_MONTH).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _price(location: str, monthly: Decimal) -> dict[str, Any]:
    return {
        "location": location,
        "price_hourly": money(_hourly(monthly)),
        "price_monthly": money(monthly),
    }


def _price_with_traffic(location: str, monthly: Decimal) -> dict[str, Any]:
    in_eu = location in EU
    return {
        **_price(location, monthly),
        "included_traffic": TRAFFIC_EU if in_eu else TRAFFIC_ELSEWHERE,
        "price_per_tb_traffic": money(Decimal("1.00")),
    }


def prices(kind: ServerType) -> list[dict[str, Any]]:
    """A server type's prices by location."""
    return [_price_with_traffic(name, Decimal(kind.monthly)) for name in kind.locations]


def server_type_view(kind: ServerType, sold_out: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A server type as the API answers it; `sold_out` holds pairs of type and location."""
    gone = set(sold_out)
    return {
        "id": kind.id,
        "name": kind.name,
        "description": kind.name.upper(),
        "cores": kind.cores,
        "memory": kind.memory,
        "disk": kind.disk,
        "deprecated": kind.deprecation is not None,
        "prices": prices(kind),
        "storage_type": "local",
        "cpu_type": "dedicated" if kind.dedicated else "shared",
        "category": "Dedicated vCPU" if kind.dedicated else "Shared vCPU",
        "architecture": kind.architecture,
        "deprecation": kind.deprecation,
        "locations": [_offer(kind, name, (kind.name, name) in gone) for name in kind.locations],
    }


def _offer(kind: ServerType, name: str, sold_out: bool) -> dict[str, Any]:
    place = location_named(name)
    return {
        "id": place.id if place else 0,
        "name": name,
        "deprecation": kind.deprecation,
        "recommended": kind.deprecation is None and name in kind.locations[:1],
        "available": kind.deprecation is None and not sold_out,
    }


def _everywhere(monthly: str) -> list[dict[str, Any]]:
    return [_price(place.name, Decimal(monthly)) for place in LOCATIONS]


def _floating(kind: str, monthly: str) -> dict[str, Any]:
    places = [
        {"location": place.name, "price_monthly": money(Decimal(monthly))} for place in LOCATIONS
    ]
    return {"type": kind, "prices": places}


def pricing_view() -> dict[str, Any]:
    """The price list. Go clients need as many `floating_ips` as `primary_ips`."""
    return {
        "currency": "EUR",
        "vat_rate": f"{VAT * 100:.10f}",
        "primary_ips": [
            {"type": "ipv4", "prices": _everywhere("0.50")},
            {"type": "ipv6", "prices": _everywhere("0.00")},
        ],
        "floating_ip": {"price_monthly": money(Decimal("3.00"))},
        "floating_ips": [_floating("ipv4", "3.00"), _floating("ipv6", "1.00")],
        "image": {"price_per_gb_month": money(Decimal("0.0143"))},
        "volume": {"price_per_gb_month": money(Decimal("0.0440"))},
        "server_backup": {"percentage": "20.0000000000"},
        "server_types": [
            {"id": kind.id, "name": kind.name, "prices": prices(kind)} for kind in SERVER_TYPES
        ],
        "load_balancer_types": [
            {
                "id": type_id,
                "name": name,
                "prices": [_price_with_traffic(x.name, Decimal(monthly)) for x in LOCATIONS],
            }
            for type_id, name, monthly in LOAD_BALANCER_TYPES
        ],
    }


def known_zone(name: str) -> bool:
    """Whether a network zone exists."""
    return bool(re.fullmatch("|".join({x.network_zone for x in LOCATIONS}), name))
