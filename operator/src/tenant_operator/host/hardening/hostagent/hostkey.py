"""Replaces the host key that cloud-init installed: everybody on the machine could read that one."""

from __future__ import annotations

from collections.abc import Sequence

from .failures import JobError
from .places import Places
from .process import must, run
from .records import Progress

STAGED = "/opt/tenant/host-agent/host-key"
KEY = "/etc/ssh/ssh_host_ed25519_key"


def install(places: Places, _: Sequence[str], progress: Progress) -> str:
    """Move the staged pair into place, drop other kinds, let sshd read it; connections stay."""
    staged, key = places.at(STAGED), places.at(KEY)
    staged_public = staged.with_name("host-key.pub")
    if not staged.exists():
        raise JobError("other", f"{STAGED} is missing: the key was not copied before the job")
    progress.say("installing the host key")
    staged.replace(key)
    staged_public.replace(key.with_name(key.name + ".pub"))
    for other in key.parent.glob("ssh_host_*_key*"):
        if not other.name.startswith(key.name):
            other.unlink()
    must(["sshd", "-t"])
    if not run(["systemctl", "reload", "ssh.service"]).ok:
        must(["systemctl", "restart", "ssh.service"])
    return "the host key was replaced"
