"""The Docker client: which one to call, and the few questions asked of it.

BuildKit is needed for build secrets. A client older than 23 has it built in, a newer one needs the
buildx plug-in, and a machine may hold both kinds: the first on PATH that can build is taken.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

_FIRST_WITHOUT_BUILTIN_BUILDKIT = 23


class EngineMissing(Exception):
    """There is no Docker that can do what is needed; the text says what to install."""


@cache
def client() -> str:
    """Path of a Docker client that builds with BuildKit and reaches its daemon."""
    candidates = _candidates()
    if not candidates:
        raise EngineMissing("docker is not installed: apt-get install docker.io")
    builders = [path for path in candidates if _builds(path)]
    if not builders:
        raise EngineMissing(
            f"{candidates[0]} has no BuildKit: apt-get install docker-buildx-plugin "
            "(Debian: docker-buildx), or put Debian 12's docker.io first on PATH"
        )
    _require_daemon(builders[0])
    return builders[0]


def environment() -> dict[str, str]:
    """What the client is run with: BuildKit on, plain progress."""
    return {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}


def ask(*words: str) -> str | None:
    """What `docker words…` prints, or None when it says no."""
    answer = subprocess.run([client(), *words], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None


def image(reference: str) -> dict[str, Any] | None:
    """What the engine knows of a local image."""
    found = ask("image", "inspect", reference)
    return dict(json.loads(found)[0]) if found else None


def tag(source: str, target: str) -> None:
    """Give the local image `source` another name."""
    subprocess.run([client(), "tag", source, target], check=True, capture_output=True)


def _candidates() -> list[str]:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = (shutil.which("docker", path=folder) for folder in folders)
    unique = {str(Path(path).resolve()): path for path in reversed([p for p in found if p])}
    return list(reversed(unique.values()))


def _builds(path: str) -> bool:
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    plugin = subprocess.run([path, "buildx", "version"], capture_output=True, check=False)
    return plugin.returncode == 0 or _major(version.stdout) < _FIRST_WITHOUT_BUILTIN_BUILDKIT


def _major(version: str) -> int:
    digits = version.removeprefix("Docker version ").split(".")[0]
    return int(digits) if digits.isdigit() else _FIRST_WITHOUT_BUILTIN_BUILDKIT


def _require_daemon(path: str) -> None:
    asked = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise EngineMissing(
            f"the Docker daemon does not answer ({asked.stderr.strip().splitlines()[-1]}): "
            "start it with `systemctl start docker`, or run as root"
        )
