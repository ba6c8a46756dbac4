"""The workers: each takes a key, runs one pass, gives the key back. A fault never ends a worker."""

from __future__ import annotations

import asyncio
import time

from tenant_operator.app import App, NotLeading
from tenant_operator.arriving import prove_presence
from tenant_operator.cluster.client import KubernetesError, NotFound
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


async def _confess(app: App, key: Key, reason: str, cause: str) -> None:
    """Say at the object why its pass failed. What goes wrong with that ends no worker either."""
    stored = app.store.get(key)
    try:
        if stored is not None:
            await tell(app, stored, reason, with_help(reason, cause), warning=True)
    except Exception:
        log.exception("a failed pass could not be told", kind=key.kind, object=key.name)


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
    except KubernetesError as error:
        log.warning("a pass was cut off", kind=key.kind, object=key.name, cause=str(error))
        RECONCILES.labels(key.kind, "cut-off").inc()
        app.queue.retry(key)
        await _confess(app, key, "KubernetesUnavailable", str(error))
        return
    except Exception as error:  # the process edge: one object's fault must not stop the others
        log.exception("a pass failed", kind=key.kind, object=f"{key.namespace}/{key.name}")
        RECONCILES.labels(key.kind, "fault").inc()
        app.queue.retry(key)
        # Only the log has the details.
        cause = f"A fault in the operator ({type(error).__name__}); it is tried again."
        await _confess(app, key, "InternalError", cause)
        return
    app.queue.forgive(key)
    RECONCILES.labels(key.kind, "ok").inc()
    RECONCILE_SECONDS.labels(key.kind).observe(time.monotonic() - started)
