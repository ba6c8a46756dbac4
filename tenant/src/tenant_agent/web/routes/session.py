"""Sign in, sign out, who am I, change the password."""

from fastapi import APIRouter, Response

from tenant_agent.services.accounts import Session
from tenant_agent.web.deps import (
    DEVICE_COOKIE,
    SESSION_COOKIE,
    AnySessionDep,
    ServicesDep,
    SessionToken,
    VisitorDep,
)
from tenant_agent.web.models import Credentials, Me, PasswordChange
from tenant_agent.web.present import me_out
from tenant_agent.web.problems import responses

router = APIRouter(prefix="/session", tags=["session"])
DEVICE_SECONDS = 365 * 24 * 3600


def _set_cookie(response: Response, token: str, session: Session) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        expires=session.expires_at,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


def _set_device_cookie(response: Response, token: str) -> None:
    response.set_cookie(
        DEVICE_COOKIE,
        token,
        max_age=DEVICE_SECONDS,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


@router.post("", operation_id="signIn", responses=responses(401, 403, 422, 429, 503))
async def sign_in(
    body: Credentials, response: Response, services: ServicesDep, visitor: VisitorDep
) -> Me:
    """Sign in and get the session cookie, and one by which the browser is known next time."""
    token, session = await services.accounts.sign_in(body.email, body.password, visitor)
    _set_cookie(response, token, session)
    _set_device_cookie(response, services.accounts.device_token(session))
    return me_out(session, services.settings)


@router.get("", operation_id="getSession", responses=responses(401))
async def get_me(session: AnySessionDep, services: ServicesDep) -> Me:
    """Say who is signed in."""
    return me_out(session, services.settings)


@router.delete("", operation_id="signOut", status_code=204)
async def sign_out(response: Response, services: ServicesDep, token: SessionToken) -> None:
    """End the session here and on the server."""
    await services.accounts.sign_out(token)
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


@router.post("/password", operation_id="changePassword", responses=responses(401, 403, 422, 429))
async def change_password(
    body: PasswordChange, response: Response, services: ServicesDep, session: AnySessionDep
) -> Me:
    """Change the password; every other session of the account ends."""
    token, renewed = await services.accounts.change_password(
        session, body.current_password, body.new_password
    )
    _set_cookie(response, token, renewed)
    return me_out(renewed, services.settings)
