"""A simulated machine seen from outside, by the operator's own check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from localcloud.authority import Authority
from localcloud.machines.memory import MemoryMachines
from localcloud.machines.simulated_host.host import Faults
from plugins.fix_memory_machines import HARDEN, HOSTNAME, Boot, Operator, bundle, volume
from tenant_operator.core.world import Glimpse
from tenant_operator.host import bootstrap
from tenant_operator.outside import https
from tenant_operator.outside.port import Sight

Look = Callable[..., Awaitable[Glimpse]]


@pytest.fixture
def look(
    machines: MemoryMachines, memory_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Look:
    """The check, with the name resolved to machine 1."""

    async def resolve(_sight: Sight) -> tuple[str, ...]:
        return (str(machines.hosts[1].address),)

    monkeypatch.setattr(https, "resolve", resolve)

    async def see(path: str = "/readyz", hostname: str = HOSTNAME) -> Glimpse:
        sight = Sight(
            hostname=hostname,
            port=machines.ports[1],
            path=path,
            ca_bundle=memory_authority.root_pem,
        )
        return await https.HttpsOutside().look(sight)

    return see


async def deployed(operator: Operator, boot: Boot) -> None:
    host = await operator.connect(await boot())
    for job in (
        bootstrap.harden(HARDEN),
        bootstrap.data_disk(volume()),
        bootstrap.deploy(bundle()),
    ):
        await operator.work(host, job)
    await host.close()


async def test_a_live_release_answers_over_tls_13(
    operator: Operator, boot: Boot, look: Look
) -> None:
    await deployed(operator, boot)
    seen = await look()
    assert (seen.status, seen.trusted, seen.tls_version) == (200, True, "TLSv1.3")
    assert (await look("/version")).body.count(bundle().digest) == 1
    assert (await look("/metrics")).status == 404


async def test_nothing_answers_before_the_release(boot: Boot, look: Look) -> None:
    await boot()
    assert (await look()).problem == "connect"


async def test_another_name_is_not_served(operator: Operator, boot: Boot, look: Look) -> None:
    await deployed(operator, boot)
    assert (await look(hostname="other.example")).problem == "tls"


async def test_faults_of_the_web(
    operator: Operator, machines: MemoryMachines, boot: Boot, look: Look
) -> None:
    await deployed(operator, boot)
    machines.plan_faults("1", Faults(web="error"))
    assert (await look()).status == 503
    machines.plan_faults("1", Faults(web="refused"))
    assert (await look()).problem == "connect"
