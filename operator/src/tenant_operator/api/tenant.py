"""The Tenant: one customer with a machine of their own."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from tenant_operator.api.base import ApiModel, rule, rules
from tenant_operator.api.fields import (
    HOST_LABEL,
    Colour,
    Conditions,
    Duration,
    Email,
    Hostname,
    ImageDigest,
    ObjectName,
    Ordered,
    SecretKeyRef,
    ShortName,
    Uid,
    limited,
    readable,
)

NAME_LIMIT: Final = 40
"""A server is called t-<name>-<8 characters>; 40 keeps that and every label within 63."""

TENANT_RULES: Final[list[dict[str, Any]]] = [
    rule(
        f"self.metadata.name.size() <= {NAME_LIMIT}",
        f"a tenant's name has at most {NAME_LIMIT} characters, because its server is named after "
        "it; choose a shorter one and put the long form into spec.displayName",
    ),
    rule(
        f"self.metadata.name.matches('^{HOST_LABEL}$')",
        "a tenant's name has lower-case letters, digits and hyphens only (no dots), because its "
        "server is named after it",
    ),
]

Language = Literal["de", "en"]
Languages = Annotated[
    list[Language],
    Field(min_length=1, max_length=2, json_schema_extra={"x-kubernetes-list-type": "set"}),
]
LOGO_LIMIT: Final = 131072
_LOGO: Final = rule(
    "self == '' || self.matches('^data:image/(png|jpeg|svg[+]xml|webp);base64,')",
    "must be empty or a data URI of a PNG, JPEG, WebP or SVG image: data:image/png;base64,…",
)
_DECODES: Final = rule(
    "self == '' || self.matches(',([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$')",
    "must be base64 after the comma, without spaces or line breaks: base64 -w0 logo.png prints it",
)
_FIRST_BYTES: Final = {
    "png": "iVBORw0KGgo",
    "jpeg": "/9j/",
    "webp": "UklGR[A-Za-z0-9+/]{6}XRUJQ",
    "svg[+]xml": "(77u/)?P[A-P]",
}
"""What an image of each type begins with, in base64: the signatures of PNG, JPEG and RIFF/WEBP, and
for SVG a tag, with or without a byte order mark."""
_IS_WHAT_IT_SAYS: Final = rule(
    "self == '' || "
    + " || ".join(
        f"self.matches('^data:image/{kind};base64,{start}')" for kind, start in _FIRST_BYTES.items()
    ),
    "must hold an image of the type it names: PNG, JPEG and WebP are known by their first bytes, "
    "an SVG begins with a tag",
)
Logo = Annotated[
    str,
    limited(
        LOGO_LIMIT,
        _LOGO,
        _DECODES,
        _IS_WHAT_IT_SAYS,
        unit="characters (an image of 96 KiB); make the picture smaller",
    ),
]


def _both_languages() -> list[Language]:
    return ["de", "en"]


class FleetRef(ApiModel):
    """The Fleet of the same namespace."""

    name: ObjectName
    """Name of the Fleet."""


class ServerChoice(ApiModel):
    """Another choice of server than the fleet's."""

    types: Ordered | None = None
    """Server types in the order they are tried; left out, the fleet's. A machine whose type is not
    in this list is switched off, changed and switched on again; disk, volume and address stay."""
    location: ShortName | None = None
    """The only location to use; left out, the fleet's list. It cannot change once there is data."""


class DataVolume(ApiModel):
    """The disk that holds all of the tenant's data."""

    size_gi_b: Annotated[
        int,
        Field(
            alias="sizeGiB",
            ge=10,
            le=10240,
            json_schema_extra=rules(
                rule(
                    "self >= oldSelf",
                    "a volume can only grow: leave the size or raise it",
                    reason="FieldValueForbidden",
                )
            ),
        ),
    ] = 20
    """Size in GiB; it can only grow."""
    adopt_from: Uid | None = None
    """Uid of a deleted Tenant of the same name and namespace whose kept volume, with its passwords,
    this Tenant takes over instead of an empty one."""


class ImageOverride(ApiModel):
    """Images that differ from the fleet's."""

    agent: ImageDigest | None = None
    """The agent."""
    traefik: ImageDigest | None = None
    """The reverse proxy."""
    postgres: ImageDigest | None = None
    """PostgreSQL."""
    redis: ImageDigest | None = None
    """Redis."""


class AgentModel(ApiModel):
    """The model as this customer pays for it."""

    api_key_secret_ref: SecretKeyRef
    """API key of the model provider, this customer's own: it stands on no other machine. A changed
    Secret is noticed by itself and the stack is released anew."""


class Agent(ApiModel):
    """How the agent works for this customer."""

    languages: Languages = Field(default_factory=_both_languages)
    """Languages of the dashboard; the first is the default. Left out: de, en."""
    model: AgentModel
    """The model as this customer pays for it."""
    admin_email: Email
    """The first administrator; the one-time password is in the Secret <name>-secrets. A change
    counts until that password has been used."""


class Branding(ApiModel):
    """How the dashboard looks."""

    name: Annotated[str, readable(80)] | None = None
    """Name in the header; left out, displayName."""
    logo: Logo = ""
    """Logo as a data URI; empty for none."""
    primary: Colour = "#1a56db"
    """Main colour."""
    accent: Colour = "#0e9f6e"
    """Second colour."""


class Deletion(ApiModel):
    """What happens when the Tenant is deleted."""

    protected: bool = True
    """Refuse deletion while true."""
    retain: Duration = "30d"
    """How long the data volume is kept after deletion; 0s deletes it at once."""


class TenantSpec(ApiModel):
    """What a customer gets."""

    fleet_ref: FleetRef = Field(
        json_schema_extra=rules(
            rule(
                "self == oldSelf",
                "a tenant cannot change its fleet: its machine and data are in that project",
                reason="FieldValueForbidden",
            )
        )
    )
    """The fleet it belongs to; it cannot change."""
    display_name: Annotated[str, readable(120)]
    """The customer's name as people write it."""
    hostname: Hostname
    """Public host name, inside the fleet's zone."""
    server: ServerChoice = Field(default_factory=ServerChoice)
    """Another choice of server than the fleet's."""
    # With a default of its own, so that leaving it out is a change of its size like any other.
    volume: DataVolume = Field(default_factory=DataVolume, json_schema_extra={"default": {}})
    """The data volume."""
    images: ImageOverride = Field(default_factory=ImageOverride)
    """Images that differ from the fleet's."""
    agent: Agent
    """How the agent works."""
    branding: Branding = Field(default_factory=Branding)
    """How the dashboard looks."""
    deletion: Deletion = Field(default_factory=Deletion)
    """What happens on deletion; left out, the tenant is protected and its data kept for 30 days."""
    drift: Literal["Repair", "Report"] = "Repair"
    """Whether a difference found later is repaired or only reported."""
    suspend: bool = False
    """Look and report, but change nothing."""


class ServerStatus(ApiModel):
    """The tenant's machine."""

    id: Annotated[int, Field(ge=0)]
    """The provider's id."""
    name: Annotated[str, Field(max_length=63)]
    """Its name in the cloud project."""
    type: Annotated[str, Field(max_length=63)]
    """Server type."""
    location: Annotated[str, Field(max_length=63)]
    """Location."""
    ipv4: Annotated[str, Field(max_length=15)] | None = None
    """Public IPv4 address."""
    ipv6: Annotated[str, Field(max_length=45)] | None = None
    """Public IPv6 address."""


class VolumeStatus(ApiModel):
    """The tenant's data volume."""

    id: Annotated[int, Field(ge=0)]
    """The provider's id."""
    size_gi_b: Annotated[int, Field(alias="sizeGiB", ge=0)]
    """Size in GiB."""
    holds_data: bool = False
    """Whether it was ever mounted. Then it is never replaced by an empty one."""


class TenantStatus(ApiModel):
    """What the operator knows about a tenant."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec this status belongs to."""
    conditions: Conditions = Field(default_factory=list)
    """What is the case, one condition per step of a tenant's life and three that sum them up."""
    server: ServerStatus | None = None
    """The machine."""
    volume: VolumeStatus | None = None
    """The data volume."""
    url: Annotated[str, Field(max_length=300)] | None = None
    """Where the customer signs in."""
    release: Annotated[str, Field(max_length=64)] | None = None
    """Short digest of the stack that runs."""


class Tenant(ApiModel):
    """One customer of the agency with a machine of their own."""

    spec: TenantSpec
    """What is wanted."""
    status: TenantStatus | None = None
    """What is the case."""
