"""The operator's DNS in memory: one zone."""

from __future__ import annotations

from plugins.memory_world import World
from tenant_operator.core.faults import Taken
from tenant_operator.core.world import ActionRef, DnsRecord, RecordType


class MemoryDns:
    """A zone."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records: dict[tuple[str, str], DnsRecord] = {}

    async def list_records(self, installation: str) -> tuple[DnsRecord, ...]:
        self.world.read("list_records")
        marked = (r for r in self.records.values() if r.owner)
        return tuple(r for r in marked if str(r.owner).startswith(f"{installation}/"))

    async def find(self, hostname: str, kind: RecordType) -> DnsRecord | None:
        return self.records.get((hostname, kind))

    async def publish(self, record: DnsRecord) -> ActionRef | None:
        with self.world.effect("publish"):
            held = self.records.get((record.hostname, record.type))
            if held is not None and held.owner != record.owner:
                raise Taken("the record exists")
            self.records[record.hostname, record.type] = record
        return None

    async def withdraw(self, record: DnsRecord) -> ActionRef | None:
        with self.world.effect("withdraw"):
            held = self.records.get((record.hostname, record.type))
            if held is not None and held.owner == record.owner:
                del self.records[record.hostname, record.type]
        return None

    async def close(self) -> None:
        return None
