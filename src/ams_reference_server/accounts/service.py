"""What accounts do: register, log in, prove who calls, log out."""

from __future__ import annotations

import time
import unicodedata
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from ams_reference_server.accounts import password_policy, repository
from ams_reference_server.accounts.email_address import EmailAddress, InvalidEmailError
from ams_reference_server.caller import Caller
from ams_reference_server.errors import InvalidCredentialsError, InvalidRequestError, InvalidTokenError
from ams_sdk.wire import FieldError, Token, User

if TYPE_CHECKING:
    from ams_reference_server.db import Database
    from ams_reference_server.security.passwords import Passwords
    from ams_reference_server.security.tokens import Tokens
    from ams_sdk.wire import LoginRequest, RegisterRequest

__all__ = ["Accounts"]


class Accounts:
    """The accounts in one database."""

    def __init__(self, database: Database, passwords: Passwords, tokens: Tokens) -> None:
        self._database = database
        self._passwords = passwords
        self._tokens = tokens

    async def register(self, wanted: RegisterRequest) -> User:
        """Open an account.

        Raises:
            InvalidRequestError: the address or the password breaks a rule.
            EmailTakenError: the address has an account.
        """
        email, password = _checked(wanted)
        password_hash = await self._passwords.hash(password)
        now = datetime.now(UTC)
        user = User(id=uuid4(), email=email.shown, name=wanted.name, created_at=now, updated_at=now)
        # No look-up first: two registrations of one address race, and only the unique constraint can judge.
        await self._database.write(
            lambda connection: repository.add_user(connection, user, email, password_hash),
        )
        return user

    async def log_in(self, wanted: LoginRequest) -> Token:
        """Check a password and issue a token.

        Raises:
            InvalidCredentialsError: wrong address or password; both take the same work.
        """
        kept = await self._credentials(wanted.email)
        password = _composed(wanted.password)
        if len(password) > password_policy.LONGEST:
            kept, password = None, ""  # nobody has such a password, and hashing it would cost more than any other
        right, newer_hash = await self._passwords.verify(password, kept.password_hash if kept else None)
        if kept is None or not right:
            raise InvalidCredentialsError
        if newer_hash is not None:
            await self._database.write(
                partial(
                    repository.replace_hash,
                    user_id=kept.user_id,
                    password_hash=newer_hash,
                    now=datetime.now(UTC),
                )
            )
        return Token(access_token=self._tokens.issue(kept.user_id), expires_in=self._tokens.lifetime)

    async def _credentials(self, email: str) -> repository.Credentials | None:
        try:
            key = EmailAddress.parse(email).key
        except InvalidEmailError:
            key = ""  # looked up like any other, so that it takes as long
        return await self._database.read(partial(repository.credentials, email_key=key))

    async def authenticate(self, bearer: str) -> Caller:
        """Who sends this token.

        Raises:
            InvalidTokenError: it is not valid, was logged out, or its account is gone.
            TokenExpiredError: its time is over.
        """
        token = self._tokens.read(bearer)
        user = await self._database.read(
            partial(repository.active_user, user_id=token.user_id, token_id=token.token_id)
        )
        if user is None:
            raise InvalidTokenError
        return Caller(user, token.token_id, token.expires_at)

    async def log_out(self, caller: Caller) -> None:
        """Make the caller's token useless, in every process on this database; when this returns, it is."""
        await self._database.write(
            partial(repository.revoke, token_id=caller.token_id, expires_at=caller.expires_at),
        )
        await self.purge()

    async def purge(self) -> None:
        """Forget revoked tokens that have expired."""
        await self._database.write(partial(repository.purge_revoked, now=int(time.time())))


def _composed(password: str) -> str:
    if len(password) > password_policy.LONGEST_TYPED:
        return password  # too long, composed or not
    return unicodedata.normalize("NFC", password)


def _checked(wanted: RegisterRequest) -> tuple[EmailAddress, str]:
    errors: list[FieldError] = []
    email = None
    try:
        email = EmailAddress.parse(wanted.email)
    except InvalidEmailError:
        message = "Write an e-mail address, for example ada@example.org."
        errors.append(FieldError(field="email", code="invalid_email", message=message))
    password = _composed(wanted.password)
    errors += password_policy.broken_rules(password, email)
    if email is None or errors:
        raise InvalidRequestError(errors=errors)
    return email, password
