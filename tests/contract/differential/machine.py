"""A random history of requests that both platforms get; every answer is compared."""

from __future__ import annotations

import secrets

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.contract.differential import requests
from tests.contract.differential.sides import Pair, Sides, joined

from ams_sdk.testing import MockPlatform


def is_refused(credential):
    return credential[0] not in {"known", "lower scheme", "blanks"}


class DifferentialMachine(RuleBasedStateMachine):
    """The mock in process, the server on a port; each example has accounts of its own on both."""

    server_url: str
    tls: object
    asked = 0

    def __init__(self):
        super().__init__()
        self.mock = MockPlatform(strict=False)
        self.sides = Sides(
            httpx.Client(base_url=self.mock.url, transport=self.mock.transport),
            httpx.Client(base_url=self.server_url, timeout=30, verify=self.tls),
        )
        self.example = secrets.token_hex(6)

    def teardown(self):
        for side in self.sides.sides:
            side.client.close()

    def ask(self, method, path, credential=("none", 0), **sent):
        type(self).asked += 1
        headers = [*self.authorization(credential), *sent.pop("headers", ())]
        return self.sides.ask(method, path, headers=headers, **sent)

    def authorization(self, credential):
        how, which = credential
        if how == "raw":
            return [("Authorization", which)]
        pool = self.sides.ended if how == "ended" else self.sides.credentials
        if how == "none" or not pool:
            return []
        known = pool[which % len(pool)]
        bearer = joined("Bearer ", known)
        return {
            "known": [("Authorization", bearer)],
            "ended": [("Authorization", bearer)],
            "cut": [("Authorization", bearer.map(lambda text: text[:-1]))],
            "longer": [("Authorization", joined(bearer, "A"))],
            "swapped": [("Authorization", bearer.map(lambda text: f"Bearer {text[7:].swapcase()}"))],
            "lower scheme": [("Authorization", joined("bEARER ", known))],
            "blanks": [("Authorization", joined("Bearer   ", known))],
            "basic": [("Authorization", joined("Basic ", known))],
            "twice": [("Authorization", bearer), ("Authorization", bearer)],
        }[how]

    def send_json(self, path, credential, body, kind=requests.JSON, encoding=None):
        content = body if isinstance(body, bytes) else requests.encoded(body)
        headers = [("Content-Type", kind)] if kind else []
        headers += [("Content-Encoding", encoding)] if encoding else []
        return self.ask("POST", path, credential, content=content, headers=headers)

    def credentials_of(self, email, password):
        return {"email": email, "password": password}

    def address(self, local, domain):
        return f"{local}{self.example}@{domain}" if domain else local

    def query(self, *parts):
        asked = {name: value for part in parts for name, value in part.items()}
        if isinstance(asked.get("cursor"), int):
            cursors = self.sides.cursors
            asked["cursor"] = cursors[asked["cursor"] % len(cursors)] if cursors else "x"
        return asked or None

    @initialize()
    def two_people(self):
        for local in "ab":
            body = self.credentials_of(self.address(local, "x.org"), "Correct-horse-7")
            assert self.send_json("/api/auth/register", ("none", 0), body) == 201
            assert self.send_json("/api/auth/login", ("none", 0), body) == 200
            assert self.send_json("/api/keys", ("known", -1), {"name": "lasting"}) == 201
            assert self.send_json("/api/agents", ("known", -1), {"name": "one", "version": "0"}) == 201
            assert self.send_json("/v1/traces", ("known", -1), requests.FIRST_TRACE) == 200

    @rule(local=requests.EMAILS, domain=requests.DOMAINS, password=requests.PASSWORDS, more=st.data())
    def register(self, local, domain, password, more):
        body = self.credentials_of(self.address(local, domain), password)
        body = more.draw(requests.damaged(st.just(body) | st.just(body | {"name": "N"})))
        self.send_json("/api/auth/register", ("none", 0), body)

    @rule(local=requests.EMAILS, domain=requests.DOMAINS, password=requests.PASSWORDS)
    def log_in(self, local, domain, password):
        self.send_json("/api/auth/login", ("none", 0), self.credentials_of(self.address(local, domain), password))

    @rule(
        spell=st.sampled_from(["{}", "{}", " {} ", "{}."]),
        local=st.sampled_from("aAb"),
        password=st.sampled_from([*["Correct-horse-7"] * 4, *requests.NEARLY_RIGHT]),
    )
    def log_in_again(self, spell, local, password):
        email = spell.format(self.address(local, "x.org"))
        self.send_json("/api/auth/login", ("none", 0), self.credentials_of(email, password))

    @rule(which=st.integers(0, 20))
    def log_out(self, which):
        credentials = self.sides.credentials
        if len(credentials) > 4:  # the first four stay, so that not everybody is a stranger soon
            number = 4 + which % (len(credentials) - 4)
            self.ask("POST", "/api/auth/logout", ("known", number))
            self.sides.ended.append(credentials.pop(number))

    @rule(
        credential=requests.CREDENTIALS.filter(
            lambda credential: credential[0] not in {"known", "longer", "lower scheme", "blanks"}
        )
    )
    def log_out_in_vain(self, credential):
        self.ask("POST", "/api/auth/logout", credential)

    @rule(credential=requests.CREDENTIALS, request_id=requests.REQUEST_IDS)
    def me(self, credential, request_id):
        headers = [] if request_id is None else [("X-Request-ID", request_id)]
        self.ask("GET", "/api/users/me", credential, headers=headers)

    @rule(credential=requests.CREDENTIALS, body=requests.damaged(requests.KEYS))
    def make_key(self, credential, body):
        self.send_json("/api/keys", credential, body)

    @rule(credential=requests.CREDENTIALS, query=requests.PAGES)
    def list_keys(self, credential, query):
        self.ask("GET", "/api/keys", credential, query=self.query(query))

    @rule(credential=requests.CREDENTIALS, which=st.integers(0, 20), spell=st.sampled_from([str, str.upper, str.lower]))
    def delete_key(self, credential, which, spell):
        ids = self.sides.ids
        known = ids[which % len(ids)].map(spell) if ids else Pair("x", "x")
        self.ask("DELETE", joined("/api/keys/", known), credential)

    @rule(credential=requests.CREDENTIALS, body=requests.damaged(requests.AGENTS), times=st.integers(1, 2))
    def register_agent(self, credential, body, times):
        for _ in range(times):
            self.send_json("/api/agents", credential, body)

    @rule(credential=requests.CREDENTIALS, query=requests.PAGES, more=requests.AGENT_QUERIES)
    def list_agents(self, credential, query, more):
        self.ask("GET", "/api/agents", credential, query=self.query(query, more))

    @rule(
        credential=requests.CREDENTIALS, which=st.integers(0, 20) | st.sampled_from(["one", "two", "TWO", "x", "%00"])
    )
    def read_agent(self, credential, which):
        ids = [*self.sides.agent_ids, *self.sides.ids[:2]]
        named = which if isinstance(which, str) else ids[which % len(ids)] if ids else "x"
        self.ask("GET", joined("/api/agents/", named), credential)

    @rule(credential=requests.CREDENTIALS, export=requests.exports(), times=st.integers(1, 2))
    def export(self, credential, export, times):
        content, kind, encoding = export
        headers = [("Content-Type", kind)] if kind else []
        headers += [("Content-Encoding", encoding)] if encoding else []
        for _ in range(times):
            self.ask("POST", "/v1/traces", credential, content=content, headers=headers)
        self.ask("GET", "/api/traces", credential)  # by chance, too few would be looked at

    @rule(credential=requests.CREDENTIALS, query=requests.PAGES, more=requests.TRACE_QUERIES)
    def list_traces(self, credential, query, more):
        self.ask("GET", "/api/traces", credential, query=self.query(query, more))

    @rule(
        credential=requests.CREDENTIALS,
        trace_id=st.sampled_from(["ab", "AB", "cd", "ee", "00", "zz", "a"]) | st.integers(1, 3),
    )
    def read_trace(self, credential, trace_id):
        named = trace_id * 16 if isinstance(trace_id, str) else f"{trace_id:032x}"
        self.ask("GET", f"/api/traces/{named}", credential)

    @rule(credential=requests.CREDENTIALS)
    def read_everything(self, credential):
        for path in ("/api/users/me", "/api/keys", "/api/agents", "/api/traces", f"/api/traces/{'ab' * 16}"):
            self.ask("GET", path, credential)
        for agent_id in self.sides.agent_ids[:3]:
            self.ask("GET", joined("/api/agents/", agent_id), credential)

    @rule(
        credential=requests.CREDENTIALS,
        path=st.sampled_from(["/api/auth/register", "/api/auth/login", "/api/keys", "/api/agents"]),
        body=requests.NOT_JSON | st.just(b'{"name": "one", "version": "1"}'),
        kind=requests.JSON_TYPES,
        encoding=requests.ENCODINGS,
    )
    def send_nonsense(self, credential, path, body, kind, encoding):
        self.send_json(path, credential, body, kind, encoding)

    @rule(
        credential=requests.CREDENTIALS,
        method=requests.METHODS,
        path=requests.PATHS,
        body=st.sampled_from([None, None, b"{}", b"xx"]),
        kind=requests.JSON_TYPES,
    )
    def ask_for_anything(self, credential, method, path, body, kind):
        headers = [("Content-Type", kind)] if kind and body is not None else []
        self.ask(method, path, credential, content=body, headers=headers)
