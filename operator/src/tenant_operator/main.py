"""Start-up: settings, sign-in, adapters, kopf, workers, probes. The program `tenant-operator`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import kopf
import uvloop

from tenant_operator.adapters import real_adapters
from tenant_operator.app import Adapters, App
from tenant_operator.cluster.client import Kubernetes
from tenant_operator.cluster.lease import Lease
from tenant_operator.cluster.login import Access, LoginError, find_access
from tenant_operator.handlers import register
from tenant_operator.installation import installation_of
from tenant_operator.log import configure, logger
from tenant_operator.serving import measure_lag, serve
from tenant_operator.settings import Settings
from tenant_operator.working import work

log = logger(__name__)


def run(argv: Sequence[str] | None = None) -> None:
    """The program: returns when it is told to stop."""
    settings = settings_from(sys.argv[1:] if argv is None else argv)
    configure(level=settings.log_level, as_json=settings.log_format == "json")
    try:
        access = find_access(settings.kubeconfig, settings.context)
    except LoginError as error:
        raise SystemExit(f"tenant-operator: {error}") from error
    uvloop.run(operate(settings, access, real_adapters()))


def settings_from(argv: Sequence[str]) -> Settings:
    """Settings from the environment, with the command line before it."""
    parser = argparse.ArgumentParser(
        prog="tenant-operator",
        description="Turns Tenant objects into machines. Every option is also a setting "
        "OPERATOR_<NAME>; docs/reference/settings.md lists all of them.",
    )
    parser.add_argument("--kubeconfig", type=Path, help="kubeconfig to use")
    parser.add_argument("--context", help="context of the kubeconfig")
    parser.add_argument("--namespace", help="watch this namespace only")
    parser.add_argument("--log-format", choices=("json", "text"), help="how to log")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--probe-port", type=int, help="port of /healthz; 0 for none")
    parser.add_argument("--metrics-port", type=int, help="port of /metrics; 0 for none")
    given: dict[str, Any] = {
        name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None
    }
    return Settings(**given)


async def operate(
    settings: Settings,
    access: Access,
    adapters: Adapters,
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Run one operator until it is stopped (by a signal, or by `stop` in tests)."""
    kubernetes = Kubernetes(access, connections=settings.kubernetes_connections)
    try:
        installation = settings.installation or await installation_of(kubernetes)
        log.info("starting", installation=installation)
        app = App(
            settings=settings,
            adapters=adapters,
            kubernetes=kubernetes,
            installation=installation,
        )
        registry = kopf.OperatorRegistry()
        register(registry, app, access)
        halt = stop or asyncio.Event()
        async with running(app, halt):
            await kopf.operator(
                registry=registry,
                settings=kopf.OperatorSettings(),
                standalone=True,
                clusterwide=settings.namespace is None,
                namespaces=() if settings.namespace is None else (settings.namespace,),
                stop_flag=halt,
            )
    finally:
        await kubernetes.close()


@contextlib.asynccontextmanager
async def running(app: App, halt: asyncio.Event) -> AsyncIterator[None]:
    """Workers, probes and metrics, as long as the block lasts."""
    runners = await serve(app)
    tasks = [
        asyncio.create_task(work_in_turn(app, halt), name="workers"),
        asyncio.create_task(measure_lag(), name="loop-lag"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for memory in app.memories.values():
            await memory.hang_up()
        for account in app.accounts.values():
            await account.close()
        for runner in runners:
            await runner.cleanup()


async def work_in_turn(app: App, halt: asyncio.Event) -> None:
    """Work, with a lease only while it is held; when that ends, however it does, so does the
    process: one that goes on without its workers helps nobody."""
    try:
        await (_work_with_lease(app) if app.settings.lease else work_together(app))
    except Exception:
        log.exception("the workers have ended")
    finally:
        halt.set()


async def _work_with_lease(app: App) -> None:
    """Work from when the lease is held until it is lost, and give it back."""
    holder = f"{socket.gethostname()}-{uuid4().hex[:8]}"
    lease = Lease(
        app.kubernetes,
        namespace=app.settings.lease_namespace,
        holder=holder,
        valid_seconds=app.settings.lease_seconds,
    )
    app.leads = lambda: lease.remaining() > 0
    await lease.acquire()
    workers = asyncio.create_task(work_together(app), name="workers-of-the-lease")
    keeping = asyncio.create_task(lease.keep(), name="lease")
    try:
        ended, _ = await asyncio.wait((workers, keeping), return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            await task
    finally:
        for task in (workers, keeping):
            task.cancel()
        await asyncio.gather(workers, keeping, return_exceptions=True)
        await lease.release()


async def work_together(app: App) -> None:
    """All workers, until cancelled."""
    app.working = True
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(app.settings.workers):
                group.create_task(work(app), name=f"worker-{number}")
    finally:
        app.working = False
