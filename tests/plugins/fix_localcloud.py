"""A local cloud as a process of its own, on free ports, for everybody's integration tests.

`localcloud` runs once per test session with machines that are only written down; every test starts
with nothing in it, no fault and the providers' own limits.
`run_localcloud` starts one more with other settings.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from localcloud.administration import Administration, origin_of
from plugins import preloaded

START_SECONDS = 120.0
STOP_SECONDS = 90.0
WITHOUT_PROGRAMS = ("dns", "hetzner", "cloudflare", "proxy", "edge")


@dataclass(frozen=True)
class LocalCloud:
    """A running instance and what a test needs of it."""

    dir: Path
    process: preloaded.Preloaded
    endpoints: dict[str, Any] = field(repr=False)

    @property
    def hetzner(self) -> str:
        """Base URL of the Hetzner Cloud API."""
        return str(self.endpoints["hetzner"])

    @property
    def hetzner_token(self) -> str:
        """A token that may do everything in the ready project."""
        return str(self.endpoints["tokens"]["hetzner"])

    @property
    def cloudflare(self) -> str:
        """Base URL of the Cloudflare API."""
        return str(self.endpoints["cloudflare"])

    @property
    def cloudflare_token(self) -> str:
        """A token that may do everything in every zone."""
        return str(self.endpoints["tokens"]["cloudflare"])

    @property
    def ca(self) -> Path:
        """The trust bundle."""
        return Path(self.endpoints["ca"])

    def address(self, name: str) -> tuple[str, int]:
        """Host and port of an endpoint written `host:port`."""
        host, _, port = str(self.endpoints[name]).rpartition(":")
        return host, int(port)

    def admin(self, service: str) -> Administration:
        """The `/_admin` of `hetzner`, `cloudflare` or `model`."""
        key = "model_local" if service == "model" else service
        return Administration(origin_of(str(self.endpoints[key])))

    @contextmanager
    def fault(self, service: str = "hetzner", **fault: Any) -> Iterator[None]:
        """A fault that strikes inside the block and is gone after it."""
        admin = self.admin(service)
        admin.add_fault(fault)
        try:
            yield
        finally:
            admin.clear_faults()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the process and wait; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def start_localcloud(
    folder: Path, *arguments: str, only: tuple[str, ...] = WITHOUT_PROGRAMS
) -> LocalCloud:
    """Start an instance on free ports and wait until it is ready."""
    words = ["up", f"--dir={folder}", f"--only={','.join(only)}"]
    if not any(item.startswith("--port-base") for item in arguments):
        words.append("--port-base=0")
    if not any(item.startswith("--backend") for item in arguments):
        words.append("--backend=inert")
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    words += arguments
    process = preloaded.start(preloaded.LOCAL_CLOUD, words, environment=os.environ, log=log)
    _wait_ready(process, folder / "endpoints.json", log)
    return LocalCloud(folder, process, json.loads((folder / "endpoints.json").read_text()))


def _wait_ready(process: preloaded.Preloaded, ready: Path, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            process.wait()
            raise AssertionError(f"the local cloud did not start:\n{log.read_text()}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def localcloud_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One instance for the whole session; use `localcloud`, which cleans up between tests."""
    cloud = start_localcloud(tmp_path_factory.mktemp("localcloud") / "state", "--forward=off")
    yield cloud
    code = cloud.stop()
    assert code == 0, cloud.dir.with_suffix(".log").read_text()


@pytest.fixture
def localcloud(localcloud_session: LocalCloud) -> Iterator[LocalCloud]:
    """A running local cloud without servers, zones or faults."""
    yield localcloud_session
    for service in ("hetzner", "cloudflare"):
        if service in localcloud_session.endpoints:
            localcloud_session.admin(service).ask("POST", "reset")


RunLocalCloud = Callable[..., LocalCloud]


@pytest.fixture
def run_localcloud(tmp_path: Path) -> Iterator[RunLocalCloud]:
    """Starts instances with settings of their own and stops them after the test."""
    started: list[LocalCloud] = []

    def start(*arguments: str, name: str = "cloud", **options: Any) -> LocalCloud:
        started.append(start_localcloud(tmp_path / name, *arguments, **options))
        return started[-1]

    yield start
    for cloud in started:
        cloud.stop()
