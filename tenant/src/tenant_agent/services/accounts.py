"""Accounts: the first administrator, sign-in, sessions, passwords.

Passwords are Argon2id; a session token is 256 random bits of which only an HMAC is stored. Sign-in
costs the same for known and unknown e-mail addresses. Guessing is limited in Redis so that whoever
guesses never shuts out a browser that has signed in before.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from tenant_agent.errors import Refused
from tenant_agent.services.devices import Devices, Visitor
from tenant_agent.services.limits import Allowance, AttemptLimit, network_of
from tenant_agent.settings import Settings
from tenant_agent.store import accounts as store
from tenant_agent.store.pool import Connection, Database
from tenant_agent.store.records import AccountRecord, SessionRecord

Session = SessionRecord
MINIMUM_PASSWORD = 12
DIFFERENT_CHARACTERS = 5
TOKEN_BYTES = 32
# Strangers together get on one account what so many addresses get: 100, NIST SP 800-63B's bound.
STRANGERS = 10
# OWASP's second recommended Argon2id profile: 19 MiB keeps the small machine responsive.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """Return the time; the default of the `clock` everything takes."""
    return datetime.now(UTC)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


async def ensure_first_administrator(
    connection: Connection, email: str, one_time_password: SecretStr
) -> bool:
    """Make the first administrator unless an account exists; returns whether it was made.

    One who has not signed in yet may have been given a wrong address: it is corrected.
    """
    if await store.count(connection):
        await store.correct_administrator(connection, email)
        return False
    password_hash = HASHER.hash(one_time_password.get_secret_value())
    return await store.insert_first_administrator(connection, email, password_hash)


def allowances(
    email: str, address: str, device: str | None, attempts: int
) -> tuple[Allowance, ...]:
    """Return what an attempt to sign in counts on.

    A known browser has a count of its own. Of strangers each network has one, whichever accounts
    it tries, and all of them together have one per account.
    """
    if device is not None:
        return (Allowance(f"device:{device}", attempts),)
    return (
        Allowance(f"client:{network_of(address)}", attempts),
        Allowance(f"account:{email}", attempts * STRANGERS),
    )


def is_weak(password: str, email: str) -> bool:
    """Whether a password is short, says little, or is the address it goes with."""
    return (
        len(password) < MINIMUM_PASSWORD
        or len(set(password)) < DIFFERENT_CHARACTERS
        or password.strip().casefold() == email.casefold()
    )


class Accounts:
    """Use cases around signing in."""

    def __init__(
        self,
        database: Database,
        limit: AttemptLimit,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._limit = limit
        self._settings = settings
        self._devices = Devices(settings)
        self._clock = clock
        self._unknown_hash = HASHER.hash(secrets.token_hex(16))

    def _hash(self, token: str) -> bytes:
        key = self._settings.secret("session_key").get_secret_value().encode()
        return hmac.new(key, token.encode(), hashlib.sha256).digest()

    async def _verify(self, account: AccountRecord | None, password: SecretStr) -> bool:
        known = account.password_hash if account else self._unknown_hash
        right = await asyncio.to_thread(_matches, known, password.get_secret_value())
        return right and account is not None

    async def sign_in(
        self, email: str, password: SecretStr, visitor: Visitor
    ) -> tuple[str, SessionRecord]:
        """Return a fresh token and its session.

        Raises:
            Refused: `too_many_attempts` or `invalid_credentials`.
        """
        # Once, and before both count and look-up: PostgreSQL's own `lower` folds other letters.
        email = email.lower()
        device = self._devices.recognise(email, visitor.token)
        counted = allowances(email, visitor.address, device, self._settings.login_attempts)
        await self._limit.spend(*counted)
        async with self._database.transaction() as connection:
            account = await store.by_email(connection, email)
        if not await self._verify(account, password) or account is None:
            log.info("sign-in refused", client=visitor.address)
            raise Refused("invalid_credentials")
        await self._limit.give_back(*counted)
        await self._renew_hash(account, password)
        async with self._database.transaction() as connection:
            await store.expire_sessions(connection, self._clock())
            return await self._open(connection, account)

    def device_token(self, session: SessionRecord) -> str:
        """Return what the browser of a fresh session is known by from now on."""
        return self._devices.issue(session.email)

    async def _renew_hash(self, account: AccountRecord, password: SecretStr) -> None:
        if not HASHER.check_needs_rehash(account.password_hash):
            return
        renewed = await asyncio.to_thread(HASHER.hash, password.get_secret_value())
        async with self._database.transaction() as connection:
            await store.rehash(connection, account.id, renewed)

    async def _open(
        self, connection: Connection, account: AccountRecord
    ) -> tuple[str, SessionRecord]:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires = self._clock() + timedelta(hours=self._settings.session_hours)
        await store.open_session(connection, account.id, self._hash(token), expires)
        return token, SessionRecord(
            account.id, account.email, account.role, account.must_change_password, expires
        )

    async def session(self, token: str) -> SessionRecord | None:
        """Return the live session of a token."""
        if not token:
            return None
        async with self._database.transaction() as connection:
            return await store.session(connection, self._hash(token), self._clock())

    async def sign_out(self, token: str) -> None:
        """End a session; an unknown one is fine."""
        if not token:
            return
        async with self._database.transaction() as connection:
            await store.close_session(connection, self._hash(token))

    async def change_password(
        self, session: SessionRecord, current: SecretStr, new: SecretStr
    ) -> tuple[str, SessionRecord]:
        """Set a new password, end all sessions and open a new one.

        Raises:
            Refused: `wrong_password`, `weak_password` or `too_many_attempts`.
        """
        counted = Allowance(f"password:{session.id}", self._settings.login_attempts)
        await self._limit.spend(counted)
        async with self._database.transaction() as connection:
            account = await store.by_id(connection, session.id)
        if not await self._verify(account, current) or account is None:
            raise Refused("wrong_password")
        if new == current or is_weak(new.get_secret_value(), account.email):
            raise Refused("weak_password", minimum=MINIMUM_PASSWORD, different=DIFFERENT_CHARACTERS)
        password_hash = await asyncio.to_thread(HASHER.hash, new.get_secret_value())
        async with self._database.transaction() as connection:
            await store.set_password(connection, account.id, password_hash)
            await store.close_sessions(connection, account.id)
            renewed = AccountRecord(account.id, account.email, account.role, password_hash, False)
            opened = await self._open(connection, renewed)
        await self._limit.give_back(counted)
        return opened
