from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ams_reference_server.accounts.administration import Administration
from ams_reference_server.errors import InvalidRequestError, NoSuchUserError

PASSWORD = "Correct-horse-7"
BODY = {"email": "Ada@Example.org", "password": PASSWORD}
NAMED = BODY | {"name": "Ada"}


@pytest.fixture
def administration(settings):
    opened = Administration(settings)
    yield opened
    opened.close()


async def credentials_of(client):
    await client.post("/api/auth/register", json=NAMED)
    token = (await client.post("/api/auth/login", json=BODY)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    key = (await client.post("/api/keys", json={"name": "k"}, headers=bearer)).json()["key"]
    return bearer, {"Authorization": f"Bearer {key}"}


async def what_opens(client, credentials):
    codes = [(await client.get("/api/users/me", headers=each)).status_code for each in credentials]
    return [*codes, (await client.post("/api/auth/login", json=BODY)).status_code]


def test_nobody_is_there_at_first(administration):
    assert administration.users() == []


def test_somebody_who_is_disabled_is_kept_out_until_enabled(settings, serving, administration):
    async def scenario():
        async with serving(settings) as client:
            credentials = await credentials_of(client)
            assert await what_opens(client, credentials) == [200, 200, 200]
            disabled = administration.disable("ada@example.org")
            assert disabled.disabled_at is not None
            assert disabled.updated_at >= disabled.disabled_at
            assert await what_opens(client, credentials) == [401, 401, 401]
            refused = await client.post("/api/auth/login", json=BODY)
            assert refused.json()["code"] == "invalid_credentials"
            assert (await client.post("/api/auth/register", json=NAMED)).status_code == 409
            assert administration.disable("ADA@example.org").disabled_at == disabled.disabled_at
            enabled = administration.enable(str(disabled.id))
            assert enabled.disabled_at is None
            assert enabled.updated_at > disabled.updated_at
            assert administration.enable(str(disabled.id)) == enabled
            assert await what_opens(client, credentials) == [200, 200, 200]

    asyncio.run(scenario())


def test_somebody_who_is_deleted_is_gone_with_what_was_theirs(settings, serving, administration):
    async def scenario():
        async with serving(settings) as client:
            credentials = await credentials_of(client)
            await client.post("/api/agents", json={"name": "solver", "version": "1"}, headers=credentials[0])
            (listed,) = administration.users()
            assert (listed.email, listed.name, listed.disabled_at) == ("Ada@Example.org", "Ada", None)
            assert administration.delete("ada@example.org") == listed
            assert administration.users() == []
            assert await what_opens(client, credentials) == [401, 401, 401]
            anew = await credentials_of(client)
            assert (await client.get("/api/agents", headers=anew[0])).json()["items"] == []
            assert await what_opens(client, credentials) == [401, 401, 200]

    asyncio.run(scenario())


def test_a_key_is_made_for_somebody(settings, serving, administration):
    async def scenario():
        async with serving(settings) as client:
            await client.post("/api/auth/register", json=NAMED)
            later = datetime.now(UTC) + timedelta(days=1)
            made = administration.create_key("ada@example.org", "ci", later)
            assert (made.name, made.expires_at) == ("ci", later)
            bearer = {"Authorization": f"Bearer {made.key}"}
            assert (await client.get("/api/users/me", headers=bearer)).json()["email"] == "Ada@Example.org"

    asyncio.run(scenario())
    with pytest.raises(InvalidRequestError):
        administration.create_key("ada@example.org", "ci", datetime.now(UTC))


@pytest.mark.parametrize("who", ["bob@example.org", "00000000-0000-4000-8000-000000000000", "bob", ""])
def test_nobody_of_this_name(administration, who):
    for act in (administration.disable, administration.enable, administration.delete):
        with pytest.raises(NoSuchUserError):
            act(who)
    with pytest.raises(NoSuchUserError):
        administration.create_key(who, "ci", None)
