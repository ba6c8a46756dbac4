"""Where the host agent keeps things; another root lets tests run beside the real host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Every path below one root, which is `/` on a real machine."""

    root: Path = Path("/")

    def at(self, path: str) -> Path:
        """An absolute path of the machine."""
        return self.root / path.lstrip("/")

    @property
    def jobs(self) -> Path:
        """One record per job name; survives a reboot."""
        return self.at("/opt/tenant/jobs")

    @property
    def releases(self) -> Path:
        """Rendered bundles by digest."""
        return self.at("/opt/tenant/releases")

    @property
    def state(self) -> Path:
        """Which release and colour are live."""
        return self.at("/opt/tenant/state.json")

    @property
    def drift(self) -> Path:
        """What differed from the hardening list at the last look; `observe` reads it."""
        return self.at("/run/tenant/drift.json")

    @property
    def proofs(self) -> Path:
        """Checks that held; goes with a copy of the machine."""
        return self.at("/var/lib/tenant/proofs.json")

    @property
    def data(self) -> Path:
        """Where the data volume is mounted."""
        return self.at("/srv/tenant")

    @property
    def routes(self) -> Path:
        """The file whose replacement moves Traefik's traffic."""
        return self.at("/opt/tenant/config/traefik/dynamic/routes.yaml")

    @property
    def secrets(self) -> Path:
        """Secret files, read here only to cut their values out of error texts."""
        return self.at("/opt/tenant/secrets")
