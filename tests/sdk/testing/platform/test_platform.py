from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import ams_sdk
from ams_sdk.testing._platform import MockPlatform, Status
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan
from ams_sdk.wire import AgentRegistration, ApiKeyRequest, LoginRequest, RegisterRequest

ME = "/api/users/me"
PASSWORD = "Correct-horse-7"


def test_a_ready_account_has_a_token_and_a_key(call, platform):
    for bearer in (platform.token, platform.api_key):
        assert call("GET", ME, bearer=bearer).json()["email"] == platform.account.email
    body = {"email": platform.account.email, "password": platform.account.password}
    assert call("POST", "/api/auth/login", json=body).status_code == 200
    platform.assert_logged_in()
    platform.verify()


def test_two_platforms_share_nothing(platform):
    other = MockPlatform()
    with httpx.Client(base_url=other.url, transport=other.transport) as client:
        refused = client.get(ME, headers={"Authorization": f"Bearer {platform.token}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


def test_it_is_served_while_the_block_runs_and_leaves_no_thread_and_no_socket(platform):
    before, in_process = threading.active_count(), platform.url
    with platform.serve() as served:
        assert served is platform
        port = int(platform.url.rpartition(":")[2])
        assert platform.url == f"http://127.0.0.1:{port}"
        assert httpx.get(f"http://localhost:{port}/health/live").status_code == 200
        with pytest.raises(ams_sdk.ConfigurationError, match="served already"):
            platform.start()
    assert platform.url == in_process
    assert threading.active_count() == before
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
    platform.stop()
    with platform.serve(port):
        assert platform.url.endswith(f":{port}")
    platform.verify()


def test_what_was_said_on_the_port_is_known_in_process_and_at_both_addresses(platform):
    with platform.serve():
        served = platform.url
        headers = {"Authorization": f"Bearer {platform.token}"}
        httpx.post(f"{served}/api/agents", json={"name": "a", "version": "1"}, headers=headers)
        with httpx.Client(transport=platform.transport, headers=headers) as client:
            for address in (served, "http://mock.ams.localhost"):
                assert client.get(f"{address}/api/agents/a").status_code == 200
    platform.verify()


def test_expiry_and_revocation_are_of_one_credential(call, platform):
    another = platform.issue_token()
    platform.expire()
    platform.revoke(platform.api_key)
    codes = {"expired": platform.token, "revoked": platform.api_key}
    assert {name: call("GET", ME, bearer=text).json()["code"] for name, text in codes.items()} == {
        "expired": "token_expired",
        "revoked": "invalid_token",
    }
    assert call("GET", ME, bearer=another).status_code == 200
    platform.revoke(another)
    assert call("GET", ME, bearer=another).json()["code"] == "invalid_token"


def test_a_key_can_be_let_expire(call, platform):
    platform.expire(platform.api_key)
    assert call("GET", ME, bearer=platform.api_key).json()["code"] == "token_expired"


@pytest.mark.parametrize("how", ["expire", "revoke"])
def test_a_token_that_was_never_issued_is_told(platform, how):
    with pytest.raises(ams_sdk.ConfigurationError, match="has not issued that token"):
        getattr(platform, how)("abc")


def test_time_passes_when_the_test_says_so(call, platform):
    assert call("GET", ME, bearer=platform.token).status_code == 200
    platform.advance(28_801)
    assert call("GET", ME, bearer=platform.token).json()["code"] == "token_expired"
    assert call("GET", ME, bearer=platform.issue_token()).status_code == 200
    for seconds in (-1, float("nan"), "x", None):
        with pytest.raises(ams_sdk.ConfigurationError, match=r"ClockSkew"):
            platform.advance(seconds)


def test_a_clock_of_the_tests_own_is_gone_by():
    platform = MockPlatform(clock=lambda: 1_700_000_000.25)
    with httpx.Client(base_url=platform.url, transport=platform.transport) as client:
        answer = client.get(ME, headers={"Authorization": f"Bearer {platform.token}"})
        platform.advance(60)
        later = client.get("/health/live")
    assert answer.json()["created_at"] == "2023-11-14T22:13:20.250000Z"
    assert answer.headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert later.headers["date"] == "Tue, 14 Nov 2023 22:14:20 GMT"


def span(name, **more):
    return CapturedSpan(name=name, trace_id="ab" * 16, start_ns=1_000, **{"span_id": "cd" * 8} | more)


def test_what_is_seeded_is_there_as_if_it_had_been_sent(here, platform):
    seeded = platform.seed(
        RegisterRequest(email="bob@example.org", password=PASSWORD),
        ApiKeyRequest(name="ci"),
        span("run", end_ns=5_000, attributes={"gen_ai.agent.name": "researcher", "n": (1, 2)}, status="error"),
        span(
            "step",
            span_id="ef" * 8,
            parent_id="cd" * 8,
            events=(CapturedEvent("said", 7),),
            links=(CapturedLink("11" * 16, "22" * 8),),
        ),
        AgentRegistration(name="researcher", version="1"),
    )
    assert [account.email for account in seeded.accounts] == ["bob@example.org"]
    bearer = seeded.keys[0].key
    assert here("GET", ME, bearer=bearer).status_code == 200
    trace = here.sdk(lambda client: client.traces.get("ab" * 16), api_key=bearer)
    assert (trace.agent, trace.agent_id, trace.status) == ("researcher", seeded.agents[0].id, "error")
    assert [(one.name, one.duration_ns) for one in trace.spans] == [("run", 4_000), ("step", 0)]
    assert trace.spans[0].attributes["n"] == [1, 2]
    assert [one.name for one in platform.spans] == ["run", "step"]
    assert len(platform.requests) == 2
    body = {"email": "bob@example.org", "password": PASSWORD}
    assert here("POST", "/api/auth/login", json=body).status_code == 200
    assert bearer not in repr(seeded)


def test_what_is_seeded_can_be_of_another_account(here, platform):
    (bob,) = platform.seed(RegisterRequest(email="bob@example.org", password=PASSWORD)).accounts
    platform.seed(AgentRegistration(name="theirs", version="1"), account=bob)
    platform.seed(AgentRegistration(name="also-theirs", version="1"), account="BOB@example.org")
    mine = here("GET", "/api/agents", bearer=platform.token).json()["items"]
    theirs = here("GET", "/api/agents", bearer=platform.issue_token(bob)).json()["items"]
    assert ([one["name"] for one in mine], [one["name"] for one in theirs]) == ([], ["also-theirs", "theirs"])


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        (RegisterRequest(email="ada@example.org", password=PASSWORD), "email_taken"),
        (RegisterRequest(email="x", password="short"), "email: Write an e-mail address"),
        (ApiKeyRequest(name="old", expires_at="2001-01-01T00:00:00Z"), "Name a time in the future"),
        (CapturedSpan("run", "x", "y", 0), "32 hexadecimal digits"),
        (LoginRequest(email="a", password="b"), "this is a LoginRequest"),
        ([span("run")], "Write *things for a list"),
    ],
)
def test_a_seed_that_breaks_a_rule_is_told(platform, seed, says):
    with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
        platform.seed(seed)


def test_an_account_that_is_not_there_is_told_with_those_that_are(platform):
    with pytest.raises(ams_sdk.ConfigurationError, match=r"no account 'x'; there is: ada@example.org\. Make it first"):
        platform.seed(account="x")


def test_a_reset_platform_knows_its_account_and_nothing_else(call, platform):
    call("POST", "/api/agents", json={"name": "a", "version": "1"}, bearer=platform.token)
    before = call("GET", ME, bearer=platform.token).json()
    platform.fault(Status(500), on="me")
    platform.on("me").respond(503)
    platform.expect("login")
    platform.advance(100_000)
    platform.expire()
    platform.revoke(platform.api_key)
    platform.reset()
    assert (platform.agents, len(platform.requests)) == ((), 0)
    platform.verify()
    assert call("GET", ME, bearer=platform.token).json() == before
    assert call("GET", ME, bearer=platform.api_key).json() == before
    assert [key["name"] for key in call("GET", "/api/keys", bearer=platform.token).json()["items"]] == ["ready"]
    assert platform.requests[0].number == 1


def test_many_threads_use_it_in_process_and_on_a_port(platform):
    def one(number):
        transport = platform.transport if number % 2 else None
        headers = {"Authorization": f"Bearer {platform.token}"}
        with httpx.Client(base_url=platform.url, transport=transport, headers=headers) as client:
            for version in range(5):
                client.post("/api/agents", json={"name": f"agent-{number}", "version": str(version)})
            return client.get(f"/api/agents/agent-{number}").json()["revision"]["number"]

    with platform.serve(), ThreadPoolExecutor(16) as threads:
        assert list(threads.map(one, range(32))) == [5] * 32
    assert sorted(request.number for request in platform.requests) == list(range(1, 32 * 6 + 1))
    platform.verify()


def test_a_path_in_absolute_form_is_the_same_path(platform):
    with platform.serve(), socket.create_connection(("127.0.0.1", int(platform.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET http://elsewhere/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_there_is_no_document_and_nobody_is_asked_for_a_credential_there(here, platform):
    assert here("GET", "/openapi.json").json()["code"] == "not_found"


def test_it_says_where_it_is(platform):
    assert repr(platform) == "<MockPlatform at http://mock.ams.localhost, 0 requests>"
