from __future__ import annotations

import gzip
import json
import re

import pytest

import ams_sdk
from ams_sdk.testing._platform import PlatformRequest, RequestHeaders, RequestLog

NOTHING_HERE = "not_found: There is nothing here under this address."
AGENT = {"name": "researcher", "version": "1"}


def test_what_was_asked_is_kept_as_values(call, platform):
    call("POST", "/api/agents?x=%2F&y=", json=AGENT, bearer=platform.token, headers={"X-Run": "7"})
    request = platform.requests.last("register_agent")
    assert (request.number, request.operation, request.method, request.path) == (
        1,
        "register_agent",
        "POST",
        "/api/agents",
    )
    assert (request.query, request.json, request.body) == ({"x": "/", "y": ""}, AGENT, request.body)
    assert json.loads(request.body) == AGENT
    assert (request.status, request.account) == (201, "ada@example.org")
    assert request.headers["X-Run"] == request.headers["x-run"] == "7"
    assert request.headers["authorization"] == f"Bearer {platform.token}"


def test_a_credential_is_in_no_repr(here, platform):
    here("GET", "/api/users/me", bearer=platform.token, headers={"Cookie": "a=hunter2"})
    request = platform.requests.last()
    shown = repr(request) + repr(request.headers) + repr(platform.requests) + str(platform.requests) + repr(platform)
    assert platform.token not in shown
    assert "hunter2" not in shown
    assert "'authorization': '[redacted]'" in repr(request.headers)
    assert platform.account.password not in repr(platform.account)


def test_a_request_is_one_line(here, platform):
    here("POST", "/api/agents", json={"name": "a b", "version": "1"}, bearer=platform.token)
    said = repr(platform.requests.last())
    assert said.startswith("<#1 POST /api/agents -> 422 register_agent by ada@example.org (validation: name: ")
    assert "\n" not in said


def test_requests_are_filtered_counted_and_iterated(here, platform):
    body = {"email": "ada@example.org", "password": platform.account.password}
    here("POST", "/api/auth/login", json=body)
    here("GET", "/api/users/me", bearer=platform.token)
    here("POST", "/api/auth/login", json=body | {"password": "x"})
    log = platform.requests
    assert [request.number for request in log] == [1, 2, 3]
    assert [request.status for request in log.of("login")] == [200, 401]
    assert len(log.of("register")) == 0
    assert (log.last().number, log.last("me").number, log[1].operation) == (3, 2, "me")
    assert isinstance(log[1:], RequestLog)
    assert [request.account for request in log] == ["ada@example.org", "ada@example.org", None]


def test_what_never_came_is_told_with_what_came(here, platform):
    with pytest.raises(LookupError, match=r"never got any request. It got:\n\(no request\)"):
        platform.requests.last()
    here("GET", "/health/live")
    with pytest.raises(LookupError, match=r"never was asked for 'login'. It got:\n#"):
        platform.requests.last("login")
    with pytest.raises(ams_sdk.ConfigurationError, match="Did you mean 'login'"):
        platform.requests.of("logn")


def test_it_prints_as_a_table(here, platform):
    here("GET", "/health/live")
    here("GET", "/a%1b%C3%A4", bearer=platform.token)
    here("GET", "/api/users/me")
    refused = "unauthenticated: Log in or make an API key, and send it as 'Authorization: Bearer \u2026'."
    assert [re.split("  +", line, maxsplit=5) for line in str(platform.requests).splitlines()] == [
        ["#", "status", "operation", "request", "account", "note"],
        ["1", "200", "health_live", "GET /health/live", "-"],
        ["2", "404", "-", "GET /a\\x1b\u00e4", "ada@example.org", NOTHING_HERE],
        ["3", "401", "me", "GET /api/users/me", "-", refused],
    ]


def test_of_many_requests_the_table_has_the_last(here, platform):
    for _ in range(25):
        here("GET", "/health/live")
    lines = str(platform.requests).splitlines()
    assert (len(lines), lines[1]) == (22, "(5 earlier ones)")


def request(number):
    return PlatformRequest(number, None, "GET", "/", {}, RequestHeaders([]), b"", 404, None, None)


def test_of_very_many_the_first_are_forgotten():
    log = RequestLog()
    for _ in range(10_050):
        log.add(request)
    assert (len(log), log[0].number, log[-1].number) == (10_000, 51, 10_050)


def test_spans_are_those_that_were_sent_whatever_became_of_them(here, platform):
    span = {
        "traceId": "AB" * 16,
        "spanId": "cd" * 8,
        "name": "run",
        "kind": 3,
        "startTimeUnixNano": "5",
        "endTimeUnixNano": "1000000005",
        "attributes": [
            {"key": "many", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"intValue": "2"}]}}},
            {"key": "mixed", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}]}}},
            {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}},
            {"key": "none", "value": {}},
        ],
        "events": [{"name": "said", "timeUnixNano": "7", "attributes": []}],
        "links": [{"traceId": "11" * 16, "spanId": "22" * 8}],
    }
    body = gzip.compress(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode())
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"}
    platform.on("export_traces").respond(503, times=1)
    here("POST", "/v1/traces", content=body, headers=headers)
    assert platform.spans == ()
    here("POST", "/v1/traces", content=body, headers=headers, bearer=platform.token)
    (kept,) = platform.spans
    assert platform.requests[0].spans == platform.requests[1].spans == (kept,)
    assert (kept.trace_id, kept.kind, kept.duration) == ("ab" * 16, "client", 1.0)
    assert kept.attributes == {"many": (1, 2), "mixed": '[1, "a"]', "map": '{"a": true}', "none": "null"}
    assert [(event.name, event.time_ns) for event in kept.events] == [("said", 7)]
    assert [link.trace_id for link in kept.links] == ["11" * 16]


@pytest.mark.parametrize("content", [b"{", b""])
def test_where_there_are_no_spans_there_are_none(here, platform, content):
    here("POST", "/v1/traces", content=content, headers={"Content-Type": "application/json"}, bearer=platform.token)
    assert platform.requests.last().spans == ()
    assert platform.requests.last().json is None
    here("GET", "/health/live")
    assert platform.requests.last().spans == ()


def test_a_header_that_was_sent_twice_is_joined():
    headers = RequestHeaders([("A", "1"), ("a", "2"), ("b", "3")])
    assert (dict(headers), len(headers), headers["A"]) == ({"a": "1, 2", "b": "3"}, 2, "1, 2")


def test_a_watcher_sees_each_request(here, platform):
    seen = []
    platform.requests.watch(seen.append)
    here("GET", "/health/live")
    assert seen == list(platform.requests)
