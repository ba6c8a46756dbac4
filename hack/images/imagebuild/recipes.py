"""What goes into the system images, and the key that names a result by its ingredients.

Pure: nothing here runs a program. A system image is made from Debian packages alone, so its key is
made of the package list, the options, the mirror and the files laid over it; Debian's own updates
do not change the key, `build --fresh` is for them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
SECURITY_MIRROR = "http://deb.debian.org/debian-security"

_LEAN_PATHS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
)

# Files that would give every machine made from an image the same identity, or that name the
# computer which made it. cloud-init makes host keys, systemd a machine id, Docker the other two.
_IDENTITY_HOOKS = (
    'rm -f "$1"/etc/ssh/ssh_host_*',
    ': > "$1/etc/machine-id"',
    ': > "$1/etc/resolv.conf"',
    'rm -f "$1/etc/hostname" "$1/etc/apt/sources.list"',
    'find "$1/var/log" -type f -delete',
    'rm -f "$1"/var/cache/apt/*.bin "$1/var/cache/ldconfig/aux-cache"',
)

# What Debian's cloud image holds, less what only a real kernel and boot loader need.
_MACHINE_PACKAGES = (
    "ca-certificates",
    "cloud-guest-utils",
    "cloud-init",
    "cron",
    "curl",
    "dbus",
    "e2fsprogs",
    "fdisk",
    "gpg",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "libpam-systemd",
    "locales",
    "logrotate",
    "nano",
    "netbase",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "sudo",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    "vim-tiny",
    "wget",
)


@dataclass(frozen=True, kw_only=True)
class SystemImage:
    """A root file system made by mmdebstrap, a folder copied over it, and Docker's settings."""

    repository: str
    tag: str
    packages: tuple[str, ...]
    overlay: tuple[Path, ...]
    changes: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The name other parts use."""
        return f"{self.repository}:{self.tag}"

    def keyed(self, key: str) -> str:
        """The name that says what the image was made from."""
        return f"{self.repository}:{self.tag}-{key}"


def base(root: Path) -> SystemImage:
    """The layer all product images share, for machines that cannot pull Debian's own."""
    return SystemImage(
        repository="blueagency/base",
        tag=SUITE,
        packages=("ca-certificates",),
        overlay=(root / "overlay/apt",),
        changes=('CMD ["bash"]',),
    )


def machine(root: Path) -> SystemImage:
    """A server as the cloud delivers it: Debian 13 with nothing of the product in it."""
    return SystemImage(
        repository="blueagency/machine",
        tag="debian-13",
        packages=_MACHINE_PACKAGES,
        overlay=(root / "overlay/apt", root / "overlay/machine"),
        changes=('CMD ["/sbin/init"]', "ENV container=docker"),
    )


def mmdebstrap(image: SystemImage, *, target: Path, mirrors: tuple[str, str]) -> list[str]:
    """The command that writes the root file system of `image` to the tar file `target`."""
    copies = [f"--customize-hook=copy-in {folder}/etc /" for folder in image.overlay]
    hooks = [f"--customize-hook={hook}" for hook in _IDENTITY_HOOKS]
    return [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(image.packages)}",
        *(f"--dpkgopt={path}" for path in _LEAN_PATHS),
        *hooks,
        *copies,
        SUITE,
        str(target),
        *source_lines(mirrors),
    ]


def source_lines(mirrors: tuple[str, str]) -> list[str]:
    """apt sources of Debian 13 with its updates; `mirrors` are Debian's and the security one."""
    debian, security = mirrors
    return [
        f"deb {debian} {SUITE} main",
        f"deb {debian} {SUITE}-updates main",
        f"deb {security} {SUITE}-security main",
    ]


def mirrors(environment: Mapping[str, str]) -> tuple[str, str]:
    """Where packages come from while building; the image itself always names Debian's servers."""
    return (
        environment.get("BLUEAGENCY_DEBIAN_MIRROR", MIRROR),
        environment.get("BLUEAGENCY_DEBIAN_SECURITY_MIRROR", SECURITY_MIRROR),
    )


def image_key(image: SystemImage) -> str:
    """Twelve hex digits that change exactly when the recipe of `image` does."""
    command = mmdebstrap(image, target=Path("-"), mirrors=(MIRROR, SECURITY_MIRROR))
    stable = [word for word in command if "copy-in" not in word]
    return digest([*stable, *image.changes, *overlay_lines(image.overlay)])


def overlay_lines(folders: Iterable[Path]) -> list[str]:
    """One line per file below `folders`: its place and its content's digest."""
    return [
        f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and os.access(path, os.R_OK)
    ]


def digest(lines: Iterable[str]) -> str:
    """A short content key of `lines`."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
