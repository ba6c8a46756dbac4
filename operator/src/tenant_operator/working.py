"""The workers: each takes a key, runs one pass, gives the key back. A fault never ends a worker."""

from __future__ import annotations

import asyncio
import time

from tenant_operator.app import App, NotLeading
from tenant_operator.arriving import prove_presence
from tenant_operator.cluster.client import NotFound
from tenant_operator.core.trouble import with_help
from tenant_operator.log import logger
from tenant_operator.metrics import RECONCILE_SECONDS, RECONCILES
from tenant_operator.reconcile import reconcile_tenant
from tenant_operator.reconcile_fleet import reconcile_fleet
from tenant_operator.reporting import tell
from tenant_operator.store import Key

log = logger(__name__)


async def work(app: App) -> None:
    """Serve the queue until cancelled."""
    while True:
        key = await app.queue.take()
        try:
            await one_pass(app, key)
        finally:
            app.queue.done(key)


async def _confess(app: App, key: Key, error: Exception) -> None:
    """Say at the object that the operator is at fault; only the log has the details."""
    stored = app.store.get(key)
    if stored is not None:
        cause = f"A fault in the operator ({type(error).__name__}); it is tried again."
        message = with_help("InternalError", cause)
        await tell(app, stored, "InternalError", message, warning=True)


async def one_pass(app: App, key: Key) -> None:
    """One pass for a key; anything unforeseen is logged and tried again with growing pauses."""
    started = time.monotonic()
    reconcile = reconcile_fleet if key.kind == "fleet" else reconcile_tenant
    try:
        app.insist_on_leading()
        try:
            await reconcile(app, key)
        except NotFound:
            await prove_presence(app, key)
    except asyncio.CancelledError:
        raise
    except NotLeading:
        log.warning("the lease is lost: nothing is done", kind=key.kind, object=key.name)
        app.queue.retry(key)
        return
    except Exception as error:  # the process edge: one object's fault must not stop the others
        log.exception("a pass failed", kind=key.kind, object=f"{key.namespace}/{key.name}")
        RECONCILES.labels(key.kind, "fault").inc()
        app.queue.retry(key)
        await _confess(app, key, error)
        return
    app.queue.forgive(key)
    RECONCILES.labels(key.kind, "ok").inc()
    RECONCILE_SECONDS.labels(key.kind).observe(time.monotonic() - started)
