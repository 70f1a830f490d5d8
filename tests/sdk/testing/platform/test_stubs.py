from __future__ import annotations

import re

import httpx
import pytest

import ams_sdk
from ams_sdk.testing._http import Response
from ams_sdk.testing._platform import Disconnect, MockPlatform
from ams_sdk.wire import Health, Problem

ME = "/api/users/me"


def test_a_stub_answers_whoever_asks_and_nothing_is_done(call, platform):
    platform.on("register_agent").respond(202, json={"later": True}, headers={"X-Queue": "7"})
    answer = call("POST", "/api/agents", json={"name": "a", "version": "1"})
    assert (answer.status_code, answer.json(), answer.headers["x-queue"]) == (202, {"later": True}, "7")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert platform.agents == ()
    assert platform.requests.last().json == {"name": "a", "version": "1"}
    assert platform.requests.last().answered_by == "stub"


@pytest.mark.parametrize("value", ["", "a", "a b"])
def test_any_value_that_http_knows_is_sent(call, platform, value):
    platform.on("me").respond(204, headers={"X-Value": value})
    answer = call("GET", ME)
    assert (answer.status_code, answer.headers["x-value"]) == (204, value)


def test_stubs_answer_one_after_the_other_and_then_the_platform(call, platform):
    first = platform.on("me").respond(503, times=2)
    second = platform.on("me").respond(404, body="no", times=1)
    found = [call("GET", ME, bearer=platform.token).status_code for _ in range(4)]
    assert found == [503, 503, 404, 200]
    assert (first.used, second.used) == (2, 1)
    platform.verify()


def test_a_function_answers_by_what_was_asked(call, platform):
    def answer(request):
        assert request.account == platform.account.email
        return Response(200, body=b"said") if request.query == {"limit": "3"} else None

    platform.on("list_agents").respond_with(answer)
    assert call("GET", "/api/agents?limit=3", bearer=platform.token).text == "said"
    assert call("GET", "/api/agents?limit=4", bearer=platform.token).json()["items"] == []


def test_a_model_of_the_wire_is_sent_as_it_is(here, platform):
    problem = Problem(title="Teapot", status=418, detail="Short and stout.", code="teapot")
    platform.on("me").respond(418, json=problem, times=1)
    platform.on("health_live").respond(json=Health(status="unavailable"))
    with pytest.raises(ams_sdk.APIError) as caught:
        here.sdk(lambda client: client.users.me())
    assert (caught.value.code, caught.value.detail) == ("teapot", "Short and stout.")
    assert here("GET", "/health/live").json()["status"] == "unavailable"


def test_a_fault_breaks_off_a_stubs_answer_too(call, platform):
    platform.on("me").respond(200, json={"x": 1})
    platform.on("me").fault(Disconnect("mid_body"))
    with pytest.raises(httpx.RemoteProtocolError):
        call("GET", ME)


def wrong(request):
    raise KeyError("otters")


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (wrong, KeyError, "otters"),
        (lambda _: 7, ams_sdk.ConfigurationError, "answered with a int: return a Resp"),
        (lambda _: Response(200, (("X", "\u00e4"),)), ams_sdk.ConfigurationError, "one line of ASCII"),
    ],
)
def test_what_a_function_raises_is_raised_in_process(here, platform, answer, error, says):
    platform.on("me").respond_with(answer)
    with pytest.raises(error, match=says):
        here("GET", ME)
    assert platform.requests.last().status == 500
    assert error.__name__ in platform.requests.last().note


def test_on_a_port_it_is_500_and_the_test_is_told_at_its_end(platform):
    platform.on("me").respond_with(wrong)
    with platform.serve():
        assert httpx.get(platform.url + ME).status_code == 500
        with pytest.raises(AssertionError, match="KeyError was raised while a request was answered"):
            platform.verify()
    with pytest.raises(AssertionError, match="Look at what respond_with"):
        platform.verify()


@pytest.mark.parametrize(
    ("stub", "says"),
    [
        (lambda on: on.respond(99), "write a status from 200 to 599"),
        (lambda on: on.respond("200"), "write a status from 200 to 599"),
        (lambda on: on.respond(json={}, body="x"), "json= or body=, not both"),
        (lambda on: on.respond(json={1, 2}), "cannot be sent as JSON"),
        (lambda on: on.respond(204, json={"a": 1}), "leave out json= and body="),
        (lambda on: on.respond(headers={"Content-Length": "3"}), "follows from the body"),
        (lambda on: on.respond(headers={"X": "a\r\nb: c"}), "one line of ASCII"),
        (lambda on: on.respond(headers={"a b": "c"}), "a name is a word"),
        (lambda on: on.respond(times=0), "write 1 or more, or None"),
        (lambda on: on.respond_with({}), "takes a function"),
    ],
)
def test_a_stub_that_cannot_be_says_what_to_write(stub, says):
    with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
        stub(MockPlatform().on("me"))


def test_an_operation_that_is_none_is_told_at_once(platform):
    with pytest.raises(ams_sdk.ConfigurationError, match="Did you mean 'list_agents'"):
        platform.on("list_agent")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "invalid_token"), (404, "not_found"), (503, "unavailable"), (418, "status_418")]
)
def test_an_error_without_a_body_has_the_one_of_the_contract(platform, status, code):
    platform.on("me").respond(status, headers={"X-Queue": "7"}, times=1)
    with httpx.Client(base_url=platform.url, transport=platform.transport) as client:
        answer = client.get("/api/users/me", headers={"Authorization": f"Bearer {platform.token}"})
    assert (answer.status_code, answer.json()["code"], answer.headers["x-queue"]) == (status, code, "7")
    assert answer.headers["content-type"] == "application/problem+json"
    assert platform.requests[-1].answered_by == "stub"
