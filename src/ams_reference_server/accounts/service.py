"""What accounts do: register, log in, prove who calls, log out."""

from __future__ import annotations

import logging
import unicodedata
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from ams_reference_server.accounts import repository
from ams_reference_server.accounts.email_address import EmailAddress, InvalidEmailError
from ams_reference_server.accounts.password_policy import LONGEST, LONGEST_TYPED
from ams_reference_server.caller import ByToken, Caller
from ams_reference_server.errors import (
    EmailTakenError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidTokenError,
    UnavailableError,
)
from ams_reference_server.security.api_keys import is_api_key
from ams_sdk.wire import FieldError, Token, User

if TYPE_CHECKING:
    from ams_reference_server.accounts.api_keys import ApiKeys
    from ams_reference_server.accounts.blocklist import Blocklist
    from ams_reference_server.accounts.limits import AttemptLimits
    from ams_reference_server.accounts.password_policy import PasswordPolicy
    from ams_reference_server.db import Database
    from ams_reference_server.security.passwords import HashingTurn, Passwords
    from ams_reference_server.security.tokens import Tokens
    from ams_sdk.wire import LoginRequest, RegisterRequest

__all__ = ["Accounts"]

logger = logging.getLogger(__name__)


class Accounts:
    """The accounts in one database.

    Args:
        database: where they are.
        policy: what a new password must be like.
        passwords: hashes and verifies.
        tokens: issues and reads access tokens.
        blocklist: the tokens that were logged out.
        limits: how often somebody may try.
        keys: the accounts' API keys.
    """

    def __init__(  # noqa: PLR0913 -- put together in one place, by name
        self,
        *,
        database: Database,
        policy: PasswordPolicy,
        passwords: Passwords,
        tokens: Tokens,
        blocklist: Blocklist,
        limits: AttemptLimits,
        keys: ApiKeys,
    ) -> None:
        self._database = database
        self._policy = policy
        self._passwords = passwords
        self._tokens = tokens
        self._blocklist = blocklist
        self._limits = limits
        self._keys = keys

    async def register(self, wanted: RegisterRequest, client: str) -> User:
        """Open an account.

        Args:
            wanted: the address, the password and a name.
            client: whom to count it for.

        Raises:
            InvalidRequestError: the address or the password breaks a rule.
            EmailTakenError: the address has an account.
            TooManyRequestsError: there were too many registrations from this client.
            UnavailableError: too many passwords wait to be hashed, or a store does not answer.
        """
        email, password = self._checked(wanted)
        await self._limits.let_register(client)
        async with self._passwords.turn() as turn:
            # Only to save a hash that would be in vain: two registrations of one address race all the same, and the
            # unique constraint judges.
            if await self._database.read(partial(repository.is_taken, email_key=email.key)):
                raise EmailTakenError
            password_hash = await turn.hash(password)
        now = datetime.now(UTC)
        user = User(id=uuid4(), email=email.shown, name=wanted.name, created_at=now, updated_at=now)
        await self._database.write(
            partial(repository.add_user, user=user, email=email, password_hash=password_hash),
        )
        return user

    def _checked(self, wanted: RegisterRequest) -> tuple[EmailAddress, str]:
        errors: list[FieldError] = []
        email = None
        try:
            email = EmailAddress.parse(wanted.email)
        except InvalidEmailError:
            message = "Write an e-mail address, for example ada@example.org."
            errors.append(FieldError(field="email", code="invalid_email", message=message))
        password = _composed(wanted.password)
        errors += self._policy.broken_rules(password, email)
        if email is None or errors:
            raise InvalidRequestError(errors=errors)
        return email, password

    async def log_in(self, wanted: LoginRequest, client: str) -> Token:
        """Check a password and issue a token.

        Args:
            wanted: the address and the password.
            client: whom to count a failure for.

        Raises:
            InvalidCredentialsError: wrong address or password, or a disabled account; all take the same work.
            TooManyRequestsError: too many have failed for this address or from this client.
            UnavailableError: too many passwords wait to be hashed, or a store does not answer.
        """
        email_key = _key(wanted.email)
        await self._limits.let_log_in(email_key, client)
        async with self._passwords.turn() as turn:
            kept = await self._database.read(partial(repository.credentials, email_key=email_key))
            is_right, newer_hash = await _verified(turn, kept, wanted.password)
        if kept is None or not is_right or kept.is_disabled:
            await self._limits.count_failed_login(email_key, client)
            raise InvalidCredentialsError
        # Guesses that were let in at the same moment count too, and where they cannot be counted nothing is told.
        await self._limits.confirm_login(email_key, client)
        if newer_hash is not None:
            await self._upgrade(kept, newer_hash)
        return Token(access_token=self._tokens.issue(kept.user_id), expires_in=self._tokens.lifetime)

    async def _upgrade(self, kept: repository.Credentials, newer_hash: str) -> None:
        try:
            await self._database.write(partial(repository.replace_hash, kept=kept, password_hash=newer_hash))
        except UnavailableError:
            logger.warning("A password hash could not be renewed; the next login of user %s tries again.", kept.user_id)

    async def authenticate(self, bearer: str) -> Caller:
        """Who sends this access token or API key.

        Raises:
            InvalidTokenError: it is not valid, was logged out or deleted, or its account is gone or disabled.
            TokenExpiredError: its time is over.
            UnavailableError: a store does not answer, so nobody knows.
        """
        if is_api_key(bearer):
            return await self._keys.authenticate(bearer)
        token = self._tokens.read(bearer)
        if await self._blocklist.has(token.token_id):
            raise InvalidTokenError
        user = await self._database.read_once(
            partial(repository.active_user, user_id=token.user_id, token_id=token.token_id)
        )
        if user is None:
            raise InvalidTokenError
        return Caller(user, ByToken(token.token_id, token.expires_at))

    async def log_out(self, caller: Caller) -> None:
        """Make the caller's credential useless, in every process; when this returns, it is.

        An API key is deleted.

        Raises:
            UnavailableError: a store does not answer; the credential may still be good.
        """
        if isinstance(caller.credential, ByToken):
            await self._blocklist.revoke(caller.credential.token_id, caller.credential.expires_at)
        else:
            await self._keys.delete(caller.user.id, str(caller.credential.key_id))


async def _verified(turn: HashingTurn, kept: repository.Credentials | None, typed: str) -> tuple[bool, str | None]:
    password = _composed(typed)
    if len(password) > LONGEST:
        kept, password = None, ""  # nobody has such a password, and hashing it would cost more than any other
    if kept is None:
        return await turn.verify(password, None)
    return await turn.verify(password, kept.password_hash, owner=kept.user_id)


def _key(email: str) -> str:
    try:
        return EmailAddress.parse(email).key
    except InvalidEmailError:
        return ""  # looked up like any other, so that it takes as long


def _composed(password: str) -> str:
    if len(password) > LONGEST_TYPED:
        return password  # too long, composed or not
    return unicodedata.normalize("NFC", password)
