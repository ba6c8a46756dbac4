"""The operator's look from outside in memory, through the zone at the machines."""

from __future__ import annotations

from plugins.memory_dns import MemoryDns
from plugins.memory_hosts import MemoryHosts
from tenant_operator.core.world import Glimpse
from tenant_operator.outside.port import Sight


class MemoryOutside:
    """The public view: resolved by the zone, answered by the machine."""

    def __init__(self, dns: MemoryDns, hosts: MemoryHosts) -> None:
        self.dns = dns
        self.hosts = hosts

    async def look(self, sight: Sight) -> Glimpse:
        record = self.dns.records.get((sight.hostname, "A"))
        if record is None:
            return Glimpse(status=None, problem="resolve", detail="no such name")
        server = next(
            (s for s in self.hosts.cloud.servers.values() if s.ipv4 in record.values), None
        )
        machine = self.hosts.machines.get(server.id) if server else None
        if machine is None or not machine.release:
            return Glimpse(status=None, problem="connect", detail="refused")
        return Glimpse(status=200, trusted=True, issuer="Test CA")
