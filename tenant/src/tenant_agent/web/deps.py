"""What handlers ask for, as `Annotated` aliases: services, the session, the reader's language."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request

from tenant_agent.errors import Refused
from tenant_agent.services.accounts import Session
from tenant_agent.services.devices import Visitor
from tenant_agent.services.registry import Services
from tenant_agent.web.client_address import client_address
from tenant_agent.web.language import preferred_language

SESSION_COOKIE = "__Host-session"
DEVICE_COOKIE = "__Host-device"


def get_services(request: Request) -> Services:
    """Return the services the application was built with."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


def get_language(
    services: ServicesDep, accept_language: Annotated[str | None, Header()] = None
) -> str:
    """Return the tenant's language that the browser likes best."""
    return preferred_language(accept_language or "", services.settings.language_list)


LanguageDep = Annotated[str, Depends(get_language)]


def get_visitor(request: Request, services: ServicesDep) -> Visitor:
    """Return the person's address, seen through the known proxies only, and the browser's token."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.getlist("x-forwarded-for")
    address = client_address(peer, forwarded, services.settings.proxy_layers)
    return Visitor(address, request.cookies.get(DEVICE_COOKIE, ""))


VisitorDep = Annotated[Visitor, Depends(get_visitor)]


def get_session_token(request: Request) -> str:
    """Return what the cookie holds; nothing without one."""
    return request.cookies.get(SESSION_COOKIE, "")


SessionToken = Annotated[str, Depends(get_session_token)]


async def get_any_session(token: SessionToken, services: ServicesDep) -> Session:
    """Return the session of the cookie, also while the one-time password still has to change."""
    session = await services.accounts.session(token)
    if session is None:
        raise Refused("not_signed_in")
    return session


AnySessionDep = Annotated[Session, Depends(get_any_session)]


async def get_session(session: AnySessionDep) -> Session:
    """Return the session of somebody who may work: the one-time password is replaced."""
    if session.must_change_password:
        raise Refused("password_change_required")
    return session


SessionDep = Annotated[Session, Depends(get_session)]
CursorQuery = Annotated[str | None, Query(max_length=100, description="`next_cursor` before")]
LimitQuery = Annotated[int, Query(ge=1, le=200)]
PassageQuery = Annotated[int | None, Query(ge=0, description="`passage_id` of a citation")]
LastEventId = Annotated[
    str | None, Header(description="Resume after this SSE id; sent again by the browser itself")
]
DocumentId = UUID
