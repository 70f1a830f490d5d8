from __future__ import annotations

import asyncio
import time
import unicodedata

import pytest
from passlib.hash import bcrypt
from sqlalchemy import select, update

from ams_reference_server.accounts.api_keys import ApiKeys
from ams_reference_server.accounts.attempt_counts import DatabaseCounts
from ams_reference_server.accounts.blocklist import DatabaseBlocklist
from ams_reference_server.accounts.limits import AttemptLimits
from ams_reference_server.accounts.password_policy import PasswordPolicy
from ams_reference_server.accounts.service import Accounts
from ams_reference_server.errors import InvalidCredentialsError, InvalidRequestError, InvalidTokenError
from ams_reference_server.models import revoked_tokens, users
from ams_reference_server.security.passwords import Passwords
from ams_reference_server.security.tokens import Tokens
from ams_sdk.wire import LoginRequest, RegisterRequest

WHO = {"email": "ada@example.org", "password": "Correct-horse-7"}


CLIENT = "192.0.2.1"


@pytest.fixture
def accounts(database, settings):
    return Accounts(
        database=database,
        policy=PasswordPolicy("complexity"),
        passwords=Passwords(4),
        tokens=Tokens(b"s" * 32, 60),
        blocklist=DatabaseBlocklist(database),
        limits=AttemptLimits(settings, DatabaseCounts(database)),
        keys=ApiKeys(database),
    )


def test_a_login_replaces_an_older_hash(accounts, database):
    kept = select(users.c.password_hash)

    async def scenario():
        await accounts.register(RegisterRequest(**WHO), CLIENT)
        old = bcrypt.using(rounds=4).hash(WHO["password"])
        await database.write(lambda connection: connection.execute(update(users).values(password_hash=old)))
        await accounts.log_in(LoginRequest(**WHO), CLIENT)
        newer = await database.read(lambda connection: connection.execute(kept).scalar_one())
        await accounts.log_in(LoginRequest(**WHO), CLIENT)
        return newer, await database.read(lambda connection: connection.execute(kept).scalar_one())

    first, second = asyncio.run(scenario())
    assert first.startswith("$bcrypt-sha256$")
    assert first == second


def test_revoked_tokens_are_forgotten_once_they_have_expired(accounts, database):
    now = int(time.time())

    async def scenario():
        await accounts.register(RegisterRequest(**WHO), CLIENT)
        rows = [
            {"jti": "past", "expires_at": now - 61},
            {"jti": "just past", "expires_at": now - 5},
            {"jti": "future", "expires_at": now + 100},
        ]
        await database.write(lambda connection: connection.execute(revoked_tokens.insert(), rows))
        token = (await accounts.log_in(LoginRequest(**WHO), CLIENT)).access_token
        caller = await accounts.authenticate(token)
        await accounts.log_out(caller)
        with pytest.raises(InvalidTokenError):
            await accounts.authenticate(token)
        left = await database.read(lambda connection: connection.execute(select(revoked_tokens.c.jti)).scalars().all())
        return caller.credential.token_id, set(left)

    token_id, left = asyncio.run(scenario())
    assert left == {token_id, "just past", "future"}  # another process's clock may be behind


def test_a_password_that_takes_long_to_compose_is_not_composed(accounts, monkeypatch):
    slow = WHO | {"password": "a" + "\u0301\u0316" * 32_000}
    composed, compose = [], unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: composed.append(len(text)) or compose(form, text))

    async def scenario():
        await accounts.register(RegisterRequest(**WHO), CLIENT)
        with pytest.raises(InvalidCredentialsError):
            await accounts.log_in(LoginRequest(**slow), CLIENT)
        with pytest.raises(InvalidRequestError) as caught:
            await accounts.register(RegisterRequest(**slow), CLIENT)
        assert "too_long" in {broken.code for broken in caught.value.errors}

    asyncio.run(scenario())
    assert composed
    assert max(composed) < 2_000
