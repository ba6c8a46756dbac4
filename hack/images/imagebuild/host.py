"""What a build borrows from the computer it runs on: trust store and package settings.

Both are handed over as build secrets, which are mounted while a step runs and are in no layer, no
history and no cache key.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TRUST: Final = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
_DEBIAN_TRUST: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_SETTINGS: Final = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_INDEX_URL",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "npm_config_registry",
)


@contextmanager
def secrets() -> Iterator[dict[str, Path]]:
    """Files to mount as build secrets, by name; the temporary one is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="blueagency-build-") as folder:
        settings = Path(folder) / "packages"
        settings.touch(mode=0o600)
        settings.write_text(exports(os.environ))
        found = {"packages": settings, "ca": trust(os.environ), "npmrc": _npmrc()}
        yield {name: path for name, path in found.items() if path}


def exports(environment: Mapping[str, str]) -> str:
    """A shell fragment that sets the package settings of `environment`."""
    chosen = ((name, environment[name]) for name in _SETTINGS if environment.get(name))
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in chosen)


def trust(environment: Mapping[str, str]) -> Path | None:
    """The bundle that this computer's own downloads are checked with."""
    named = (environment[name] for name in _TRUST if environment.get(name))
    return next((path for path in (*map(Path, named), _DEBIAN_TRUST) if path.is_file()), None)


def _npmrc() -> Path | None:
    path = Path.home() / ".npmrc"
    return path if path.is_file() else None
