"""Asks for the certificate again when Traefik gave up: it tries once per start and never again.

A first try can come too early (a DNS answer that was cached as absent). A timer repeats it every
quarter of an hour: Let's Encrypt counts five failures per name and hour.
"""

from __future__ import annotations

import json
import time

from . import compose
from .places import Places
from .records import Progress

STORE = "/srv/tenant/traefik/acme.json"
PATIENCE_SECONDS = 20.0


def present(places: Places, hostname: str) -> bool:
    """Whether Traefik holds a certificate for that name."""
    try:
        resolvers = json.loads(places.at(STORE).read_text()).values()
        found = [item for resolver in resolvers for item in resolver.get("Certificates") or []]
        return any(item["domain"]["main"] == hostname for item in found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def expect(places: Places, release: str, progress: Progress) -> None:
    """Wait a moment for the first certificate of a release; then let Traefik try once more."""
    hostname = (places.releases / release / "hostname").read_text().strip()
    end = time.monotonic() + PATIENCE_SECONDS
    while not present(places, hostname):
        if time.monotonic() > end:
            try_again(places)
            return
        progress.say(f"waiting for the certificate of {hostname}")
        time.sleep(0.5)


def try_again(places: Places) -> bool:
    """Restart Traefik if the live release has no certificate; whether it did."""
    try:
        release = json.loads(places.state.read_text()).get("release")
    except (OSError, ValueError):
        return False
    folder = places.releases / str(release)
    if not (folder / "hostname").exists():
        return False
    if present(places, (folder / "hostname").read_text().strip()):
        return False
    return compose.Project(folder / "compose.yaml").call("restart", "traefik").ok
