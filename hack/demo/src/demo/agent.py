"""`make agent`: the tenant's agent alone on this machine, without cluster, cloud or Docker.

PostgreSQL, Redis and the model server start beside it, all on loopback; the agent itself runs as in
its image (`tenant-agent migrate`, `serve`, `worker`) and is told apart from production by its
settings only. Everything lies in one folder and ends with Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.files import write_whole
from localcloud.model import ModelSettings, start_model

from demo.agent_services import Address, die_with_parent, free_port, postgres, redis

READY_SECONDS = 60.0
EMAIL = "admin@acme.example"
BRAND = {"name": "Acme", "logo": "", "primary": "#1f4b99", "accent": "#0f766e"}
ROOT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of one agent are."""

    folder: Path
    database: Address
    redis: Address
    model_url: str
    port: int
    database_name: str = "agent"

    @property
    def url(self) -> str:
        """Return the agent's address."""
        return f"http://127.0.0.1:{self.port}"


def write_secrets(folder: Path, one_time_password: str, model_key: str) -> None:
    """Write one file per secret, as the operator's bundle does; no other user ever reads them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = {
        "model_api_key": model_key,
        "bootstrap_password": one_time_password,
        "session_key": secrets.token_urlsafe(48),
    }
    for name, value in values.items():
        write_whole(folder / name, value, mode=0o600)


def environment(place: Place) -> dict[str, str]:
    """Return the environment of the agent's processes."""
    branding = place.folder / "branding.json"
    if not branding.exists():
        branding.write_text(json.dumps(BRAND), encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "AGENT_PUBLIC_URL": place.url,
        "AGENT_LISTEN_HOST": "127.0.0.1",
        "AGENT_LISTEN_PORT": str(place.port),
        "AGENT_DATABASE_HOST": place.database.host,
        "AGENT_DATABASE_PORT": str(place.database.port),
        "AGENT_DATABASE_NAME": place.database_name,
        "AGENT_DATABASE_USER": "agent",
        "AGENT_REDIS_HOST": place.redis.host,
        "AGENT_REDIS_PORT": str(place.redis.port),
        "AGENT_SECRETS_DIR": str(place.folder / "secrets"),
        "AGENT_MODEL_ENDPOINT": place.model_url,
        "AGENT_BRANDING_FILE": str(branding),
        "AGENT_ADMIN_EMAIL": EMAIL,
        "AGENT_DATA_DIR": str(place.folder / "data"),
        "AGENT_DASHBOARD_DIR": str(ROOT / "tenant" / "dashboard" / "dist"),
        "AGENT_RELEASE": "development",
        "AGENT_COLOR": "blue",
    }


def create_database(place: Place) -> None:
    """Create the agent's database unless it exists."""
    import psycopg
    from psycopg import sql

    target = f"host={place.database.host} port={place.database.port} user=agent dbname=postgres"
    with psycopg.connect(target, autocommit=True) as connection:
        found = connection.execute(
            "select 1 from pg_database where datname = %s", (place.database_name,)
        ).fetchone()
        if found is None:
            name = sql.Identifier(place.database_name)
            connection.execute(sql.SQL("create database {}").format(name))


@contextmanager
def agent_process(command: str, settings: dict[str, str], log: Path) -> Iterator[int]:
    """Run `tenant-agent <command>` until the block ends; gives its process id.

    In a session of its own, so that Ctrl-C reaches only us, who end the parts in order.
    """
    argv = [sys.executable, "-m", "tenant_agent.main", command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            env=settings,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGTERM),
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def migrate(settings: dict[str, str]) -> None:
    """Run `tenant-agent migrate`."""
    argv = [sys.executable, "-m", "tenant_agent.main", "migrate"]
    subprocess.run(argv, env=settings, check=True, stdout=sys.stderr, start_new_session=True)


def wait_ready(url: str, given_up: Callable[[], bool] = lambda: False) -> None:
    """Wait until `/readyz` says so, or nobody wants to know any more."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if given_up():
            return
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"{url}/readyz did not become ready; see the logs beside the data")


async def _serve_model(key: str, started: asyncio.Future[str]) -> None:
    running = await start_model(
        host="127.0.0.1", port=0, tls=None, settings=ModelSettings(keys=[key])
    )
    started.set_result(running.url)
    try:
        await asyncio.Event().wait()
    finally:
        await running.close()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _password(folder: Path) -> str:
    """Return the one-time password of this folder's agent."""
    path = folder / "secrets" / "bootstrap_password"
    return path.read_text(encoding="utf-8") if path.exists() else secrets.token_urlsafe(12)


def _start(stack: ExitStack, place: Place, given_up: Callable[[], bool]) -> None:
    settings = environment(place)
    create_database(place)
    migrate(settings)
    for command in ("serve", "worker"):
        stack.enter_context(agent_process(command, settings, place.folder / f"{command}.log"))
    wait_ready(place.url, given_up)


def _stop_on_signals() -> asyncio.Event:
    """Return what the first signal sets; the person hears at once that it was understood."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin() -> None:
        if not stop.is_set():
            _say("\nstopping: answers being written and jobs get some seconds to end")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, begin)
    return stop


async def _run(folder: Path, port: int) -> None:
    stop = _stop_on_signals()
    _say("starting: PostgreSQL, Redis, the model server and the agent")
    key, password = secrets.token_urlsafe(16), _password(folder)
    write_secrets(folder / "secrets", password, key)
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    model = asyncio.create_task(_serve_model(key, started))
    with ExitStack() as stack:
        database = stack.enter_context(postgres(folder / "postgres"))
        queue = stack.enter_context(redis(folder / "redis"))
        place = Place(folder, database, queue, await started, port)
        await asyncio.to_thread(_start, stack, place, stop.is_set)
        if not stop.is_set():
            _say(f"agent:     {place.url}\nsign in:   {EMAIL}\none-time:  {password}")
            _say(f"data:      {folder}\nmodel:     {place.model_url}\nCtrl-C ends everything.")
        await stop.wait()
    model.cancel()
    await asyncio.wait({model})
    _say("ended")


def main() -> None:
    """Start everything and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m demo.agent", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the agent; 0 chooses one")
    parser.add_argument("--data", type=Path, help="folder to keep; otherwise a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agent-") as temporary:
        folder = arguments.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        asyncio.run(_run(folder.resolve(), arguments.port or free_port()))


if __name__ == "__main__":
    main()
