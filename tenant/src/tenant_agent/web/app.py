"""The application factory: routes, problem documents, security headers, lifespan."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from tenant_agent.services.registry import Services
from tenant_agent.settings import Settings
from tenant_agent.web import problems
from tenant_agent.web.body_limit import BodyLimit
from tenant_agent.web.dashboard import mount_dashboard
from tenant_agent.web.openapi import build_document
from tenant_agent.web.routes import branding, conversations, documents, jobs, operations, session
from tenant_agent.web.security import SecurityMiddleware

OpenServices = Callable[[Settings], AbstractAsyncContextManager[Services]]
PREFIX = "/api/v1"


def _api() -> APIRouter:
    api = APIRouter(prefix=PREFIX)
    for part in (session, branding, documents, jobs, conversations):
        api.include_router(part.router)
    return api


def create_app(settings: Settings, open_services: OpenServices) -> FastAPI:
    """Return the application; `open_services` connects when it starts and closes when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = _bare_app(lifespan)
    app.add_middleware(BodyLimit, uploads=f"{PREFIX}{documents.router.prefix}")
    app.add_middleware(SecurityMiddleware, origin=settings.origin)
    mount_dashboard(app, settings.dashboard_dir)
    return app


def create_documented_app() -> FastAPI:
    """Return an application that has routes but no services, to describe itself."""
    return _bare_app(None)


def _bare_app(lifespan: Any) -> FastAPI:
    app = FastAPI(
        title="Blue Agency agent",
        summary="Documents, questions and cited answers of one tenant",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    problems.install(app)
    app.include_router(_api())
    app.include_router(operations.router)
    app.add_api_route(
        f"{PREFIX}/openapi.json", lambda: build_document(app), include_in_schema=False
    )
    return app
