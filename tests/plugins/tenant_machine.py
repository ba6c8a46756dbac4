"""A tenant's machine as its owner sees it, and what can go wrong with it: each fault is a block.

Everything is done from inside with the machine's own programs, as a person on its console would; at
the end of a block it is as it was before.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from demo.chain import Chain
from localcloud.settings import Settings
from plugins.waiting import expect

DOCKER = "/usr/bin/docker"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
PER_BOOT = "/var/lib/cloud/scripts/per-boot/broken.sh"
HANG_UP = "pkill -x sshd-session || true"
"""Ends the connections that outlive their server: nobody may be signed in, which is no fault."""
HOLD_LOCK = """
import fcntl, sys
with open('/var/lib/dpkg/lock-frontend', 'w') as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print('held', flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class TenantMachine:
    """The container behind a tenant's server."""

    container: str

    @classmethod
    def of(cls, chain: Chain, tenant: dict[str, Any]) -> TenantMachine:
        """The machine that a Tenant's status names."""
        instance = Settings(dir=chain.cloud_folder).instance
        return cls(f"{instance}-{tenant['status']['server']['id']}")

    def run(self, *argv: str) -> str:
        """What a program prints that has to succeed."""
        done = self.tried(*argv)
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
        return done.stdout.strip()

    def tried(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """How a program ended."""
        command = [DOCKER, "exec", self.container, *argv]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def shell(self, script: str) -> str:
        """What a shell script prints, which stops at its first error."""
        return self.run("sh", "-euc", script)

    def await_init(self) -> None:
        """Wait until the machine has an init of its own; before, its disk is not at `/`."""
        init = ("test", "-d", "/run/systemd/system")
        expect(lambda: self.tried(*init).returncode == 0, f"the init of {self.container}")

    # --- faults ------------------------------------------------------------------------------

    @contextmanager
    def apt_locked(self) -> Iterator[None]:
        """Somebody else holds the package manager's lock."""
        argv = [DOCKER, "exec", "-i", self.container, "python3", "-c", HOLD_LOCK]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            yield
            holder.communicate()

    @contextmanager
    def registry_down(self, host: str) -> Iterator[None]:
        """Nothing listens where the registry's name leads to."""
        self.shell(f"cp /etc/hosts /etc/hosts.before; echo '127.0.0.1 {host}' >>/etc/hosts")
        yield
        self.run("mv", "/etc/hosts.before", "/etc/hosts")

    @contextmanager
    def disk_full(self, folder: str) -> Iterator[None]:
        """All but a few MiB of the file system behind a folder are taken."""
        free = f"df --output=avail --block-size=1M {folder} | tail -n1"
        self.shell(f"fallocate -l $(($({free}) - 8))M {folder}/filler")
        yield
        self.run("rm", f"{folder}/filler")

    @contextmanager
    def other_host_key(self) -> Iterator[None]:
        """sshd shows a key that nobody pinned."""
        self.shell(
            f"cp -p {HOST_KEY} /root/pinned; rm {HOST_KEY}; "
            f"ssh-keygen -q -t ed25519 -N '' -f {HOST_KEY}; systemctl restart ssh; {HANG_UP}"
        )
        yield
        self.shell(f"mv /root/pinned {HOST_KEY}; systemctl restart ssh")

    @contextmanager
    def no_sshd(self) -> Iterator[None]:
        """Nobody answers on port 22."""
        self.shell(f"systemctl stop ssh.service; {HANG_UP}")
        yield
        self.run("systemctl", "start", "ssh.service")

    @contextmanager
    def restart_awaited(self) -> Iterator[None]:
        """The block lets the machine start anew; it has when the block is left."""
        before = self._started_at()
        yield
        expect(
            lambda: self._started_at() != before and self.tried("true").returncode == 0,
            f"the new start of {self.container}",
        )

    def _started_at(self) -> str:
        argv = [DOCKER, "inspect", "--format={{.State.StartedAt}}", self.container]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def break_next_boot(self) -> None:
        """Let cloud-init fail at every start from now on."""
        self.shell(f"printf '#!/bin/sh\\nexit 7\\n' >{PER_BOOT}; chmod +x {PER_BOOT}")
