"""What the machine of a tenant is made from: inputs to the renderers, and what they return.

The renderers (`bundle.render`, `host.bootstrap`) are pure: equal inputs give equal files and equal
digests, so "is there anything to do" is one comparison. They provide

    bundle.render.render(StackInputs) -> Bundle             the Compose stack with all its files
    bundle.render.cloud_init(BootInputs) -> str             user_data, ≤ 32 KiB, no lasting secret
    host.bootstrap.rotate_host_key(private, public) -> Job  named JOB_HOST_KEY
    host.bootstrap.harden(HardenInputs) -> Job              named JOB_HARDEN
    host.bootstrap.data_disk(Volume) -> Job                 named JOB_DATA_DISK; digest: id, size
    host.bootstrap.deploy(Bundle) -> Job                    named JOB_DEPLOY, digest = the bundle's
    host.bootstrap.stop_stack() -> Job                      named JOB_STOP
    host.bootstrap.bake(BakeInputs) -> Job                  named JOB_BAKE
    host.bootstrap.facts(stdout) -> HostFacts               parses what `observe` printed
    host.commands.observe() -> Command                      prints the facts, changes nothing
    host.commands.start(jobs) -> Command                    starts the transient unit
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tenant_operator.core.world import File

JOB_HOST_KEY: Final = "host-key"
JOB_HARDEN: Final = "harden"
JOB_DATA_DISK: Final = "data-disk"
JOB_DEPLOY: Final = "deploy"
JOB_STOP: Final = "stop"
JOB_BAKE: Final = "bake"


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """An SSH key: `private` in OpenSSH PEM, `public` as `ssh-ed25519 AAAA…` without a comment."""

    private: str = field(repr=False)
    public: str


@dataclass(frozen=True, kw_only=True)
class RegistryAccess:
    """Credentials for pulling, when the registry asks for any."""

    host: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Images:
    """The four images of a stack, each `<repository>@sha256:<64 hex>`."""

    agent: str
    traefik: str
    postgres: str
    redis: str

    def all(self) -> tuple[str, ...]:
        """Every image, in the order they are best pulled in."""
        return (self.agent, self.postgres, self.redis, self.traefik)


@dataclass(frozen=True, kw_only=True)
class Branding:
    """How the dashboard looks: `logo` is a data URI or empty, colours are `#rrggbb`."""

    name: str
    logo: str
    primary: str
    accent: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """Where answers come from; an empty `endpoint` means the provider's own."""

    endpoint: str
    chat_model: str
    embedding_model: str
    dimensions: int
    api_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StackSecrets:
    """Made by the operator once per tenant and kept in its Secret."""

    database_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    session_key: str = field(repr=False)
    bootstrap_password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StackInputs:
    """Everything that decides the content of a tenant's Compose stack.

    `public_port` is the port in the customer's URL; Traefik always listens on 443 and 80.
    `trusted_proxies` are the networks whose forwarded client address is believed (Cloudflare's
    when the name is proxied). `ca_bundle` is PEM, empty for public roots alone.
    """

    tenant: str
    hostname: str
    public_port: int
    images: Images
    registry: RegistryAccess | None
    model: Model
    secrets: StackSecrets
    branding: Branding
    languages: tuple[str, ...]
    admin_email: str
    acme_directory: str
    acme_email: str
    ca_bundle: str
    trusted_proxies: tuple[str, ...]
    memory_mib: int


@dataclass(frozen=True, kw_only=True)
class BootInputs:
    """What cloud-init must do before SSH: name, keys, accounts, trust. Nothing else.

    `host_key` is the first host key only: user_data can be read from the metadata address, so the
    lasting one is installed over the first connection (`rotate_host_key`).
    """

    hostname: str
    host_key: KeyPair
    client_public_key: str
    ca_bundle: str


@dataclass(frozen=True, kw_only=True)
class HardenInputs:
    """What the declared hardening list depends on.

    `ssh_networks` may reach sshd; `operator_networks`, where they are configured, are never banned
    by fail2ban, nor is any address that the operator was let in from lately;
    `registry_host` with `ca_bundle` becomes a trusted registry of dockerd; `http_networks` may
    reach ports 80 and 443 (empty means everybody). Only `client_public_key` is the tenant's own; a
    machine that is baked for all of a fleet has none.
    """

    ssh_networks: tuple[str, ...]
    operator_networks: tuple[str, ...]
    http_networks: tuple[str, ...]
    registry_host: str
    ca_bundle: str
    client_public_key: str = ""


@dataclass(frozen=True, kw_only=True)
class BakeInputs:
    """What a base snapshot holds: a hardened machine and pulled images; no key, no tenant's data.

    The job ends by removing machine identity (host keys, machine-id, cloud-init state), so that
    every server made from the snapshot starts as a new one.

    Args:
        system: the stock image the baking server starts from, by its name at the provider.
        images: the stack's images, to be pulled.
        registry: access to them, where they are not public.
        hardening: what holds on all machines of the fleet.
    """

    system: str
    images: Images
    registry: RegistryAccess | None
    hardening: HardenInputs


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Rendered files by path relative to the release folder, and the digest of them all."""

    digest: str
    files: Mapping[str, File]
