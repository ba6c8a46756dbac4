"""What kopf calls: take the object over (`arriving`). Nothing else.

Only `on.event` is used: no annotation is written, nothing is retried by kopf, and an object that
was delivered twice is dropped by its resource version (docs/decisions/0020).
"""

from __future__ import annotations

from typing import Any, Final

import kopf

from tenant_operator.api.base import GROUP, VERSION
from tenant_operator.app import App
from tenant_operator.arriving import take
from tenant_operator.cluster.client import open_session
from tenant_operator.cluster.login import Access
from tenant_operator.cluster.objects import PLURALS
from tenant_operator.store import Kind

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
