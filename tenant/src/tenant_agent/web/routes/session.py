"""Sign in, sign out, who am I, change the password."""

from fastapi import APIRouter, Request, Response

from tenant_agent.services.accounts import Session
from tenant_agent.web.deps import SESSION_COOKIE, AnySessionDep, ClientAddressDep, ServicesDep
from tenant_agent.web.models import Credentials, Me, PasswordChange
from tenant_agent.web.problems import responses

router = APIRouter(prefix="/session", tags=["session"])


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


@router.post("", operation_id="signIn", responses=responses(401, 403, 422, 429, 503))
async def sign_in(
    body: Credentials, response: Response, services: ServicesDep, address: ClientAddressDep
) -> Me:
    """Sign in and get the session cookie."""
    token, session = await services.accounts.sign_in(body.email, body.password, address)
    _set_cookie(response, token, session)
    return Me.model_validate(session)


@router.get("", operation_id="getSession", responses=responses(401))
async def get_me(session: AnySessionDep) -> Me:
    """Say who is signed in."""
    return Me.model_validate(session)


@router.delete("", operation_id="signOut", status_code=204)
async def sign_out(request: Request, response: Response, services: ServicesDep) -> None:
    """End the session here and on the server."""
    await services.accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""))
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
    return Me.model_validate(renewed)
