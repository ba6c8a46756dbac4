"""The worker process: Dramatiq's threads for the queue, one event loop for the work.

One process, because a second one would cost its memory again; Dramatiq's threads only wait. A file
in /tmp says when the loop last did its round: `healthcheck-worker` looks at its age.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from pathlib import Path
from uuid import UUID

import dramatiq
import structlog
from redis.exceptions import RedisError

from tenant_agent.jobs.actors import Actors, register
from tenant_agent.jobs.alive import ALIVE_FILE
from tenant_agent.jobs.broker import make_broker
from tenant_agent.services.registry import Services
from tenant_agent.store.pool import DatabaseUnavailable

log = structlog.get_logger(__name__)
RELAY_SECONDS = 0.5
SWEEP_SECONDS = 5.0
FILES_SWEEP_SECONDS = 3600.0
STOP_SECONDS = 20.0
# How long Dramatiq's threads wait for a message before they look whether to stop: its second, for
# one thread after the other, is what an idle worker would take to end.
POLL_MILLISECONDS = 250


def worker_name() -> str:
    """Return a name that no other worker has, not even this one after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class JobWorker:
    """Runs until told to stop."""

    def __init__(self, services: Services, alive_file: Path = ALIVE_FILE) -> None:
        self._services = services
        self._alive_file = alive_file
        self._name = worker_name()
        self._broker = make_broker(services.settings)
        self._loop = asyncio.get_running_loop()
        self._actors: Actors = register(self._broker, self._run_job)
        self._stop = asyncio.Event()
        self._files_swept = float("-inf")

    def _run_job(self, job_id: UUID) -> None:
        """Run a job on the event loop; called in a Dramatiq thread, blocks it meanwhile."""
        silence = self._services.queue.silence
        work = self._services.ingest.run(job_id, self._name, silence)
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _send(self, job_id: UUID) -> None:
        await asyncio.to_thread(self._actors.ingest.send, str(job_id))

    async def _round(self, last_sweep: float) -> float:
        """Relay what is due, and sweep when it is time; returns when it last swept."""
        try:
            await self._services.queue.relay(self._send)
            if time.monotonic() - last_sweep >= SWEEP_SECONDS:
                await self._services.queue.sweep()
                last_sweep = time.monotonic()
            if time.monotonic() - self._files_swept >= FILES_SWEEP_SECONDS:
                await self._services.documents.sweep()
                self._files_swept = time.monotonic()
            self._alive_file.touch()
        except (DatabaseUnavailable, RedisError, dramatiq.errors.ConnectionError) as error:
            log.warning("queue round failed; trying again", error=type(error).__name__)
        return last_sweep

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT; running jobs get some time to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        worker = dramatiq.Worker(
            self._broker,
            worker_threads=self._services.settings.worker_threads,
            worker_timeout=POLL_MILLISECONDS,
        )
        worker.start()
        log.info("worker started", worker=self._name)
        last_sweep = float("-inf")
        try:
            while not self._stop.is_set():
                last_sweep = await self._round(last_sweep)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), RELAY_SECONDS)
        finally:
            await asyncio.to_thread(worker.stop, timeout=int(STOP_SECONDS * 1000))
            self._broker.close()
            log.info("worker stopped", worker=self._name)
