"""What kopf calls: store the object, enqueue its key. Nothing else.

Only `on.event` is used: no annotation is written, nothing is retried by kopf, and an object that
was delivered twice is dropped by its resource version (docs/decisions/0020).
"""

from __future__ import annotations

from typing import Any, Final

import kopf

from tenant_operator.api.base import GROUP, VERSION
from tenant_operator.app import App
from tenant_operator.cluster.client import open_session
from tenant_operator.cluster.login import Access
from tenant_operator.cluster.objects import PLURALS
from tenant_operator.metrics import WATCH_EVENTS
from tenant_operator.reconcile import forget_tenant
from tenant_operator.reconcile_fleet import forget_fleet
from tenant_operator.store import Kind, Stored, read
from tenant_operator.workqueue import Lane

KINDS: Final[tuple[Kind, ...]] = ("fleet", "tenant")


def register(registry: kopf.OperatorRegistry, app: App, access: Access) -> None:
    """Tell kopf what to watch and how to sign in."""

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return signed_in(access)

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        configured(settings)

    for kind in KINDS:
        kopf.on.event(GROUP, VERSION, PLURALS[kind], registry=registry, id=f"{kind}-seen")(
            _watcher(app, kind)
        )


def _watcher(app: App, kind: Kind) -> Any:
    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        await take(app, kind, event["type"], dict(event["object"]))

    return seen


async def take(app: App, kind: Kind, change: str | None, body: dict[str, Any]) -> None:
    """Take one watch event over."""
    WATCH_EVENTS.labels(kind).inc()
    new = read(kind, body)
    app.watch.seen(new.key, new.resource_version)
    if change == "DELETED":
        await _gone(app, new)
        return
    known = app.store.get(new.key)
    if known is not None and known.uid != new.uid:
        await _gone(app, known)
    if app.store.put(new):
        lane = Lane.URGENT if new.deleting else Lane.USER
        app.queue.add(new.key, lane)
        _neighbours(app, new)


async def _gone(app: App, stored: Stored) -> None:
    app.store.drop(stored.key)
    if stored.key.kind == "fleet":
        await forget_fleet(app, stored)
    else:
        forget_tenant(app, stored)
    _neighbours(app, stored)


def _neighbours(app: App, changed: Stored) -> None:
    """Objects whose case depends on the changed one: host names, fleet references and counts."""
    if changed.key.kind == "fleet":
        for tenant in app.store.tenants_of(changed.key):
            app.queue.add(tenant.key, Lane.USER)
        return
    hostname = changed.spec.get("hostname")
    for other in app.store.all("tenant"):
        if other.uid != changed.uid and other.spec.get("hostname") == hostname:
            app.queue.add(other.key, Lane.USER)
    for fleet in app.store.all("fleet"):
        if fleet.key.namespace == changed.key.namespace:
            app.queue.add_after(fleet.key, 1, Lane.BACKGROUND)


def signed_in(access: Access) -> kopf.AiohttpSession:
    """Our sign-in for kopf, which closes the session: it trusts what our own client trusts."""
    session = open_session(access)
    if bearer := access.bearer():
        session.headers["Authorization"] = f"Bearer {bearer}"
    return kopf.AiohttpSession(
        server=access.server, aiohttp_session=session, default_namespace=access.namespace
    )


def configured(settings: kopf.OperatorSettings) -> None:
    """The settings that bite (docs/decisions/0020 says why)."""
    settings.posting.loggers = False
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 600
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.5
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = (0.5, 1, 2, 4, 8)
    settings.process.ultimate_exiting_timeout = 60
