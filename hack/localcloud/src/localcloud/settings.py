"""What one instance of the local cloud is told: its folder, its parts and their ports.

Values only; nothing here opens a file or a socket. Two instances live side by side when their
folder, ports and subnet differ; port 0 means that a free one is chosen and reported in
`endpoints.json`.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from localcloud.processes import cache_folder

Backend = Literal["container", "memory", "inert"]
Service = Literal["hetzner", "cloudflare", "dns", "registry", "acme", "model", "edge", "proxy"]

BACKENDS: tuple[str, ...] = get_args(Backend)
SERVICES: tuple[str, ...] = get_args(Service)
DOMAIN = "localcloud.test"
LOOPBACK = "127.0.0.1"
PROXY_ON_LOOPBACK = "127.63.0.1"
DEFAULT_SUBNET = "198.18.0.0/24"
MEMORY_SUBNET = "127.64.0.0/10"


class SettingsError(ValueError):
    """A setting cannot be; the message names it and says what would do."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP ports by service (DNS: UDP too). `machine_*` are those of a machine's web server."""

    hetzner: int = 8080
    cloudflare: int = 8081
    dns: int = 5353
    acme: int = 14000
    acme_management: int = 15000
    registry: int = 5000
    model: int = 9443
    model_local: int = 9080
    edge: int = 8443
    edge_http: int = 8082
    hetzner_tls: int = 8444
    proxy: int = 443
    proxy_http: int = 80
    machine_ssh: int = 2222
    machine: int = 443
    machine_http: int = 80


MACHINES = frozenset({"machine_ssh", "machine", "machine_http"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One instance. `binaries` is where `pebble` and `registry` are looked for before `PATH`."""

    dir: Path
    backend: Backend = "memory"
    subnet: str = ""
    ports: Ports = field(default_factory=Ports)
    only: tuple[str, ...] = SERVICES
    forward: str = "system"
    cloudflare_zones: tuple[str, ...] = ()
    hetzner_zones: tuple[str, ...] = ()
    nonce_reject: int = 0
    pace: float = 0.0
    binaries: Path = field(default_factory=cache_folder)
    openapi: Path | None = None
    proxy: str = ""
    registry_data: Path | None = None
    stock_data: Path | None = None

    def __post_init__(self) -> None:
        if not self.subnet:
            object.__setattr__(self, "subnet", default_subnet(self.backend))

    @property
    def gateway(self) -> str:
        """The host as the machines see it."""
        if self.backend != "container":
            return LOOPBACK
        return str(ipaddress.ip_network(self.subnet)[1])

    @property
    def machine_network(self) -> str:
        """Where servers get their public IPv4 addresses from."""
        return self.subnet

    @property
    def proxy_address(self) -> str:
        """Where proxied names point to: an address no server is given (the subnet's last)."""
        if self.proxy:
            return self.proxy
        if self.backend == "inert":
            return PROXY_ON_LOOPBACK
        return str(ipaddress.ip_network(self.subnet)[-2])

    @property
    def instance(self) -> str:
        """A name for what the instance makes on this computer, the same for the same folder."""
        return f"localcloud-{hashlib.sha256(str(self.dir).encode()).hexdigest()[:6]}"

    def runs(self, service: str) -> bool:
        """Whether this part is to be started."""
        return service in self.only


def check(settings: Settings) -> Settings:
    """The settings, when they can work.

    Raises:
        SettingsError: which one cannot, and why.
    """
    _check_names(settings)
    network = _network(settings.subnet)
    if network.version != 4 or network.num_addresses < 8:
        raise SettingsError(f"subnet {settings.subnet} is too small: use an IPv4 /29 or larger")
    if settings.backend == "memory" and not network.is_loopback:
        raise SettingsError(
            f"subnet {settings.subnet} is not reached on this computer: machines in memory live on "
            f"loopback, use {MEMORY_SUBNET} or a part of it"
        )
    return settings


def _check_names(settings: Settings) -> None:
    if settings.backend not in BACKENDS:
        raise SettingsError(f"back end {settings.backend!r} is unknown: use {', '.join(BACKENDS)}")
    unknown = sorted(set(settings.only) - set(SERVICES))
    if unknown:
        raise SettingsError(
            f"no such service: {', '.join(unknown)}; there are {' '.join(SERVICES)}"
        )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingsError(f"subnet {text!r} is not a network: {error}") from error


def default_subnet(backend: str) -> str:
    """The machines' network of an instance that is not told one."""
    return MEMORY_SUBNET if backend == "memory" else DEFAULT_SUBNET


def port_names() -> tuple[str, ...]:
    """Every name that `--ports` takes."""
    return tuple(item.name for item in fields(Ports))


def ports_from(base: int | None, chosen: Mapping[str, int], *, backend: str = "container") -> Ports:
    """Ports counted up from `base` (0: all free ones), then single ones by name.

    The ports of machines keep their defaults, because they sit on addresses of their own; simulated
    machines share theirs, so that free ones are found for them too. The proxied edge before
    container machines has an address of its own and keeps its ports as well.

    Raises:
        SettingsError: a name or number that cannot be.
    """
    counted = _counted(base) if base is not None else {}
    if backend == "container":
        counted = {name: port for name, port in counted.items() if not name.startswith("proxy")}
    if base == 0 and backend == "memory":
        counted |= dict.fromkeys(MACHINES, 0)
    unknown = sorted(set(chosen) - set(port_names()))
    if unknown:
        raise SettingsError(f"no such port: {', '.join(unknown)}; there are {port_names()}")
    ports = replace(Ports(), **{**counted, **chosen})
    wrong = {name: port for name, port in asdict(ports).items() if not 0 <= port <= 65535}
    if wrong:
        raise SettingsError(f"ports must be 0 to 65535: {wrong}")
    return ports


def _counted(base: int) -> dict[str, int]:
    ours = [name for name in port_names() if name not in MACHINES]
    if base == 0:
        return dict.fromkeys(ours, 0)
    counted = [name for name in ours if not name.startswith("proxy")]
    return {name: base + step for step, name in enumerate(counted)}


def to_json(settings: Settings) -> dict[str, Any]:
    """The settings as a JSON document that `from_json` reads again."""
    document = asdict(settings)
    return {k: str(v) if isinstance(v, Path) else v for k, v in document.items()}


def from_json(document: Mapping[str, Any]) -> Settings:
    """Settings as an earlier run wrote them."""
    named = ("dir", "binaries", "openapi", "registry_data", "stock_data")
    paths = {k: Path(document[k]) for k in named if document.get(k)}
    lists = {k: tuple(document[k]) for k in ("only", "cloudflare_zones", "hetzner_zones")}
    return Settings(**{**document, **paths, **lists, "ports": Ports(**document["ports"])})
