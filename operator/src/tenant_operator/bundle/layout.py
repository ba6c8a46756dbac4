"""Where things lie on the host and who owns them: paths, numeric users and networks.

Numbers instead of names, because the host has no such accounts: they exist in the images only.
PostgreSQL and Redis keep the number their official images use.
"""

from __future__ import annotations

from typing import Final, Literal

Color = Literal["blue", "green"]
COLORS: Final[tuple[Color, ...]] = ("blue", "green")

CONFIG: Final = "/opt/tenant/config"
SECRETS: Final = "/opt/tenant/secrets"
DATA: Final = "/srv/tenant"
BRANDING_DIR: Final = f"{CONFIG}/branding"
TRAEFIK_DIR: Final = f"{CONFIG}/traefik"
ROUTES_DIR: Final = f"{TRAEFIK_DIR}/dynamic"
HOST_TRUST: Final = "/etc/ssl/certs/ca-certificates.crt"

AGENT_UID: Final = 10001
TRAEFIK_UID: Final = 10002
POSTGRES_UID: Final = 999
REDIS_UID: Final = 999

FRONT_SUBNET: Final = "172.29.0.0/24"
DATA_SUBNET: Final = "172.29.1.0/24"
EDGE_SUBNET: Final = "172.29.2.0/24"
EGRESS_SUBNET: Final = "172.29.3.0/24"
EDGE_SUBNET_V6: Final = "fd00:b1ce:0:2::/64"

SECRET_NAMES: Final = (
    "database_password",
    "redis_password",
    "model_api_key",
    "bootstrap_password",
    "session_key",
)
"""The agent's secrets, as docs/contracts.md names the files."""

WORKER_SECRET_NAMES: Final = SECRET_NAMES[:3]
"""Those without which no document is read: what reads strangers' files signs nobody in."""
