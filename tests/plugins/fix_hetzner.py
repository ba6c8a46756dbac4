"""A Hetzner Cloud API in this process, in a loop of its own, with machines that are only notes.

Every answer is checked while the test runs: against our own shapes, and against Hetzner's document
where `HETZNER_OPENAPI` names it. What does not fit fails the test.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from hcloud import Client
from localcloud.addresses import AddressPool
from localcloud.clock import Clock, ManualClock, RealClock
from localcloud.hetzner.cloud import Cloud, Settings, Surroundings
from localcloud.hetzner.conformance import Conformance, Document, load
from localcloud.hetzner.model import Token
from localcloud.hetzner.service import RunningService, start_hetzner
from localcloud.machines.inert import InertMachines
from localcloud.records import RecordStore
from localcloud.rows import Rows

T = TypeVar("T")

TOKEN, OTHER_TOKEN, READ_ONLY = "a" * 64, "b" * 64, "c" * 64
SECONDS = 30.0


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="cloud")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    def close(self) -> None:
        """End the loop and its thread, with requests whose client has gone."""
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.loop.close()

    @staticmethod
    async def _cancel_all() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class HetznerApi:
    """A running API and what tests need of it."""

    service: RunningService
    thread: LoopThread = field(repr=False)
    machines: InertMachines
    records: RecordStore
    conformance: Conformance
    closed: bool = False

    @property
    def url(self) -> str:
        """Base URL, ending in `/v1`."""
        return self.service.url

    @property
    def admin(self) -> str:
        """Base URL of the owner's interface."""
        return self.url.removesuffix("/v1") + "/_admin"

    @property
    def cloud(self) -> Cloud:
        """The cloud behind the API."""
        return self.service.hetzner.cloud

    def client(self, token: str = TOKEN) -> Any:
        """Hetzner's own client, which polls without waiting; untyped, for its types are Optional
        all over where the API always answers."""
        return Client(token, api_endpoint=self.url, poll_interval=0.002, timeout=20)

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = TOKEN
    ) -> requests.Response:
        """One request as it goes over the wire."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return requests.request(
            method, self.url + path, json=body, headers=headers, timeout=SECONDS
        )

    def fault(self, **fault: Any) -> None:
        """Put a fault on the list."""
        answer = requests.post(f"{self.admin}/faults", json=fault, timeout=SECONDS)
        assert answer.status_code == 201, answer.text

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the API's loop."""
        return self.thread.run(work)

    def settle(self) -> None:
        """Wait until every action that can end has ended."""
        self.run(self.cloud.engine.settle())

    def advance(self, seconds: float) -> None:
        """Move the API's manual clock, step by step through all that is due."""
        self.run(self._manual.advance(seconds))

    def jump(self, seconds: float) -> None:
        """Move the API's manual clock in one step."""
        self.run(self._manual.jump(seconds))

    @property
    def _manual(self) -> ManualClock:
        clock = self.cloud.clock
        assert isinstance(clock, ManualClock)
        return clock

    def close(self) -> None:
        """End the API; raises when an answer did not fit."""
        if not self.closed:
            self.closed = True
            self.run(self.service.close())
        assert self.conformance.problems == []


StartHetzner = Callable[..., HetznerApi]


@pytest.fixture(scope="session")
def hetzner_document() -> Document | None:
    """Hetzner's document, brought up to date, or `None` where none is given."""
    path = os.environ.get("HETZNER_OPENAPI")
    return load(Path(path)) if path else None


@pytest.fixture
def start_hetzner_api(hetzner_document: Document | None) -> Iterator[StartHetzner]:
    """Starts APIs with settings of their own and ends them after the test."""
    thread = LoopThread()
    started: list[HetznerApi] = []
    opened: list[Rows] = []

    def rows(directory: Path | None, name: str) -> Rows:
        opened.append(Rows(directory / f"{name}.db" if directory else None))
        return opened[-1]

    async def close_rows() -> None:
        for each in opened:
            each.close()

    def start(
        directory: Path | None = None,
        *,
        clock: Clock | None = None,
        pool: AddressPool | None = None,
        settings: Settings | None = None,
        machines: InertMachines | None = None,
    ) -> HetznerApi:
        conformance = Conformance(hetzner_document)

        async def begin() -> HetznerApi:
            records = RecordStore(rows(directory, "records"))
            inert = machines or InertMachines(rows(directory, "machines"))
            await inert.open()
            around = Surroundings(
                machines=inert,
                records=records,
                pool=pool or AddressPool("10.128.0.0/16"),
                clock=clock or RealClock(),
            )
            tokens = [
                Token(secret=TOKEN, project="one"),
                Token(secret=OTHER_TOKEN, project="two"),
                Token(secret=READ_ONLY, project="one", read_only=True),
            ]
            service = await start_hetzner(directory, around, tokens=tokens, settings=settings)
            service.hetzner.door.observers.append(conformance)
            return HetznerApi(service, thread, inert, records, conformance)

        started.append(thread.run(begin()))
        return started[-1]

    yield start
    try:
        for api in started:
            api.close()
    finally:
        thread.run(close_rows())
        thread.close()


@pytest.fixture
def hetzner_api(start_hetzner_api: StartHetzner) -> HetznerApi:
    """An empty API whose actions take no more time than their work."""
    return start_hetzner_api()


@pytest.fixture
def hetzner_client(hetzner_api: HetznerApi) -> Any:
    """Hetzner's own Python client, pointed at the API."""
    return hetzner_api.client()
