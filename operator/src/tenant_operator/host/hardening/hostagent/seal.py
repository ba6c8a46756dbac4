"""Makes a machine ready to be copied: hardened, images in, everything that identifies it out.

The operator still has to read the record of this job, so its key goes last: a unit removes it while
the machine shuts down.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import docker, files, harden
from .places import Places
from .process import must, run
from .records import Progress

LAST = (
    "rm -rf /root/.ssh /root/.docker /etc/ssh/ssh_host_*; "
    "find /opt/tenant -type f ! -name hostagent.pyz -delete; "
    "cloud-init clean --logs --seed --machine-id; "
    "rm -rf /var/lib/cloud /var/log/journal/*; sync"
)
UNIT = "/run/systemd/system/tenant-seal.service"


def bake(places: Places, argv: Sequence[str], progress: Progress) -> str:
    """Work the list `argv[0]` off, pull the images of `argv[1]`, then forget who this was."""
    message = harden.apply_list(places, [argv[0]], progress)
    docker.pull_all(json.loads(places.at(argv[1]).read_text()), progress)
    progress.say("removing the machine's identity")
    forget(places)
    seal_at_shutdown(places)
    return f"{message}; images pulled; sealed at shutdown"


def forget(places: Places) -> None:
    """Logs, package lists, histories and fail2ban's memory."""
    run(["apt-get", "clean"])
    for pattern in ("var/log/**/*.log", "var/log/*.gz", "var/log/[bw]tmp", "root/.*_history"):
        for path in places.root.glob(pattern):
            path.unlink(missing_ok=True)
    run(["systemctl", "stop", "fail2ban.service"])
    for folder in ("/var/lib/fail2ban", "/var/lib/apt/lists"):
        empty(places.at(folder))


def empty(folder: Path) -> None:
    """Remove what is in a folder, not the folder."""
    for path in folder.glob("*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def seal_at_shutdown(places: Places) -> None:
    """A unit in /run: gone in the copy, and its stop runs before the network goes down."""
    unit = (
        "[Unit]\nDescription=Remove this machine's identity before it is copied\n"
        "After=network.target ssh.service docker.service\n\n"
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/true\n"
        f"ExecStop=/bin/sh -c '{LAST}'\n"
    )
    files.replace(places.at(UNIT), unit.encode())
    must(["systemctl", "daemon-reload"])
    must(["systemctl", "start", "tenant-seal.service"])
