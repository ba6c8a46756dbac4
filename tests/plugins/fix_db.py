"""PostgreSQL with pgvector, Redis, and the whole agent on top of them, all real and on loopback."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from demo import agent as launcher
from demo.agent_services import Address, free_port, postgres, redis
from localcloud.model import ModelSettings, RunningModel, start_model
from plugins.agent_client import ONE_TIME_PASSWORD, AgentUser
from plugins.agent_parts import agent_process, migrate
from psycopg import sql
from tenant_agent.prepare import prepare
from tenant_agent.settings import Settings
from tenant_agent.store.pool import Database

MODEL_KEY = "integration-key"
TEMPLATE = "agent_template"


@pytest.fixture(scope="session")
def service_folder() -> Iterator[Path]:
    """A folder other users may enter: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="agent-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def postgres_server(service_folder: Path) -> Iterator[Address]:
    """One PostgreSQL for the run."""
    with postgres(service_folder / "postgres") as address:
        yield address


@pytest.fixture(scope="session")
def redis_server(service_folder: Path) -> Iterator[Address]:
    """One Redis for the run."""
    with redis(service_folder / "redis") as address:
        yield address


def administer(address: Address, statement: str, *names: str) -> None:
    """Run a statement outside any transaction, with identifiers filled in."""
    target = f"host={address.host} port={address.port} user=agent dbname=postgres"
    composed = sql.SQL(statement).format(*map(sql.Identifier, names))
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(composed)


def base_settings(database: Address, cache: Address, folder: Path) -> Settings:
    """Return settings on these services with a database that does not exist yet."""
    launcher.write_secrets(folder / "secrets", ONE_TIME_PASSWORD, MODEL_KEY)
    return Settings(
        database_host=database.host,
        database_port=database.port,
        database_name=f"t{uuid.uuid4().hex}",
        database_user="agent",
        redis_host=cache.host,
        redis_port=cache.port,
        secrets_dir=folder / "secrets",
        data_dir=folder / "data",
        admin_email=launcher.EMAIL,
        public_url="https://agent.example",
    )


@pytest.fixture(scope="session")
def database_template(postgres_server: Address, redis_server: Address, service_folder: Path) -> str:
    """A migrated database to copy from: copying takes a tenth of the time."""
    folder = service_folder / "template"
    settings = base_settings(postgres_server, redis_server, folder)
    settings = settings.model_copy(update={"database_name": TEMPLATE})
    administer(postgres_server, "create database {}", TEMPLATE)
    asyncio.run(prepare(settings, 10))
    return TEMPLATE


@pytest.fixture
def empty_settings(
    postgres_server: Address, redis_server: Address, tmp_path: Path
) -> Iterator[Settings]:
    """Settings with an empty database of their own."""
    settings = base_settings(postgres_server, redis_server, tmp_path)
    administer(postgres_server, "create database {}", settings.database_name)
    yield settings
    administer(postgres_server, "drop database {} with (force)", settings.database_name)


@pytest.fixture
def agent_settings(
    postgres_server: Address, redis_server: Address, database_template: str, tmp_path: Path
) -> Iterator[Settings]:
    """Settings with a migrated database of their own, the first administrator in it."""
    settings = base_settings(postgres_server, redis_server, tmp_path)
    names = (settings.database_name, database_template)
    administer(postgres_server, "create database {} template {}", *names)
    yield settings
    administer(postgres_server, "drop database {} with (force)", settings.database_name)


@pytest.fixture
async def database(agent_settings: Settings) -> AsyncIterator[Database]:
    """An open pool on that database."""
    opened = Database(agent_settings)
    await opened.open()
    yield opened
    await opened.close()


class ModelThread:
    """The model server in a thread of its own, for processes that outlive one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        settings = ModelSettings(keys=[MODEL_KEY])
        starting = start_model(host="127.0.0.1", port=0, tls=None, settings=settings)
        self.running: RunningModel = asyncio.run_coroutine_threadsafe(starting, self._loop).result(
            60
        )

    def reset(self) -> None:
        """Put back the defaults."""
        self.running.service.faults.clear()
        self.running.service.settings = ModelSettings(keys=[MODEL_KEY])

    def close(self) -> None:
        """Stop serving and end the thread."""
        asyncio.run_coroutine_threadsafe(self.running.close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="session")
def model_thread() -> Iterator[ModelThread]:
    """One model server for the run."""
    thread = ModelThread()
    yield thread
    thread.close()


@pytest.fixture
def live_model(model_thread: ModelThread) -> Iterator[RunningModel]:
    """That model server with its defaults; what a test sets is put back."""
    model_thread.reset()
    yield model_thread.running
    model_thread.reset()


@contextmanager
def running_agent(place: launcher.Place, **extra: str) -> Iterator[AgentUser]:
    """Run `migrate`, `serve` and `worker` as in the image; gives a signed-in user."""
    settings = {**launcher.environment(place), **extra}
    migrate(place, settings)
    with ExitStack() as stack:
        for command in ("serve", "worker"):
            log = place.folder / f"{command}.log"
            stack.enter_context(agent_process(command, settings, log))
        launcher.wait_ready(place.url)
        with AgentUser(place.url, place.folder) as user:
            user.sign_in()
            yield user


@pytest.fixture(scope="session")
def agent_place(
    postgres_server: Address,
    redis_server: Address,
    service_folder: Path,
    model_thread: ModelThread,
) -> launcher.Place:
    """Where the run's agent is."""
    folder = service_folder / "agent"
    launcher.write_secrets(folder / "secrets", ONE_TIME_PASSWORD, MODEL_KEY)
    name = f"t{uuid.uuid4().hex}"
    url = model_thread.running.url
    return launcher.Place(folder, postgres_server, redis_server, url, free_port(), name)


@pytest.fixture(scope="session")
def agent_session(agent_place: launcher.Place) -> Iterator[AgentUser]:
    """The run's agent, started once."""
    settings = {"AGENT_MAX_UPLOAD_MIB": "4", "AGENT_LOGIN_ATTEMPTS": "1000"}
    with running_agent(agent_place, AGENT_MODEL_TIMEOUT_SECONDS="8", **settings) as user:
        yield user


@pytest.fixture
def agent(agent_session: AgentUser, live_model: RunningModel) -> AgentUser:
    """A signed-in user of the run's agent, with a well-behaved model server."""
    return agent_session


@pytest.fixture
def own_place(agent_place: launcher.Place, tmp_path: Path) -> Iterator[launcher.Place]:
    """A place for an agent that a test starts, stops and breaks by itself.

    With a Redis of its own, as every tenant has: two agents on one would take each other's
    messages.
    """
    launcher.write_secrets(tmp_path / "secrets", ONE_TIME_PASSWORD, MODEL_KEY)
    name = f"t{uuid.uuid4().hex}"
    with redis(tmp_path / "redis") as cache:
        yield replace(
            agent_place, folder=tmp_path, port=free_port(), database_name=name, redis=cache
        )
