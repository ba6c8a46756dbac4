"""The Hetzner adapter on the stand-in's API in this process; each test has an empty project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from localcloud.addresses import AddressPool
from localcloud.clock import RealClock
from localcloud.hetzner.cloud import Settings, Surroundings
from localcloud.hetzner.faults import Fault
from localcloud.hetzner.model import Token
from localcloud.hetzner.service import RunningService, start_hetzner
from localcloud.machines.inert import InertMachines
from localcloud.records import RecordStore
from localcloud.rows import Rows
from tenant_operator.cloud.hetzner import HetznerCloud, hetzner_api
from tenant_operator.providers.hetzner_api import HetznerApi

TOKEN = "rw" + "A1b2C3d4" * 7 + "rwrwrw"
READ_ONLY = "ro" + "Z9y8X7w6" * 7 + "rorororo"[:6]
ZONE = "agency.example"


@dataclass(frozen=True)
class Project:
    """A project at the stand-in and ways to reach it."""

    service: RunningService
    api: HetznerApi
    cloud: HetznerCloud

    def fault(self, **fault: object) -> None:
        """Do something to a request to come."""
        self.service.hetzner.door.faults.add(Fault.model_validate(fault))

    def seen(self) -> int:
        """Requests answered so far, by the budget they used."""
        budget = self.api.budget
        return 0 if budget is None else budget.limit - budget.remaining


@pytest.fixture
async def hetzner_project(rows: Rows, socket_enabled: None) -> AsyncIterator[Project]:
    """An empty project with one zone."""
    around = Surroundings(
        machines=InertMachines(),
        records=RecordStore(rows),
        pool=AddressPool("198.18.0.0/24"),
        clock=RealClock(),
    )
    tokens = [
        Token(secret=TOKEN, project="p1"),
        Token(secret=READ_ONLY, project="p1", read_only=True),
    ]
    service = await start_hetzner(
        None, around, tokens=tokens, zones=[ZONE], settings=Settings(requests_per_hour=3600)
    )
    api = hetzner_api(TOKEN, endpoint=service.url)
    yield Project(service, api, HetznerCloud(api))
    await api.close()
    await service.close()
