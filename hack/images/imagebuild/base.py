"""The Debian layer under all product images: pulled where a registry answers, else made here."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Final

from imagebuild import engine, progress, recipes, system

PUBLIC: Final = "debian:trixie-slim"
_REGISTRY: Final = "https://registry-1.docker.io/v2/"
_SECONDS: Final = 5.0


def provide(image: recipes.SystemImage, *, source: str, fresh: bool) -> str:
    """Make sure the base is there; returns its name.

    `source` is `local`, `public`, or `auto`: what is cached, else public, else local.
    """
    public = f"{image.reference}-public"
    cached = not fresh and engine.image(public) is not None
    made = not fresh and engine.image(image.keyed(recipes.image_key(image))) is not None
    if source == "public" or (source == "auto" and not made and (cached or _reachable())):
        _pull(public, cached=cached)
        engine.tag(public, image.reference)
    else:
        system.provide(image, fresh=fresh)
    return image.reference


def _pull(name: str, *, cached: bool) -> None:
    if cached:
        progress.say(f"  {name}: reused")
        return
    progress.run(f"pull {PUBLIC}", [engine.client(), "pull", PUBLIC])
    engine.tag(PUBLIC, name)


def _reachable() -> bool:
    """Whether Docker Hub answers at all; that it asks for a log-in is an answer."""
    try:
        urllib.request.urlopen(_REGISTRY, timeout=_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
    return True
