"""Both clients against a real socket: each case once, run with both."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from opentelemetry import context

from ams_sdk import _config, _credentials
from ams_sdk._client import AsyncClient, Client, exchange
from ams_sdk._credentials import Login
from ams_sdk._errors import (
    AMSError,
    AuthenticationError,
    ConfigurationError,
    InvalidCredentialsError,
    LoginExpiredError,
    NotLoggedInError,
    PlatformTimeoutError,
    PlatformUnreachableError,
    ProtocolError,
    RateLimitedError,
)
from ams_sdk.wire import AgentRegistration

NOW = "2026-01-31T12:00:00Z"
USER = {"id": str(UUID(int=1)), "email": "ada@example.com", "name": "Ada", "created_at": NOW, "updated_at": NOW}
AGENT = {
    "id": str(UUID(int=2)),
    "name": "researcher",
    "status": "active",
    "created_at": NOW,
    "updated_at": NOW,
    "revision": {"number": 1, "version": "1.0", "created_at": NOW},
}
SUMMARY = {"trace_id": "a" * 32, "status": "ok", "started_at": NOW, "duration_ns": 5, "span_count": 0}
TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 60}
KEY = {"id": str(UUID(int=3)), "name": "nightly", "prefix": "ams_x", "created_at": NOW}
ME = (lambda client: client.users.me(),)


@pytest.mark.parametrize(
    ("step", "answer", "method", "target", "body", "result"),
    [
        (
            lambda c: c.auth.register(email="a@b.c", password="p", name="Ada"),
            USER,
            "POST",
            "/api/auth/register",
            {"email": "a@b.c", "password": "p", "name": "Ada"},
            lambda user: user.name == "Ada",
        ),
        (
            lambda c: c.agents.register(AgentRegistration(name="researcher", version="1.0")),
            AGENT,
            "POST",
            "/api/agents",
            AgentRegistration(name="researcher", version="1.0").model_dump(mode="json"),
            lambda agent: agent.revision.version == "1.0",
        ),
        (ME[0], USER, "GET", "/api/users/me", None, lambda user: user.id == UUID(int=1)),
        (
            lambda c: c.keys.create("nightly", expires_at=datetime(2027, 1, 1, tzinfo=UTC)),
            KEY | {"key": "ams_secret"},
            "POST",
            "/api/keys",
            {"name": "nightly", "expires_at": "2027-01-01T00:00:00Z"},
            lambda made: (made.key, made.name) == ("ams_secret", "nightly"),
        ),
        (
            lambda c: c.keys.list(limit=3, cursor="="),
            {"items": [KEY], "next_cursor": "n"},
            "GET",
            "/api/keys?limit=3&cursor=%3D",
            None,
            lambda page: (page.items[0].prefix, page.next_cursor) == ("ams_x", "n"),
        ),
        (
            lambda c: c.keys.delete(UUID(int=3)),
            b"",
            "DELETE",
            "/api/keys/00000000-0000-0000-0000-000000000003",
            None,
            lambda nothing: nothing is None,
        ),
        (
            lambda c: c.agents.list(status="active", q="a b&c", limit=3, cursor="="),
            {"items": [AGENT], "next_cursor": "n"},
            "GET",
            "/api/agents?status=active&q=a+b%26c&limit=3&cursor=%3D",
            None,
            lambda page: (page.items[0].name, page.next_cursor) == ("researcher", "n"),
        ),
        (
            lambda c: c.agents.get("a/../b?c"),
            AGENT,
            "GET",
            "/api/agents/a%2F..%2Fb%3Fc",
            None,
            lambda agent: agent.name == "researcher",
        ),
        (
            lambda c: c.agents.get(UUID(int=2)),
            AGENT,
            "GET",
            "/api/agents/00000000-0000-0000-0000-000000000002",
            None,
            lambda agent: agent.id == UUID(int=2),
        ),
        (
            lambda c: c.traces.list(since=datetime(2026, 1, 1, tzinfo=UTC), status="error"),
            {"items": [SUMMARY]},
            "GET",
            "/api/traces?status=error&since=2026-01-01T00%3A00%3A00Z",
            None,
            lambda page: page.items[0].duration_ns == 5,
        ),
        (
            lambda c: c.traces.get("a" * 32),
            SUMMARY | {"spans": []},
            "GET",
            "/api/traces/" + "a" * 32,
            None,
            lambda trace: trace.spans == [],
        ),
    ],
)
def test_each_call_on_the_wire(  # noqa: PLR0913, PLR0917 -- a row of the table above
    run, loopback, http_answer, step, answer, method, target, body, result
):
    loopback.answers_with(http_answer(200, answer))
    assert result(run(step, endpoint=loopback.url, api_key="k3y"))
    (request,) = loopback.requests
    assert (request.method, request.target) == (method, target)
    assert (json.loads(request.body) if request.body else None) == body
    assert request.headers.get("content-type") == ("application/json" if body else None)
    assert request.headers.get("authorization") == (None if "auth" in target else "Bearer k3y")
    assert request.headers["user-agent"].startswith("ams-sdk/0.1.0 python/3.")


def test_a_path_of_the_endpoint_is_kept(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, USER))
    run(*ME, endpoint=loopback.url + "/ams/", api_key="k")
    assert loopback.requests[0].target == "/ams/api/users/me"


def test_after_login_the_token_is_used_and_after_logout_it_is_not(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, TOKEN), http_answer(200, USER), http_answer(204))
    with pytest.raises(NotLoggedInError):
        run(
            lambda c: c.auth.login(email="a@b.c", password="p"),
            lambda c: c.users.me(),
            lambda c: c.auth.logout(),
            lambda c: c.users.me(),
            endpoint=loopback.url,
        )
    sent = [(request.target, request.headers.get("authorization")) for request in loopback.requests]
    assert sent == [
        ("/api/auth/login", None),
        ("/api/users/me", "Bearer t0ken"),
        ("/api/auth/logout", "Bearer t0ken"),
    ]
    assert not _config.state_folder().exists()


def test_a_login_that_is_over_costs_no_request_and_a_new_one_replaces_it(run, loopback, http_answer):
    _credentials.save(_config.state_folder(), Login(loopback.url, "a", "old", datetime.now(UTC) - timedelta(1)))
    with pytest.raises(LoginExpiredError, match="run: ams login"):
        run(*ME)
    assert loopback.requests == []
    loopback.answers_with(http_answer(200, TOKEN), http_answer(200, USER))
    assert run(lambda c: c.auth.login(email="a", password="p"), *ME).name == "Ada"


def test_without_a_credential_nothing_is_sent(run, loopback):
    with pytest.raises(NotLoggedInError):
        run(*ME, endpoint=loopback.url)
    assert loopback.requests == []


def test_a_refusal_is_an_error_with_the_platforms_words(run, loopback):
    loopback.problem(401, "invalid_credentials", "Wrong address or password.")
    with pytest.raises(InvalidCredentialsError, match="Wrong address or password"):
        run(lambda c: c.auth.login(email="a", password="p"), endpoint=loopback.url)
    loopback.problem(401, "invalid_token")
    with pytest.raises(AuthenticationError):
        run(*ME, endpoint=loopback.url, api_key="k")
    loopback.problem(429, "rate_limited", headers={"Retry_After": "7"})
    with pytest.raises(RateLimitedError) as caught:
        run(*ME, endpoint=loopback.url, api_key="k")
    assert caught.value.retry_after == 7


def cut(content):
    def behave(connection):
        connection.sendall(content)

    return behave


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"id": ',
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\n<html/>",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n[1]",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nbad",
    ],
)
def test_an_answer_that_is_no_platforms_is_a_protocol_error(run, loopback, content):
    loopback.answers_with(cut(content))
    with pytest.raises(ProtocolError, match=loopback.url.replace(".", r"\.")):
        run(*ME, endpoint=loopback.url, api_key="k3y")
    assert len(loopback.requests) == 1


def test_a_token_of_the_wrong_shape_is_not_shown(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, {"access_token": ["t0ken"], "expires_in": 1}))
    with pytest.raises(ProtocolError, match=r"access_token: string_type") as caught:
        run(lambda c: c.auth.login(email="a", password="p"), endpoint=loopback.url)
    assert "t0ken" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_token_that_would_break_a_header_is_refused_and_not_shown(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, TOKEN | {"access_token": "t0ken\r\nX-Evil: 1"}))
    with pytest.raises(ProtocolError, match="cannot be sent as a bearer") as caught:
        run(lambda c: c.auth.login(email="a", password="p"), endpoint=loopback.url)
    assert "t0ken" not in str(caught.value)


def test_a_page_with_status_200_is_no_logout(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, b"<html>Welcome</html>", "text/html"))
    with pytest.raises(ProtocolError, match="text/html"):
        run(lambda c: c.auth.logout(), endpoint=loopback.url, api_key="k")


def test_a_connection_that_is_reset_is_unreachable(run, loopback):
    loopback.answers_with(reset)
    with pytest.raises(AMSError, match="broke") as caught:
        run(*ME, endpoint=loopback.url, api_key="k")
    assert type(caught.value) in {PlatformUnreachableError, ProtocolError}


def test_a_server_that_hangs_is_a_timeout(run, loopback):
    loopback.answers_with(loopback.hang)
    with pytest.raises(PlatformTimeoutError, match="did not answer in time"):
        run(*ME, endpoint=loopback.url, api_key="k", timeout=0.1)


def test_a_port_where_nobody_listens_is_unreachable_and_says_what_to_do(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PlatformUnreachableError, match="ams dev") as caught:
            run(*ME, endpoint=endpoint, api_key="k3y")
    assert type(caught.value) is PlatformUnreachableError
    assert endpoint in str(caught.value)


def test_a_name_that_does_not_resolve_is_unreachable(run):
    with pytest.raises(PlatformUnreachableError, match=r"http://nowhere\.invalid"):
        run(*ME, endpoint="http://nowhere.invalid", api_key="k")


def test_a_redirect_is_not_followed_so_no_credential_travels(run, loopback, http_answer):
    loopback.answers_with(http_answer(307, location=loopback.url + "/else"))
    with pytest.raises(ProtocolError, match="redirect"):
        run(*ME, endpoint=loopback.url, api_key="k")
    assert len(loopback.requests) == 1


def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(run, loopback, http_answer, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    loopback.answers_with(http_answer(200, USER))
    for endpoint in (loopback.url, loopback.url.replace("127.0.0.1", "localhost")):
        assert run(*ME, endpoint=endpoint, api_key="k").name == "Ada"


def test_a_proxy_of_the_environment_is_asked_about_other_machines(run, loopback, http_answer, monkeypatch):
    monkeypatch.setenv("http_proxy", loopback.url)
    monkeypatch.setenv("no_proxy", "")
    loopback.answers_with(http_answer(200, USER))
    assert run(*ME, endpoint="http://ams.example.com", api_key="k").name == "Ada"
    assert loopback.requests[0].target == "http://ams.example.com/api/users/me"


def test_a_compressed_answer_is_read(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, gzip.compress(json.dumps(USER).encode()), Content_Encoding="gzip"))
    assert run(*ME, endpoint=loopback.url, api_key="k").name == "Ada"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_answer_that_is_too_large_is_refused_while_it_is_read(run, loopback, http_answer, monkeypatch, encoding):
    monkeypatch.setattr(exchange, "LARGEST_REPLY", 2**20)
    block = b" " * 2**16
    sent = []

    def flood(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        if encoding == "gzip":
            connection.sendall(b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(block * 64))
            return
        connection.sendall(b"\r\n")
        while not loopback.released.is_set():
            connection.sendall(block)
            sent.append(len(block))

    loopback.answers_with(flood)
    with pytest.raises(ProtocolError, match="sends more than 1 MiB"):
        run(*ME, endpoint=loopback.url, api_key="k")
    assert sum(sent) < 2**26


def test_nothing_that_is_sent_is_traced_and_the_callers_context_is_left_alone(run):
    seen = []
    keys = {str(key) for key in context.get_current()}

    def answer(request):
        seen.append({key for key, value in context.get_current().items() if value is True})
        return httpx.Response(200, json=USER)

    run(*ME, api_key="k", transport=httpx.MockTransport(answer))
    (inside,) = seen
    assert context._SUPPRESS_INSTRUMENTATION_KEY in inside
    assert context._SUPPRESS_HTTP_INSTRUMENTATION_KEY in inside
    assert {str(key) for key in context.get_current()} == keys


def test_an_address_in_the_answer_does_not_make_httpx_leak(run, loopback, http_answer):
    loopback.answers_with(http_answer(200, USER))
    with pytest.raises(ConfigurationError):
        run(lambda c: c.agents.get(".."), endpoint=loopback.url, api_key="k")
    assert loopback.requests == []


def test_no_secret_is_in_a_repr():
    client = Client(endpoint="http://127.0.0.1:1", api_key="k3y")
    assert repr(client) == "Client(endpoint='http://127.0.0.1:1')"
    assert (
        repr(AsyncClient(endpoint="http://127.0.0.1:1", api_key="k3y")) == "AsyncClient(endpoint='http://127.0.0.1:1')"
    )
    client.close()


def test_one_client_serves_many_threads(loopback, http_answer):
    loopback.answers_with(http_answer(200, USER))
    names = []
    with Client(endpoint=loopback.url, api_key="k") as client:
        threads = [threading.Thread(target=lambda: names.append(client.users.me().name)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert names == ["Ada"] * 16


def test_both_clients_offer_the_same_calls():
    blocking, awaited = Client(endpoint="http://127.0.0.1:1"), AsyncClient(endpoint="http://127.0.0.1:1")
    for part in ("auth", "users", "agents", "traces"):
        names = [{name for name in dir(getattr(each, part)) if name[0] != "_"} for each in (blocking, awaited)]
        assert names[0] == names[1] != set()
    blocking.close()
