"""Field types used by more than one resource: their bounds and the sentences of their rules.

What a person can get wrong is a CEL rule with a sentence of ours (docs/decisions/0025): a failed
`pattern` answers with the regular expression, a failed `maxLength` counts "bytes", and after that
one the API server leaves every rule unchecked.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from tenant_operator.api.base import ApiModel, rule, rules

HOST_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_HOSTNAME: Final = rule(
    f"self.matches('^({HOST_LABEL}\\\\.)+{HOST_LABEL}$') && !self.matches('[^.]{{64}}')",
    "must be a full host name in lower case such as agent.acme.example, each part at most 63 "
    "letters, digits or hyphens; write international names in punycode (xn--…)",
)
_NAME: Final = rule(
    f"self.matches('^{HOST_LABEL}(\\\\.{HOST_LABEL})*$')",
    "must be the name of a Kubernetes object: lower-case letters, digits, hyphens and dots",
)
_URL: Final = rule(
    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''",
    "must be a URL such as https://api.example.com/v1",
)
_NO_PASSWORD: Final = rule(
    "!self.matches('^[^/]*//[^/]*@')",
    "must not hold a user or password: everybody who may read this object could read it. Tokens "
    "belong into a Secret",
)
_DIGEST: Final = rule(
    "self.matches('^[a-z0-9][-a-z0-9.:/_]*@sha256:[0-9a-f]{64}$')",
    "must name an image by digest, such as registry.example/agency/agent@sha256:<64 hex digits>; "
    "`docker buildx imagetools inspect NAME:TAG` prints it",
)
_CIDR: Final = rule(
    "self.all(n, isCIDR(n))",
    "each entry must be a network such as 203.0.113.0/24 or 2001:db8::/32",
)
_EMAIL: Final = rule(
    "self.matches('^[!-?A-~]+@([-A-Za-z0-9]+[.])+[-A-Za-z0-9]+$')",
    "must be an e-mail address such as admin@acme.example; write international domains in punycode",
)
_TOKEN: Final = rule(
    "self.matches('^[A-Za-z0-9][-A-Za-z0-9._:/]*$')",
    "must be one word of letters, digits and - . _ : /, as the provider lists it",
)
_KEY: Final = rule(
    "self.matches('^[-A-Za-z0-9._]+$')",
    "must be a key of a Secret: letters, digits, hyphens, dots and underscores",
)
_UID: Final = rule(
    "self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",
    "must be the uid of a deleted Tenant; `kubectl get secrets -l blueagency.io/tenant=NAME` lists "
    "tombstone-<uid> for each whose volume is kept",
)
_DURATION: Final = rule(
    "self.matches('^([0-9]{1,5}[smhd])+$')",
    "must be a duration such as 30d, 12h, 90m or 0s, with at most five digits before a unit",
)
_INVISIBLE: Final = (
    r"\p{Cc}\p{Zl}\p{Zp}\x{AD}\x{34F}\x{61C}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}"
    r"\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{FEFF}\x{FFA0}"
    r"\x{FFF0}-\x{FFFB}\x{E0000}-\x{E0FFF}"
)
"""Control characters, line ends, and what Unicode calls ignorable: it shows nothing, or turns the
text around it (UAX 9). The two joiners are left out: some scripts and emoji need them."""
_ONE_LINE: Final = rule(
    f"!self.matches(r'[{_INVISIBLE}]')",
    "must be one line of text without control characters and without invisible ones, such as those "
    "that turn the direction of reading",
)
_READABLE: Final = rule(
    r"self.matches(r'[\p{L}\p{N}]')",
    "must hold a letter or a digit: people read it",
)
_COLOUR: Final = rule(
    "self.matches('^#[0-9a-fA-F]{6}$')",
    "must be a colour such as #1a56db",
)


def limited(limit: int, *entries: dict[str, Any], unit: str = "characters") -> Any:
    """A text with at most `limit` characters, and more rules.

    The schema's own bound, which the API server needs to estimate a rule's cost, lies higher, so
    that a text that is somewhat too long meets our sentence.
    """
    size = rule(f"self.size() <= {limit}", f"must have at most {limit} {unit}")
    return Field(max_length=4 * limit, json_schema_extra=rules(size, *entries))


def readable(limit: int) -> Any:
    """A name that people read."""
    return limited(limit, _ONE_LINE, _READABLE)


def _listed(kind: str) -> dict[str, Any]:
    return {"x-kubernetes-list-type": kind}


Hostname = Annotated[str, limited(253, _HOSTNAME)]
ObjectName = Annotated[str, limited(253, _NAME)]
Url = Annotated[str, limited(512, _URL, _NO_PASSWORD)]
ImageDigest = Annotated[str, Field(max_length=512, json_schema_extra=rules(_DIGEST))]
Email = Annotated[str, limited(254, _EMAIL)]
Uid = Annotated[str, Field(max_length=144, json_schema_extra=rules(_UID))]
Duration = Annotated[str, limited(32, _DURATION)]
Colour = Annotated[str, Field(max_length=28, json_schema_extra=rules(_COLOUR))]
ShortName = Annotated[str, limited(63, _TOKEN)]
Networks = Annotated[
    list[Annotated[str, Field(max_length=64)]],
    Field(min_length=1, max_length=50, json_schema_extra={**rules(_CIDR), **_listed("atomic")}),
]
Ordered = Annotated[
    list[ShortName],
    Field(min_length=1, max_length=16, json_schema_extra=_listed("atomic")),
]


class SecretKeyRef(ApiModel):
    """A value in a Secret of the same namespace."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, limited(253, _KEY)] = "token"
    """Key inside the Secret."""


class SecretRef(ApiModel):
    """A Secret of the same namespace."""

    name: ObjectName
    """Name of the Secret."""


class ImageSet(ApiModel):
    """The four images of a tenant's stack, each by digest."""

    agent: ImageDigest
    """The agent: web, worker, migrations and dashboard."""
    traefik: ImageDigest
    """The reverse proxy that terminates TLS."""
    postgres: ImageDigest
    """PostgreSQL 17 with pgvector."""
    redis: ImageDigest
    """Redis with an append-only file."""


class Condition(ApiModel):
    """One condition in the form of metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """What this condition is about; see the reference of conditions."""
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})]
    """True, False or Unknown."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this condition was derived from."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When the status last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """One word that programs can act on; each has an entry in the reference."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """What is the case, why, and the command that helps."""


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=32,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]
