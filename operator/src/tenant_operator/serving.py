"""Probes and metrics over HTTP. The liveness answer is 500 when the loop or the watch is stuck."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tenant_operator.api.conditions import READY
from tenant_operator.app import App
from tenant_operator.metrics import CONDITIONS, LOOP_LAG, QUEUE_DEPTH, QUEUE_OLDEST, REGISTRY
from tenant_operator.store import Kind, Stored
from tenant_operator.workqueue import Lane

OLDEST_KEY_SECONDS: Final = 600.0


def faults(app: App) -> list[str]:
    """Why this process should be started anew; empty when it works."""
    found: list[str] = []
    overdue = app.watch.overdue(app.clock())
    if overdue is not None:
        found.append(f"the watch has not shown a write for {overdue.total_seconds():.0f} s")
    if app.leads() and not app.working:
        found.append("nobody works, although this process may")
    oldest = app.queue.oldest_seconds()
    if oldest > OLDEST_KEY_SECONDS and app.working:
        found.append(f"a key has waited for a worker for {oldest:.0f} s")
    return found


async def serve(app: App) -> list[web.AppRunner]:
    """Start listening; the runners are to be cleaned up."""
    settings, runners = app.settings, []
    probes = web.Application()
    probes.router.add_get("/healthz", lambda _: _health(app))
    metrics = web.Application()
    metrics.router.add_get("/metrics", lambda _: _metrics(app))
    for site, port in ((probes, settings.probe_port), (metrics, settings.metrics_port)):
        if port:
            runner = web.AppRunner(site, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, settings.host, port).start()
            runners.append(runner)
    return runners


async def _health(app: App) -> web.Response:
    found = faults(app)
    return web.json_response(
        {"status": "stuck" if found else "ok", "faults": found}, status=500 if found else 200
    )


async def _metrics(app: App) -> web.Response:
    for lane in Lane:
        QUEUE_DEPTH.labels(lane.name.lower()).set(app.queue.depth(lane))
    QUEUE_OLDEST.set(app.queue.oldest_seconds())
    _count_objects(app)
    return web.Response(
        body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


def _count_objects(app: App) -> None:
    CONDITIONS.clear()
    kinds: tuple[Kind, ...] = ("fleet", "tenant")
    for kind in kinds:
        for held in app.store.all(kind):
            CONDITIONS.labels(kind, *_ready(held)).inc()


def _ready(held: Stored) -> tuple[str, str]:
    for condition in held.status.get("conditions", ()):
        if condition.get("type") == READY:
            return condition["status"], condition["reason"]
    return "Unknown", "Looking"


async def measure_lag() -> None:
    """How late a sleep ends is how long something held the loop."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(1)
        LOOP_LAG.set(max(0.0, loop.time() - before - 1))
