"""Machines that do not answer hold workers until they time out; everybody else is served."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from plugins.fix_operator import Rig
from plugins.memory_hosts import MemoryHost, MemoryHosts
from plugins.skipping_loop import SkippingLoop
from tenant_operator.host.port import HostAddress, Unreachable
from tenant_operator.serving import faults
from tenant_operator.working import work

WORKERS = 4
SILENT = 16
SECONDS_TO_TIME_OUT = 5
HOUR = 3600


class SlowHosts(MemoryHosts):
    """Some machines do not answer, which takes a while to find out."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.world, rig.cloud)
        self.silent: frozenset[str] = frozenset()
        self.tries: Counter[str] = Counter()

    async def connect(self, address: HostAddress) -> MemoryHost:
        self.tries[address.address] += 1
        if address.address in self.silent:
            await asyncio.sleep(SECONDS_TO_TIME_OUT)
            raise Unreachable(f"{address.address}: nobody answers")
        return await super().connect(address)


class Outage:
    """Tenants that are ready, then an hour in which most machines do not answer."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.hosts = SlowHosts(self.rig)
        self.rig.outside.hosts = self.hosts
        self.rig.app.adapters = replace(self.rig.app.adapters, hosts=self.hosts)
        self.oldest: list[float] = []
        self.faults: list[str] = []

    async def prepare(self) -> None:
        rig = self.rig
        rig.start()
        paths = [rig.another(f"t{number}") for number in range(SILENT + 3)]
        await rig.expect(lambda: rig.is_ready() and all(map(rig.is_ready, paths)))
        rig.now += timedelta(minutes=6)
        machines = [server.ipv4 for server in rig.cloud.servers.values() if server.ipv4]
        self.hosts.silent = frozenset(machines[:SILENT])
        self.hosts.tries.clear()

    async def run(self) -> None:
        await self.prepare()
        rig, loop = self.rig, asyncio.get_running_loop()
        start, rig.app.working = rig.now - timedelta(seconds=loop.time()), True
        rig.app.clock = lambda: start + timedelta(seconds=loop.time())
        workers = [asyncio.ensure_future(work(rig.app)) for _ in range(WORKERS)]
        for _ in range(HOUR):
            await asyncio.sleep(1)
            await rig.watch()
            self.oldest.append(rig.app.queue.oldest_seconds())
            self.faults += faults(rig.app)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for account in rig.app.accounts.values():
            await account.poller.close()


def test_silent_machines_leave_workers_to_the_others() -> None:
    outage = Outage()
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(outage.run())
    assert not outage.faults
    assert max(outage.oldest) < 60
    tries = outage.hosts.tries
    answering = set(tries) - outage.hosts.silent
    assert len(answering) == 4
    assert all(tries[address] >= HOUR / 300 for address in answering)
    assert all(HOUR / 90 < tries[address] < HOUR / 30 for address in outage.hosts.silent)
