"""Any history of accounts gives the answers that a model of a few dictionaries gives, in every store."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ams_reference_server.accounts.administration import Administration
from ams_reference_server.app import create_app
from ams_reference_server.settings import load

PASSWORDS = ("Correct-horse-7", "Correct-horse-8", "Gr\u00fc\u00dfe-1234", "  Blank-1234  ")
SPELLINGS = (str, str.upper, str.title, lambda text: f"  {text} ", lambda text: text.replace("example", "\uff45xample"))
LIFETIME = 3600


@dataclass
class Account:
    password: str
    profile: dict
    is_disabled: bool = False
    is_deleted: bool = False

    @property
    def is_open(self):
        return not (self.is_disabled or self.is_deleted)


@dataclass
class Credential:
    text: str
    account: Account
    expires_at: float | None
    key_id: str | None = None
    is_revoked: bool = False


class AccountsMachine(RuleBasedStateMachine):
    environ: dict[str, str]

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.settings = load(
            self.environ
            | {
                "AMS_BCRYPT_COST": "4",
                "AMS_TOKEN_LIFETIME": str(LIFETIME),
                "AMS_LOGIN_LIMIT_PER_ADDRESS": "off",
                "AMS_LOGIN_LIMIT_PER_CLIENT": "off",
                "AMS_REGISTRATION_LIMIT_PER_CLIENT": "off",
            }
        )
        self.mark = uuid4().hex
        self.later = 0.0
        self.accounts = {}
        self.credentials = []
        self.stack = None
        self.start()

    def clock(self):
        return time.time() + self.later

    def start(self):
        app = create_app(self.settings)
        (accounts,) = (each.kwargs["accounts"] for each in app.user_middleware if "accounts" in each.kwargs)
        accounts._tokens._clock = self.clock
        if not self.settings.redis_url:  # Redis forgets by a clock of its own
            accounts._blocklist._clock = self.clock

        async def enter():
            stack = AsyncExitStack()
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
            return stack, await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://s"))

        self.stack, self.client = self.runner.run(enter())
        self.administration = Administration(self.settings)

    def stop(self):
        self.administration.close()
        self.runner.run(self.stack.aclose())

    def teardown(self):
        self.stop()
        self.runner.close()

    def ask(self, method, path, body=None, bearer=None):
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer = self.runner.run(self.client.request(method, path, json=body, headers=headers))
        assert answer.status_code < 500, answer.text
        return answer

    credentials_made = Bundle("credentials_made")
    who = st.sampled_from(["ada", "b\u00f6b", "stra\u00dfe"])
    spelling = st.sampled_from(SPELLINGS)
    password = st.sampled_from(PASSWORDS)

    def address(self, who):
        return f"{who}.{self.mark}@example.org"

    @initialize()
    def nothing_is_there(self):
        assert self.ask("GET", "/api/users/me").status_code == 401

    @rule(who=who, spelling=spelling, password=password)
    def register(self, who, spelling, password):
        body = {"email": spelling(self.address(who)), "password": password}
        answer = self.ask("POST", "/api/auth/register", body)
        kept = self.accounts.get(who)
        if kept is not None and not kept.is_deleted:
            assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
        else:
            assert answer.status_code == 201
            self.accounts[who] = Account(password, answer.json())

    @rule(target=credentials_made, who=who, spelling=spelling, password=password)
    def log_in(self, who, spelling, password):
        answer = self.ask("POST", "/api/auth/login", {"email": spelling(self.address(who)), "password": password})
        account = self.accounts.get(who)
        if account is None or not account.is_open or account.password != password:
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
            return multiple()
        assert answer.status_code == 200
        made = Credential(answer.json()["access_token"], account, int(self.clock()) + LIFETIME)
        self.credentials.append(made)
        return made

    @rule(target=credentials_made, credential=credentials_made)
    def make_key(self, credential):
        answer = self.ask("POST", "/api/keys", {"name": "k"}, credential.text)
        if self.expected(credential) != 200:
            assert answer.status_code == 401
            return multiple()
        assert answer.status_code == 201
        made = Credential(answer.json()["key"], credential.account, None, answer.json()["id"])
        self.credentials.append(made)
        return made

    @rule(key=credentials_made, credential=credentials_made)
    def delete_key(self, key, credential):
        if key.key_id is None:
            return
        answer = self.ask("DELETE", f"/api/keys/{key.key_id}", bearer=credential.text)
        if self.expected(credential) != 200:
            assert answer.status_code == 401
        elif key.is_revoked or key.account is not credential.account:
            assert answer.status_code == 404
        else:
            assert answer.status_code == 204
            key.is_revoked = True

    @rule(credential=credentials_made)
    def log_out(self, credential):
        wanted = {200: 204, 401: 401}[self.expected(credential)]
        assert self.ask("POST", "/api/auth/logout", bearer=credential.text).status_code == wanted
        if wanted == 204:
            credential.is_revoked = True

    @rule(credential=consumes(credentials_made), place=st.integers(0, 30))
    def a_changed_credential_is_none(self, credential, place):
        text = credential.text
        changed = text[: -1 - place] + ("A" if text[-1 - place] != "A" else "B") + text[len(text) - place :]
        assert self.ask("GET", "/api/users/me", bearer=changed).status_code == 401

    @rule(seconds=st.sampled_from([1, LIFETIME // 3, LIFETIME]))
    def time_passes(self, seconds):
        self.later += seconds + 1

    @rule(who=who)
    def disable(self, who):
        if (account := self.accounts.get(who)) and not account.is_deleted:
            changed = self.administration.disable(self.address(who).upper())
            account.is_disabled = True
            account.profile["updated_at"] = changed.updated_at.isoformat().replace("+00:00", "Z")

    @rule(who=who)
    def enable(self, who):
        if (account := self.accounts.get(who)) and not account.is_deleted:
            changed = self.administration.enable(self.address(who))
            account.is_disabled = False
            account.profile["updated_at"] = changed.updated_at.isoformat().replace("+00:00", "Z")

    @rule(who=who)
    def delete(self, who):
        if (account := self.accounts.get(who)) and not account.is_deleted:
            self.administration.delete(self.address(who))
            account.is_deleted = True

    @rule()
    def restart(self):
        self.stop()
        self.start()

    def expected(self, credential):
        is_over = credential.expires_at is not None and credential.expires_at <= self.clock()
        return 200 if credential.account.is_open and not credential.is_revoked and not is_over else 401

    @invariant()
    def each_credential_opens_what_it_should(self):
        for credential in self.credentials[-6:]:
            if credential.expires_at is not None and abs(credential.expires_at - self.clock()) < 2:
                continue  # it expires at this moment
            answer = self.ask("GET", "/api/users/me", bearer=credential.text)
            assert answer.status_code == self.expected(credential)
            if answer.status_code == 200:
                assert answer.json() == credential.account.profile


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def environ_of_store(request, tmp_path):
    environ = {"AMS_STATE_DIR": str(tmp_path / "state")}
    if request.param == "postgresql":
        environ["AMS_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    if request.param == "redis":
        environ["AMS_REDIS_URL"] = request.getfixturevalue("redis_url")
    return environ


def run(environ, examples):
    machine = type("Machine", (AccountsMachine,), {"environ": environ})
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=slow)
    run_state_machine_as_test(machine, settings=chosen)


def test_a_few_histories(environ_of_store):
    run(environ_of_store, 4)


@pytest.mark.slow
def test_many_histories(environ_of_store):
    run(environ_of_store, 60)
