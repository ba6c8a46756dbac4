"""The operator's machines in memory: what servers are inside, and connections to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml
from plugins.memory_cloud import MemoryCloud
from plugins.memory_world import World
from tenant_operator.core.world import File, Server
from tenant_operator.host.port import (
    Command,
    HostAddress,
    HostKeyMismatch,
    Output,
    Unreachable,
)


@dataclass
class Machine:
    """What a server is inside."""

    host_key: str
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    mounted: int | None = None
    release: str | None = None
    services: dict[str, str] = field(default_factory=dict)
    cloud_init: str = "done"
    files: dict[str, bytes] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


INTERRUPTED = "deploy:interrupted"
"""Whoever is cut off writes no end."""
SERVICES = dict.fromkeys(("traefik", "agent-blue", "worker", "postgres", "redis"), "healthy")


class MemoryHosts:
    """Machines behind addresses; jobs end at once, or fail as `Machine.failures` says."""

    def __init__(self, world: World, cloud: MemoryCloud) -> None:
        self.world = world
        self.cloud = cloud
        self.machines: dict[int, Machine] = {}
        self.unreachable = False
        self.next_failures: list[str] = []
        self.next_cloud_init: list[str] = []

    def machine(self, server: Server) -> Machine:
        if server.id not in self.machines:
            data = yaml.safe_load(self.cloud.boot[server.id].user_data)
            public = " ".join(data["ssh_keys"]["ed25519_public"].split()[:2])
            state = self.next_cloud_init.pop(0) if self.next_cloud_init else "done"
            self.machines[server.id] = Machine(host_key=public, cloud_init=state)
        return self.machines[server.id]

    async def connect(self, address: HostAddress) -> MemoryHost:
        server = next((s for s in self.cloud.servers.values() if s.ipv4 == address.address), None)
        if self.unreachable or server is None or server.status != "running":
            raise Unreachable(f"{address.address}: nobody answers")
        machine = self.machine(server)
        if machine.host_key not in address.host_keys:
            raise HostKeyMismatch(f"{address.address} shows a key that is not pinned")
        return MemoryHost(self, server.id, machine.host_key)


class MemoryHost:
    """A connection."""

    def __init__(self, hosts: MemoryHosts, server_id: int, host_key: str) -> None:
        self._hosts = hosts
        self._id = server_id
        self._key = host_key

    @property
    def host_key(self) -> str:
        return self._key

    @property
    def _machine(self) -> Machine:
        if self._id not in self._hosts.cloud.servers or self._hosts.unreachable:
            raise Unreachable("the connection is lost")
        return self._hosts.machines[self._id]

    async def run(self, command: Command) -> Output:
        machine = self._machine
        if "observe" in command.argv:
            return Output(code=0, stdout=json.dumps(self._facts(machine)))
        plan = json.loads(command.argv[-1])
        with self._hosts.world.effect(f"jobs {' '.join(entry[0] for entry in plan)}"):
            for name, digest, *arguments in plan:
                if not self._work(machine, name, digest, arguments):
                    break
        return Output(code=0, stdout="")

    def _facts(self, machine: Machine) -> dict[str, Any]:
        return {
            "agent": "",
            "boot_id": "b",
            "hostname": "h",
            "cloud_init": machine.cloud_init,
            "cloud_init_message": "no network" if machine.cloud_init == "error" else "",
            "mounted_volume": machine.mounted,
            "root_free_mib": 10_000,
            "data_free_mib": 1000,
            "release": machine.release,
            "services": machine.services,
            "jobs": machine.jobs,
            "drift": {},
        }

    def _work(self, machine: Machine, name: str, digest: str, arguments: list[str]) -> bool:
        """One job of a plan; whether the next one may follow."""
        machine.starts.append(f"{name} {digest}")
        failures = self._hosts.next_failures
        failure = failures.pop(0) if failures and failures[0].startswith(f"{name}:") else None
        machine.jobs[name] = {
            "name": name,
            "digest": digest,
            "phase": "failed" if failure else "done",
            "failure": failure.partition(":")[2] if failure else None,
            "message": f"{failure} happened" if failure else "",
            "unit": f"tenant-job-{len(machine.starts)}.service",
            "finished": datetime.now(UTC).isoformat() if failure != INTERRUPTED else None,
        }
        if failure:
            return False
        if name == "host-key":
            public = next(v for k, v in machine.files.items() if k.endswith("host-key.pub"))
            machine.host_key = " ".join(public.decode().split()[:2])
        elif name == "data-disk":
            machine.mounted = int(arguments[0])
        elif name == "deploy":
            machine.release, machine.services = digest, dict(SERVICES)
        return True

    async def put(self, files: Sequence[File]) -> None:
        machine = self._machine
        machine.files.update({file.path: file.content for file in files})

    async def read(self, path: str) -> bytes | None:
        return self._machine.files.get(path)

    async def close(self) -> None:
        return None
