from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from ams_sdk import ConfigurationError
from ams_sdk.testing import MockPlatform, contract
from ams_sdk.testing.contract import ContractAssertionError, PlatformUnderTest, judge, select
from ams_sdk.testing.contract.rule import NotApplicableError


@pytest.fixture
def mock():
    return MockPlatform(strict=False)


@pytest.fixture
def platform(mock):
    with PlatformUnderTest(mock.transport) as opened:
        yield opened


@contextlib.contextmanager
def saying(*parts):
    """The URL of a server that reads once and sends this, whatever it was asked."""

    def serve():
        with listener, listener.accept()[0] as connection:
            connection.recv(65_536)
            for part in parts:
                connection.sendall(part)

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(10)


@pytest.mark.parametrize(
    "where",
    [7, None, "localhost:8787", "ftp://x", "http://", httpx.Client(), httpx.ASGITransport(None)],
    ids=lambda where: type(where).__name__,
)
def test_what_is_no_platform_says_what_to_write(where):
    with pytest.raises(ConfigurationError, match=r"http://"):
        PlatformUnderTest(where)


def test_an_account_is_an_address_and_a_password(mock):
    with pytest.raises(ConfigurationError, match="give both, or neither"):
        PlatformUnderTest(mock.transport, email="ada@example.org")


def test_the_shared_account_is_made_again_when_the_platform_has_forgotten_it(mock, platform):
    first = platform.member()
    assert platform.member() is first
    mock.reset()
    second = platform.member()
    assert second is not first
    assert second.get("/api/users/me").status == 200


def test_a_platform_that_limits_registrations_is_no_broken_rule(mock, platform):
    mock.on("register").respond(429, json={"code": "too_many_requests"})
    (verdict,) = judge(platform, select("accounts.logout_revokes"))
    assert (verdict.outcome, verdict.broken) == ("skipped", None)
    assert verdict.reason.startswith("the platform limits registrations (429)")


def test_no_secret_is_in_a_failure(mock):
    email, password = mock.account.email, mock.account.password
    with PlatformUnderTest(mock.transport, email=email, password=password) as platform:
        member = platform.member()
        answer = member.post("/api/agents", json={"name": password, "version": member.bearer})
        with pytest.raises(ContractAssertionError) as failed:
            answer.must_equal("the bearer", member.bearer, "another")
        answer = platform.stranger.post("/api/auth/login", json={"email": email, "password": password})
        platform.keep_secret(answer.must_have_json()["access_token"])
    assert password not in str(failed.value)
    assert member.bearer not in str(failed.value)


def test_a_secret_that_an_answer_brings_is_hidden_once_it_is_known(platform):
    member = platform.member()
    key = member.post("/api/keys", json={"name": "ci"}).must_have_json(201)["key"]
    user = member.using(key)
    with pytest.raises(ContractAssertionError) as failed:
        user.get("/api/users/me").must(holds=False, wrong=f"{key} is wrong")
    assert key not in str(failed.value)


def test_an_answer_that_does_not_come_is_told():
    with saying() as url, PlatformUnderTest(url) as platform:
        (verdict,) = judge(platform, select("health.live"))
    assert "came      no answer (RemoteProtocolError: Server disconnected" in str(verdict.broken)


def test_an_answer_of_another_shape_is_a_broken_rule_and_no_stack(mock, platform):
    mock.on("health_live").respond(200, json={"other": 1})
    (verdict,) = judge(platform, select("health.live"))
    assert verdict.outcome == "broken"
    assert verdict.broken.wrong == "the answer has not the shape that was to come (KeyError: 'status')."
    assert '{"other":' in verdict.broken.exchanges[0]


def test_a_connection_that_is_left_open_is_told():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        PlatformUnderTest(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.2) as platform,
        pytest.raises(ContractAssertionError, match="and the connection to be closed"),
    ):
        platform.send_head("GET", "/")


def test_a_platform_in_process_has_no_connection(platform):
    with pytest.raises(NotApplicableError, match="in this process"):
        platform.send_head("GET", "/")


@pytest.mark.parametrize(("items", "said"), [([1], "the list does not end: 50 pages"), ([], "a page is empty")])
def test_a_list_that_does_not_end_is_told(mock, platform, items, said):
    mock.on("list_agents").respond(200, json={"items": items, "next_cursor": "again"})
    with pytest.raises(ContractAssertionError, match=said):
        list(platform.member().pages("/api/agents"))


def test_a_body_that_is_no_json_is_told(mock, platform):
    mock.on("health_live").respond(200, body="ok", headers={"Content-Type": "application/json"})
    with pytest.raises(ContractAssertionError, match=r"(?s)came      200.*ok.*wrong     the body is no JSON"):
        platform.stranger.get("/health/live").must_have_json()


def test_a_body_that_is_no_message_is_told(mock, platform):
    mock.on("export_traces").respond(400, body="{", headers={"Content-Type": "application/json"})
    answer = platform.stranger.post("/v1/traces", json={})
    with pytest.raises(ContractAssertionError, match="the body is no Status in application/json"):
        answer.must_be_status(400)


def test_where_there_is_no_tls_an_https_address_is_told():
    with (
        saying(b"no TLS") as url,
        PlatformUnderTest(url.replace("http:", "https:")) as platform,
        pytest.raises(ContractAssertionError, match=r"nothing \(.*SSL"),
    ):
        platform.send_head("GET", "/")


def test_the_contract_is_loaded_when_it_is_asked_for_and_without_pytest():
    program = (
        "import sys, ams_sdk, ams_sdk.testing; assert 'ams_sdk.testing.contract' not in sys.modules;"
        "import ams_sdk.testing.contract as contract; assert 'httpx' not in sys.modules;"
        "assert {'PlatformContract', 'judge'} <= set(dir(contract));"
        "contract.PlatformContract; assert 'pytest' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Platform'"):
        contract.Platform  # noqa: B018 -- asking is the test


def test_a_client_that_says_who_it_is_is_refused(mock):
    client = httpx.Client(base_url=mock.url, transport=mock.transport, headers={"Authorization": "Bearer x"})
    with client, pytest.raises(ConfigurationError, match="Authorization header"):
        PlatformUnderTest(client)


def test_a_cookie_makes_nobody_of_a_stranger(mock, platform):
    mock.on("me").respond(200, json={}, headers={"Set-Cookie": "session=1; Path=/"}, times=1)
    platform.stranger.get("/api/users/me").must_be(200)
    platform.stranger.get("/api/users/me").must_be_problem(401, "unauthenticated")
    assert [request.headers.get("cookie") for request in mock.requests] == [None, None]
