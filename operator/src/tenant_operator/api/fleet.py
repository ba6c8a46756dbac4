"""The Fleet: where a group of tenants lives and what all of them share."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from tenant_operator.api.base import ApiModel, rule, rules
from tenant_operator.api.fields import (
    Conditions,
    Email,
    Hostname,
    ImageSet,
    Networks,
    Ordered,
    SecretKeyRef,
    SecretRef,
    ShortName,
    Url,
    limited,
)

_REGISTRY: Final = rule(
    "self.matches('^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\\\[[0-9a-fA-F:]+\\\\])(:[0-9]{1,5})?$')",
    "must be a host with an optional port, such as registry.example or registry.example:5000",
)
_CERTIFICATES: Final = rule(
    "self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY-----')",
    "must be certificates in PEM form (-----BEGIN CERTIFICATE-----) and no private key",
)
KEPT_LIMIT: Final = 500
"""More kept volumes are looked after all the same, but only as long as one process lives."""
Resolvers = Annotated[
    list[Annotated[str, Field(max_length=64)]],
    Field(
        max_length=8,
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **rules(
                rule(
                    "self.all(r, r.matches('^([0-9.]+|\\\\[[0-9a-fA-F:]+\\\\])(:[0-9]{1,5})?$'))",
                    "each entry must be an address with an optional port, such as 9.9.9.9 or "
                    "127.0.0.1:5353",
                )
            ),
        },
    ),
]


class Infrastructure(ApiModel):
    """The cloud project that servers, volumes and addresses are made in."""

    provider: Literal["hetzner"] = "hetzner"
    """The cloud. Only hetzner for now."""
    endpoint: Url = "https://api.hetzner.cloud/v1"
    """Base URL of the cloud's API."""
    token_secret_ref: SecretKeyRef
    """The project's API token (read and write)."""
    locations: Ordered
    """Locations in the order they are tried, such as fsn1. When one is sold out the next is used,
    as long as the tenant has no data yet."""
    server_types: Ordered
    """Server types in the order they are tried, such as cx33. All of one architecture."""
    image: ShortName = "debian-13"
    """Stock image that servers start from when there is no fresh snapshot."""
    bake: bool = True
    """Bake a snapshot with packages and images in it, so that a tenant starts in seconds. It costs
    the snapshot's storage and one short-lived server per change of images."""
    ipv6: bool = False
    """Give servers an IPv6 address and publish AAAA records."""


class DnsZone(ApiModel):
    """The zone that tenants' host names are published in."""

    provider: Literal["hetzner", "cloudflare"]
    """Who runs the zone."""
    zone: Hostname
    """Name of an existing zone, such as acme.example."""
    endpoint: Url | None = None
    """Base URL of the provider's API; left out, the provider's own."""
    token_secret_ref: SecretKeyRef
    """Token that may edit the zone's records."""
    proxied: bool = False
    """Let Cloudflare stand before tenants; ports 80 and 443 are then open to Cloudflare only."""
    resolvers: Resolvers | None = None
    """Resolvers that the outside check asks; left out, the operator's own."""


class Acme(ApiModel):
    """Where certificates come from."""

    directory: Url = "https://acme-v02.api.letsencrypt.org/directory"
    """ACME directory."""
    email: Email
    """Account address for notices about expiry."""


class Access(ApiModel):
    """Who may reach the machines over SSH."""

    ssh_networks: Networks
    """Networks that may reach SSH, the operator's own among them."""
    ssh_port: Annotated[int, Field(ge=1, le=65535)] = 22
    """Port the operator connects to when something in front of sshd (port 22) maps another one."""


class Registry(ApiModel):
    """Where machines pull images."""

    host: Annotated[str, limited(261, _REGISTRY)]
    """Host, with port when it is not 443."""
    credentials_secret_ref: SecretRef | None = None
    """Secret with `username` and `password`; left out for a registry without sign-in."""


class ModelProvider(ApiModel):
    """The model that answers. Each Tenant brings a key of its own: spec.agent.model."""

    endpoint: Url | None = None
    """Base URL of a Gemini-compatible API; left out, Google's own."""
    chat_model: ShortName = "gemini-2.5-flash"
    """Model that answers."""
    embedding_model: ShortName = "gemini-embedding-001"
    """Model that embeds passages and questions. Documents that another one embedded are found by
    their words only until they are uploaded again."""
    dimensions: Annotated[int, Field(ge=64, le=3072)] = 768
    """Length of the vectors; a change has the same effect as another embedding model."""


class Trust(ApiModel):
    """Roots besides the public ones."""

    ca_bundle: Annotated[str, limited(131072, _CERTIFICATES)]
    """PEM certificates that machines, agents and the outside check trust."""


class FleetSpec(ApiModel):
    """What the tenants of a fleet share."""

    infrastructure: Infrastructure
    """The cloud project."""
    dns: Annotated[
        DnsZone,
        Field(
            json_schema_extra=rules(
                rule(
                    "!(has(self.proxied) && self.proxied) || self.provider == 'cloudflare'",
                    "only Cloudflare can stand before a tenant: set provider to cloudflare or "
                    "proxied to false",
                    field=".proxied",
                )
            )
        ),
    ]
    """The zone of the tenants' host names."""
    acme: Acme
    """Where certificates come from."""
    access: Access
    """Who may reach the machines over SSH."""
    registry: Registry
    """Where machines pull images."""
    images: ImageSet
    """What tenants run unless they say otherwise."""
    model: ModelProvider = Field(default_factory=ModelProvider)
    """The model that answers; its keys are the Tenants' own."""
    trust: Trust | None = None
    """Roots besides the public ones."""
    public_port: Annotated[int, Field(ge=1, le=65535)] = 443
    """Port in customers' URLs when something in front of the machines maps another one."""


class FleetTenants(ApiModel):
    """How the tenants of a fleet are."""

    total: Annotated[int, Field(ge=0)] = 0
    """Tenants that name this fleet."""
    ready: Annotated[int, Field(ge=0)] = 0
    """Those with Ready=True."""


class KeptVolume(ApiModel):
    """The data volume of a deleted tenant, which is kept for a while."""

    tenant: Annotated[str, Field(max_length=63)]
    """Name of the deleted Tenant."""
    uid: Annotated[str, Field(max_length=36)]
    """Its uid: what spec.volume.adoptFrom of a new Tenant names, and tombstone-<uid> is called."""
    volume: Annotated[int, Field(ge=0)]
    """The provider's id of the volume."""
    until: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When volume and Secret are deleted."""
    missing: bool = False
    """The volume is gone before its time; the Secret is kept until then, or until you delete it."""


Kept = Annotated[
    list[KeptVolume],
    Field(
        max_length=KEPT_LIMIT,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
        },
    ),
]


class FleetImage(ApiModel):
    """The snapshot that new servers start from."""

    id: Annotated[int, Field(ge=0)]
    """The provider's id."""
    digest: Annotated[str, Field(max_length=64)]
    """Digest of what was baked."""


class FleetStatus(ApiModel):
    """What the operator knows about a fleet."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec this status belongs to."""
    conditions: Conditions = Field(default_factory=list)
    """What is the case."""
    installation: Annotated[str, Field(max_length=50)] | None = None
    """The installation that made its things: its name is in their labels. An operator of another
    name does nothing for the Fleet."""
    tenants: FleetTenants | None = None
    """How its tenants are."""
    kept: Kept = Field(default_factory=list)
    """Volumes of deleted tenants, the next to go first."""
    image: FleetImage | None = None
    """The baked snapshot in use."""
    firewall: Annotated[int, Field(ge=0)] | None = None
    """The provider's id of the shared firewall."""
    orphans: Annotated[int, Field(ge=0)] = 0
    """Cloud objects of this installation whose tenant is unknown: reported, never touched."""


class Fleet(ApiModel):
    """Where a group of tenants lives and what all of them share."""

    spec: FleetSpec
    """What is wanted."""
    status: FleetStatus | None = None
    """What is the case."""
