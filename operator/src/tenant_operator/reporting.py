"""Telling the cluster: status only when it differs, events only when they are news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from tenant_operator.app import App
from tenant_operator.cluster.client import KubernetesError
from tenant_operator.cluster.objects import event, events_path, merge_difference, status_path
from tenant_operator.log import REDACTOR, logger
from tenant_operator.store import Stored, read

log = logger(__name__)
OLD_NEWS: Final = timedelta(minutes=10)


async def write_status(app: App, stored: Stored, status: Mapping[str, Any]) -> bool:
    """Patch the status if it differs; whether it did. Raises Conflict when the object changed."""
    patch = merge_difference(stored.status, cleaned(status))
    if not patch:
        return False
    body = await app.kubernetes.merge(
        status_path(stored.key),
        {"metadata": {"resourceVersion": stored.resource_version}, "status": patch},
    )
    written = read(stored.key.kind, body)
    app.store.put(written)
    app.watch.wrote(written.key, written.resource_version, app.clock())
    return True


def cleaned(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status with every secret cut out of its messages."""
    conditions = [
        {**condition, "message": REDACTOR.clean(condition.get("message", ""))}
        for condition in status.get("conditions", ())
    ]
    return {**status, "conditions": conditions}


async def tell(app: App, stored: Stored, reason: str, message: str, *, warning: bool) -> None:
    """Post an event unless the same was said in the last ten minutes; a failure is only logged."""
    told, now = app.memory(stored.uid).told, app.clock()
    news = f"{reason} {message}"
    if now - told.get(news, now - OLD_NEWS) < OLD_NEWS:
        return
    told[news] = now
    for old in [text for text, when in told.items() if now - when > OLD_NEWS]:
        del told[old]
    document = event(
        stored, reason=reason, message=REDACTOR.clean(message), warning=warning, now=now
    )
    try:
        await app.kubernetes.create(events_path(stored.key.namespace), document)
    except KubernetesError as error:
        log.warning("an event could not be posted", error=str(error))
