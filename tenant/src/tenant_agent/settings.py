"""Settings from the environment (`AGENT_*`) and one file per secret.

Nothing is read at import; `Settings()` is made once in `main` and handed down. Secrets are read
when asked for, so that a rotated file counts without a restart where the caller asks again.
"""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024


def _networks(listed: str) -> list[IPv4Network | IPv6Network]:
    parts = (part.strip() for part in listed.split(","))
    return [ip_network(part, strict=False) for part in parts if part]


class MissingSecret(Exception):
    """A secret file is not there; the message names the file and what puts it there."""


class Settings(BaseSettings):
    """What the operator's bundle sets for one tenant; names as in docs/contracts.md."""

    model_config = SettingsConfigDict(env_prefix="AGENT_", extra="ignore")

    public_url: str = "http://127.0.0.1:8000"
    listen_host: str = Field(default="0.0.0.0", description="Address `serve` binds")  # noqa: S104
    listen_port: int = 8000
    database_host: str = "postgres"
    database_port: int = 5432
    database_name: str = "agent"
    database_user: str = "agent"
    database_pool_size: int = Field(default=8, ge=2, le=64)
    redis_host: str = "redis"
    redis_port: int = 6379
    secrets_dir: Path = Path("/run/secrets")
    model_endpoint: str = Field(default="", description="Base URL; empty means Google's own")
    chat_model: str = "gemini-2.5-flash"
    embedding_model: str = "gemini-embedding-001"
    embedding_dimensions: int = Field(default=768, ge=64, le=3072)
    model_timeout_seconds: float = Field(default=30, gt=0, le=600)
    answer_timeout_seconds: float = Field(default=120, gt=0, le=600)
    answer_unread_seconds: float = Field(
        default=30, ge=1, le=600, description="An answer that nobody reads is stopped after this"
    )
    branding_file: Path | None = None
    languages: str = "de,en"
    admin_email: str = ""
    data_dir: Path = Path("/data")
    dashboard_dir: Path = Path("/app/dashboard")
    release: str = ""
    color: str = ""
    trusted_proxies: str = Field(default="", description="CIDR lists, one per proxy, `;` between")
    session_hours: int = Field(default=12, ge=1, le=24 * 30)
    login_attempts: int = Field(default=10, ge=1)
    login_window_seconds: int = Field(default=300, ge=1)
    answers_at_once: int = Field(default=16, ge=1)
    max_upload_mib: int = Field(default=200, ge=1)
    max_pages: int = Field(default=5000, ge=1)
    reading_seconds: int = Field(default=300, ge=1)
    reading_memory_mib: int = Field(default=768, ge=64)
    worker_threads: int = Field(default=2, ge=1, le=16)
    worker_heartbeat_seconds: float = Field(default=5, gt=0.2)
    log_level: str = "INFO"

    @field_validator("branding_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @cached_property
    def language_list(self) -> list[str]:
        """Return the languages offered, the default first."""
        return [part.strip() for part in self.languages.split(",") if part.strip()] or ["en"]

    @cached_property
    def proxy_layers(self) -> list[list[IPv4Network | IPv6Network]]:
        """Return the networks of each proxy whose `X-Forwarded-For` is believed, nearest first."""
        return [_networks(layer) for layer in self.trusted_proxies.split(";")]

    @cached_property
    def origin(self) -> str:
        """Return scheme and authority of the public URL, as browsers send it in `Origin`."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def max_upload_bytes(self) -> int:
        """Return the largest upload taken, in bytes."""
        return self.max_upload_mib * MEBIBYTE

    def secret(self, name: str) -> SecretStr:
        """Read one secret file.

        Raises:
            MissingSecret: the file does not exist or is empty.
        """
        path = self.secrets_dir / name
        try:
            value = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            value = ""
        if not value:
            raise MissingSecret(f"secret file {path} is missing or empty; the bundle provides it")
        return SecretStr(value)

    def optional_secret(self, name: str) -> SecretStr | None:
        """Read one secret file that need not exist."""
        try:
            return self.secret(name)
        except MissingSecret:
            return None
