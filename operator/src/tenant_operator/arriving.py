"""Objects come, change and go: they are stored, their keys enqueued, and their neighbours told."""

from __future__ import annotations

from typing import Any, Final

from tenant_operator.app import App
from tenant_operator.cluster.client import KubernetesError, NotFound
from tenant_operator.cluster.objects import object_path
from tenant_operator.log import logger
from tenant_operator.metrics import WATCH_EVENTS
from tenant_operator.reconcile import forget_tenant
from tenant_operator.reconcile_fleet import forget_fleet
from tenant_operator.store import Key, Kind, Stored, read
from tenant_operator.workqueue import Lane

log = logger(__name__)
AGAIN_SECONDS: Final = 1.0


async def take(app: App, kind: Kind, change: str | None, body: dict[str, Any]) -> None:
    """Take one watch event over."""
    WATCH_EVENTS.labels(kind).inc()
    new = read(kind, body)
    app.watch.seen(new.key, new.resource_version)
    if change == "DELETED":
        await _gone(app, new)
    else:
        await _put(app, new)


async def _put(app: App, new: Stored) -> None:
    known = app.store.get(new.key)
    if known is not None and known.uid != new.uid:
        await _gone(app, known)
    if app.store.put(new):
        lane = Lane.URGENT if new.deleting else Lane.USER
        app.queue.add(new.key, lane)
        _neighbours(app, new)


async def prove_presence(app: App, key: Key) -> None:
    """Ask for an object that answered 404; one that went while no watch was open is forgotten."""
    stored = app.store.get(key)
    try:
        await _put(app, read(key.kind, await app.kubernetes.get(object_path(key))))
    except NotFound:
        if stored is not None:
            await _gone(app, stored)
        return
    except KubernetesError as error:
        log.warning("whether an object exists is unknown", object=key.name, error=str(error))
    app.queue.add_after(key, AGAIN_SECONDS, Lane.USER)


async def _gone(app: App, stored: Stored) -> None:
    app.store.drop(stored.key)
    if stored.key.kind == "fleet":
        await forget_fleet(app, stored)
    else:
        await forget_tenant(app, stored)
    _neighbours(app, stored)


def _neighbours(app: App, changed: Stored) -> None:
    """Objects whose case depends on the changed one: host names, fleet references and counts."""
    if changed.key.kind == "fleet":
        for tenant in app.store.tenants_of(changed.key):
            app.queue.add(tenant.key, Lane.USER)
        return
    for other in app.store.namesakes(changed):
        app.queue.add(other.key, Lane.USER)
    for fleet in app.store.all("fleet"):
        if fleet.key.namespace == changed.key.namespace:
            app.queue.add_after(fleet.key, 1, Lane.BACKGROUND)
