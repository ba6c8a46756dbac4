"""How machines reach package indexes that this host reaches only through its own settings.

Where the host trusts a certificate authority of its own, or tells apt and pip how to get out,
machines need the same. `boot.sh` lays it over the disk at each start, so that it is on no disk and
in no snapshot. On a host without such settings there is nothing to lay.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from localcloud.machines.container.host import run, succeeds

ANCHOR_FOLDERS = (
    Path("/usr/local/share/ca-certificates"),
    Path("/etc/pki/ca-trust/source/anchors"),
)
_PIP = Path("/etc/pip.conf")


def apt_lines(dump: str) -> str:
    """The lines of `apt-config dump` that say how to reach an index, not how to behave."""
    kept = [
        line
        for line in dump.splitlines()
        if line.startswith("Acquire::") and ("::Check-" in line or "::Proxy" in line)
    ]
    return "".join(f"{line}\n" for line in kept)


class Trust:
    """What boot folders get so that machines reach what the host reaches."""

    def __init__(self, anchors: tuple[Path, ...] = ANCHOR_FOLDERS) -> None:
        self._folders = anchors
        self._files: dict[str, str] = {}

    async def open(self) -> None:
        """Read the host's settings."""
        for folder in self._folders:
            for anchor in sorted(folder.rglob("*.crt")) if folder.is_dir() else ():
                await self._add(anchor)
        if shutil.which("apt-config"):
            self._files["apt.conf"] = apt_lines(await run(["apt-config", "dump"]))
        self._files["pip.conf"] = _text(_PIP)

    def files(self) -> dict[str, str]:
        """Files by path below a boot folder."""
        return dict(self._files)

    async def _add(self, anchor: Path) -> None:
        question = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(anchor)]
        if not await succeeds(question):
            return
        name = (await run(question)).strip()
        text = _text(anchor).rstrip("\n") + "\n"
        self._files[f"trust/anchors/{anchor.name}"] = text
        self._files[f"trust/links/{name}.0"] = text


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
