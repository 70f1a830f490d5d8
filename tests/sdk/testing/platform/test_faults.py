"""Each fault, as clients of both kinds meet it in process and on a port, and as the SDK does."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

import ams_sdk
from ams_sdk.testing._platform import (
    ClockSkew,
    Disconnect,
    DuplicateDelivery,
    Latency,
    Malformed,
    PartialSuccess,
    RateLimit,
    Status,
    Timeout,
    TokenExpired,
)
from ams_sdk.wire import AgentRegistration

AGENT = {"name": "researcher", "version": "1"}
JSON = {"Content-Type": "application/json"}


def registers(client):
    return client.agents.register(AgentRegistration(**AGENT))


def names(platform):
    return [agent.name for agent in platform.agents]


# --- any client of HTTP -----------------------------------------------------------------------------------------------


def test_latency_comes_before_the_answer(call, platform):
    platform.fault(Latency(0.05), on="me")
    began = time.monotonic()
    assert call("GET", "/api/users/me", bearer=platform.token).status_code == 200
    assert time.monotonic() - began >= 0.05


def test_latency_beyond_a_clients_patience_is_a_read_timeout(call, platform):
    platform.fault(Latency(30), on="me")
    with pytest.raises(httpx.ReadTimeout):
        call("GET", "/api/users/me", bearer=platform.token, timeout=0.1)


def test_a_rate_limit_says_when_to_come_back(call, platform):
    platform.fault(RateLimit(7), on="register_agent")
    refused = call("POST", "/api/agents", json=AGENT, bearer=platform.token)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
    assert refused.json()["code"] == "too_many_requests"
    assert platform.agents == ()
    assert call("POST", "/api/agents", json=AGENT, bearer=platform.token).status_code == 201


@pytest.mark.parametrize(("status", "code"), [(400, "malformed"), (418, "status_418"), (503, "unavailable")])
def test_a_status_is_told_as_the_contract_tells_it(call, platform, status, code):
    platform.fault(Status(status, retry_after=3), on="register_agent")
    refused = call("POST", "/api/agents", json=AGENT, bearer=platform.token)
    assert (refused.status_code, refused.headers["retry-after"]) == (status, "3")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.json()["request_id"]) == (code, refused.headers["x-request-id"])
    assert platform.agents == ()


def test_to_an_exporter_a_status_is_told_in_kind(call, platform):
    platform.fault(Status(502), on="export_traces")
    refused = call("POST", "/v1/traces", json={}, bearer=platform.token)
    assert (refused.status_code, refused.headers["content-type"]) == (502, "application/json")
    assert refused.json()["code"] == 14
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize(("where", "is_done"), [("before", False), ("headers", True), ("mid_body", True)])
def test_a_connection_breaks_before_or_after_the_request_was_done(call, platform, where, is_done):
    platform.fault(Disconnect(where), on="register_agent")
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", "/api/agents", json=AGENT, bearer=platform.token)
    assert names(platform) == (["researcher"] if is_done else [])
    assert platform.requests.last().status == (201 if is_done else None)


@pytest.mark.parametrize("where", ["headers", "mid_body"])
def test_an_answer_without_a_body_breaks_off_too(call, platform, where):
    platform.fault(Disconnect(where), on="logout")
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", "/api/auth/logout", bearer=platform.token)
    assert call("GET", "/api/users/me", bearer=platform.token).status_code == 401


def test_no_answer_ever_comes(call, platform):
    platform.fault(Timeout(), on="register_agent")
    with pytest.raises(httpx.ReadTimeout):
        call("POST", "/api/agents", json=AGENT, bearer=platform.token, timeout=0.1)
    assert platform.agents == ()
    assert platform.requests.last().status is None


@pytest.mark.parametrize(
    ("kind", "media_type", "is_done"),
    [("cut", "application/json", True), ("html", "text/html", False), ("wrong_type", "application/json", True)],
)
def test_a_body_is_not_what_the_contract_says(call, platform, kind, media_type, is_done):
    platform.fault(Malformed(kind), on="register_agent")
    answer = call("POST", "/api/agents", json=AGENT, bearer=platform.token)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    if kind == "wrong_type":
        assert isinstance(answer.json(), list)
    else:
        with pytest.raises(ValueError, match=r".+"):
            answer.json()
    assert bool(platform.agents) is is_done


def test_a_token_is_answered_as_expired_though_it_is_not(call, platform):
    platform.fault(TokenExpired())
    assert call("GET", "/health/live").status_code == 200  # needs none
    refused = call("GET", "/api/users/me", bearer=platform.token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert call("GET", "/api/users/me", bearer=platform.token).status_code == 200


@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_a_clock_that_is_wrong_shows_in_the_date_and_in_every_time(call, platform, seconds):
    platform.fault(ClockSkew(seconds), on="register_agent")
    answer = call("POST", "/api/agents", json=AGENT, bearer=platform.api_key)
    expected = datetime.now(UTC) + timedelta(seconds=seconds)
    for shown in (
        parsedate_to_datetime(answer.headers["date"]),
        datetime.fromisoformat(answer.json()["created_at"]),
    ):
        assert abs((shown - expected).total_seconds()) < 60


@pytest.mark.parametrize(("seconds", "code"), [(36_000, "token_expired"), (-3600, "invalid_token")])
def test_a_clock_that_is_wrong_refuses_tokens_that_are_good(call, platform, seconds, code):
    platform.fault(ClockSkew(seconds), on="register_agent")
    refused = call("POST", "/api/agents", json=AGENT, bearer=platform.token)
    assert (refused.status_code, refused.json()["code"]) == (401, code)


def test_a_clock_that_is_behind_takes_a_token_whose_time_is_over(call, platform):
    platform.advance(29_000)
    assert call("GET", "/api/users/me", bearer=platform.token).status_code == 401
    platform.fault(ClockSkew(-29_000), on="register_agent")
    assert call("POST", "/api/agents", json=AGENT, bearer=platform.token).status_code == 201


def spans(number):
    said = [{"traceId": "ab" * 16, "spanId": f"{n:016x}", "name": f"span {n}"} for n in range(1, number + 1)]
    return {"resourceSpans": [{"scopeSpans": [{"spans": said}]}]}


@pytest.mark.parametrize(("rejected", "kept"), [(1, 2), (2, 1), (9, 0)])
def test_of_a_batch_the_last_spans_are_not_taken(call, platform, rejected, kept):
    platform.fault(PartialSuccess(rejected))
    answer = call("POST", "/v1/traces", json=spans(3), bearer=platform.token)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == str(3 - kept)
    assert [span.name for span in platform.spans] == [f"span {n}" for n in range(1, kept + 1)]
    assert len(platform.requests.last().spans) == 3


def test_a_request_that_arrives_twice_is_done_twice(call, platform):
    platform.fault(DuplicateDelivery(), on="register_agent")
    platform.fault(DuplicateDelivery(), on="register")
    platform.fault(DuplicateDelivery(), on="create_key")
    assert call("POST", "/api/agents", json=AGENT, bearer=platform.token).status_code == 200
    assert [agent.revision.number for agent in platform.agents] == [1]
    body = {"email": "bob@example.org", "password": "Correct-horse-7"}
    assert call("POST", "/api/auth/register", json=body).json()["code"] == "email_taken"
    assert call("POST", "/api/auth/login", json=body).status_code == 200
    assert call("POST", "/api/keys", json={"name": "ci"}, bearer=platform.token).status_code == 201
    keys = call("GET", "/api/keys", bearer=platform.token).json()["items"]
    assert [key["name"] for key in keys] == ["ci", "ci", "ready"]
    assert len(platform.requests.of("register")) == 1


# --- the SDK's own clients --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (RateLimit(7), ams_sdk.RateLimitedError),
        (Status(400), ams_sdk.InvalidRequestError),
        (Status(401), ams_sdk.AuthenticationError),
        (Status(403), ams_sdk.PermissionDeniedError),
        (Status(404), ams_sdk.NotFoundError),
        (Status(409), ams_sdk.ConflictError),
        (Status(503, retry_after=7), ams_sdk.ServerError),
        (Disconnect("before"), ams_sdk.ProtocolError),
        (Disconnect("headers"), ams_sdk.ProtocolError),
        (Disconnect("mid_body"), ams_sdk.ProtocolError),
        (Timeout(), ams_sdk.PlatformTimeoutError),
        (Latency(30), ams_sdk.PlatformTimeoutError),
        (Malformed("cut"), ams_sdk.ProtocolError),
        (Malformed("html"), ams_sdk.ProtocolError),
        (Malformed("wrong_type"), ams_sdk.ProtocolError),
        (TokenExpired(), ams_sdk.LoginExpiredError),
    ],
    ids=repr,
)
def test_the_sdks_client_raises_what_fits(call, platform, fault, error):
    platform.fault(fault, on="register_agent")
    with pytest.raises(error) as caught:
        call.sdk(registers, timeout=0.2)
    assert type(caught.value) is error
    if "7" in repr(fault):
        assert caught.value.retry_after == 7
    assert call.sdk(registers).name == "researcher"


@pytest.mark.parametrize("fault", [Latency(0.05), ClockSkew(7200), DuplicateDelivery()], ids=repr)
def test_the_sdks_client_gets_its_answer_all_the_same(call, platform, fault):
    platform.fault(fault, on="register_agent")
    assert call.sdk(registers).revision.number == 1
    assert names(platform) == ["researcher"]
    platform.verify()


def test_a_token_that_a_wrong_clock_refuses_is_a_login_that_is_over(call, platform):
    platform.fault(ClockSkew(36_000), on="me")
    with pytest.raises(ams_sdk.LoginExpiredError):
        call.sdk(lambda client: client.users.me(), api_key=platform.token)


def test_an_account_that_is_registered_twice_on_the_way_is_a_conflict(call, platform):
    platform.fault(DuplicateDelivery(), on="register")
    with pytest.raises(ams_sdk.ConflictError):
        call.sdk(lambda client: client.auth.register(email="bob@example.org", password="Correct-horse-7"))


# --- what sends spans -------------------------------------------------------------------------------------------------


@ams_sdk.agent(name="researcher", version="1")
def research(question):
    return f"about {question}"


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (Latency(0.05), 1),
        (RateLimit(0), 2),
        (Status(502), 2),
        (Status(503, retry_after=0), 2),
        (Disconnect("before"), 2),
        (Disconnect("headers"), 2),
        (Disconnect("mid_body"), 2),
        (Malformed("html"), 2),
        (Malformed("cut"), 1),
        (Malformed("wrong_type"), 1),
        (TokenExpired(), 2),
        (ClockSkew(7200), 1),
        (DuplicateDelivery(), 1),
    ],
    ids=repr,
)
def test_spans_arrive_once_whatever_happens_on_the_way(traced, fault, requests):
    traced.fault(fault, on="export_traces")
    assert research("otters") == "about otters"
    assert ams_sdk.flush(10)
    assert [span.name for span in traced.spans] == ["invoke_agent researcher"]
    assert len(traced.requests.of("export_traces")) == requests
    assert ams_sdk.stats().exported == {"platform": 1}
    traced.assert_registered("researcher", version="1")
    traced.verify()


@pytest.mark.parametrize("traced", ["in process", pytest.param("on a port", marks=pytest.mark.slow)], indirect=True)
def test_spans_arrive_after_a_request_that_was_never_answered(traced):
    traced.fault(Timeout(), on="export_traces")
    research("otters")
    assert ams_sdk.flush(30)
    assert [span.name for span in traced.spans] == ["invoke_agent researcher"]


def test_spans_that_are_refused_are_given_up(traced):
    traced.fault(Status(400), on="export_traces")
    research("otters")
    ams_sdk.flush(10)
    assert traced.spans == ()
    assert (ams_sdk.stats().exported, ams_sdk.stats().failed) == ({"platform": 0}, {"platform": 1})


def test_spans_that_are_not_taken_are_counted(traced):
    traced.fault(PartialSuccess(1))
    research("otters")
    ams_sdk.flush(10)
    assert traced.spans == ()
    assert (ams_sdk.stats().exported, ams_sdk.stats().failed) == ({"platform": 0}, {"platform": 1})


def test_spans_arrive_though_their_agent_could_not_be_registered(traced, held_back):
    traced.fault(Disconnect("before"), on="register_agent")
    research("otters")
    assert ams_sdk.flush(10)
    traced.assert_not_registered("researcher")
    assert len(traced.spans) == 1
    assert [(place, type(error)) for place, error in held_back] == [("platform: a job", ams_sdk.ProtocolError)]
    held_back.clear()
