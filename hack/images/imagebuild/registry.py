"""Puts images into a registry and says under which digest they can be had.

A tag is a content key, so a tag that is there already needs no push. Docker trusts a registry on
loopback without a certificate check, and so does the look-up here; any other must prove itself.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Final

from imagebuild import engine, progress

_MANIFESTS: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_PUSHED: Final = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_SECONDS: Final = 5.0


class PushFailed(Exception):
    """The registry did not take an image, or did not say under which digest."""


def push(source: str, *, registry: str, repository: str, tag: str) -> str:
    """Make the local image `source` available; returns its digest."""
    if found := find(registry, repository, tag):
        progress.say(f"  {registry}/{repository}:{tag}: reused, the registry has it")
        return found
    reference = f"{registry}/{repository}:{tag}"
    engine.tag(source, reference)
    try:
        lines = progress.run(f"push {reference}", [engine.client(), "push", reference])
    finally:
        engine.ask("image", "rm", reference)
    return pushed_digest(lines, reference)


def pushed_digest(lines: Sequence[str], reference: str) -> str:
    """The digest in what `docker push` printed."""
    matches = [match[1] for line in lines if (match := _PUSHED.search(line))]
    if not matches:
        raise PushFailed(f"pushing {reference} printed no digest: {' / '.join(lines[-3:])}")
    return matches[-1]


def find(registry: str, repository: str, tag: str) -> str | None:
    """The digest of a tag, or None where the registry has none or does not answer."""
    for scheme in ("https", "http") if on_loopback(registry) else ("https",):
        request = urllib.request.Request(  # noqa: S310 - the scheme is one of the two above
            f"{scheme}://{registry}/v2/{repository}/manifests/{tag}",
            method="HEAD",
            headers={"Accept": _MANIFESTS},
        )
        if digest := _ask(request, _context(registry)):
            return digest
    return None


def on_loopback(registry: str) -> bool:
    """Whether only this computer can be meant."""
    host = registry.rpartition(":")[0] or registry
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _ask(request: urllib.request.Request, context: ssl.SSLContext) -> str | None:
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS, context=context) as answer:  # noqa: S310
            return str(answer.headers["Docker-Content-Digest"])
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def _context(registry: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if on_loopback(registry):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
