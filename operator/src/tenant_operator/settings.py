"""Settings from the environment (`OPERATOR_*`); the command line may override the first few.

Nothing about a fleet is here: endpoints, tokens and images belong to the Fleet object.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How this operator process runs."""

    model_config = SettingsConfigDict(
        env_prefix="OPERATOR_", use_attribute_docstrings=True, frozen=True, extra="forbid"
    )

    kubeconfig: Path | None = None
    """Kubeconfig to use; left out, the pod's service account, then KUBECONFIG, ~/.kube/config."""
    context: str | None = None
    """Context of the kubeconfig; left out, its current one."""
    namespace: str | None = None
    """Only this namespace; left out, the whole cluster."""
    installation: str = Field(default="", pattern="^([a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?)?$")
    """Name that tells two clusters in one cloud project apart; left out, from the cluster's id.
    It must stay: Fleets that another name made are left alone (docs/decisions/0029)."""
    workers: int = Field(default=16, ge=1, le=256)
    """How many tenants are worked on at a time."""
    kubernetes_connections: int = Field(default=16, ge=1, le=256)
    """Upper limit of connections to the API server for writing."""
    host: str = "0.0.0.0"  # noqa: S104 - probes and metrics are asked from outside the pod
    """Address that probes and metrics listen on."""
    probe_port: int = Field(default=8080, ge=0, le=65535)
    """Port of the liveness probe, `/healthz`; 0 switches it off."""
    metrics_port: int = Field(default=9090, ge=0, le=65535)
    """Port of `/metrics`; 0 switches it off."""
    lease: bool = False
    """Work only while holding the Lease `tenant-operator` (for more than one replica)."""
    lease_namespace: str = "default"
    """Namespace of that Lease."""
    lease_seconds: float = Field(default=15, ge=1, le=300)
    """How long after its holder's last sign of life another operator takes the Lease."""
    sweep_seconds: float = Field(default=285, ge=5, le=3600)
    """How often servers and DNS records are compared with what is wanted."""
    slow_sweep_seconds: float = Field(default=3600, ge=30, le=86400)
    """How often volumes, addresses, firewalls and server types are read."""
    look_seconds: float = Field(default=285, ge=5, le=3600)
    """How often a ready machine is looked at over SSH and through its public name."""
    secret_seconds: float = Field(default=15, ge=1, le=600)
    """How often the Secrets that Fleets and Tenants name are read again; Tenants' less often when
    there are more than a few hundred of them."""
    egress_networks: list[str] = Field(default_factory=list, max_length=16)
    """Networks the operator connects from, as JSON list, which machines never ban; an address that
    a machine saw it come from within a week is exempt there without being named."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""
    log_format: Literal["json", "text"] = "json"
    """One JSON object per line, or lines for people."""
