from __future__ import annotations

import re

import pytest

import ams_sdk
from ams_sdk.testing._platform import PlatformAssertionError
from ams_sdk.wire import AgentRegistration

RESEARCHER = {
    "name": "researcher",
    "version": "1.2.0",
    "description": "Finds things out.",
    "tools": [{"name": "search"}, {"name": "fetch"}],
    "labels": {"team": "green"},
    "model": "some-model",
}


@pytest.fixture
def agent(platform):
    return platform.seed(AgentRegistration(**RESEARCHER)).agents[0]


def said(failing):
    with pytest.raises(PlatformAssertionError) as caught:
        failing()
    return str(caught.value)


def test_an_agent_that_is_as_it_was_said_to_be_is_given(platform, agent):
    assert platform.assert_registered("researcher") == agent
    found = platform.assert_registered(
        "researcher",
        version="1.2.0",
        tools={"fetch", "search"},
        description="Finds things out.",
        labels={"team": "green"},
        model="some-model",
        status="active",
        framework=None,
    )
    assert found == agent
    platform.assert_not_registered("writer")


def test_without_any_agent_it_says_when_one_registers(platform):
    assert said(lambda: platform.assert_registered("researcher")) == (
        "No agent 'researcher' is registered.\n\n"
        "No agent is registered. An agent registers at its first run, when the SDK is configured to this platform."
    )


def test_a_name_that_is_not_there_is_told_with_the_nearest(platform, agent):
    assert said(lambda: platform.assert_registered("Reseacher")) == (
        "No agent 'Reseacher' is registered. The nearest is 'researcher'.\n\n"
        "Registered:\n"
        "  researcher  version 1.2.0  tools: search, fetch"
    )


def test_what_differs_is_told_line_by_line(platform, agent):
    text = said(
        lambda: platform.assert_registered(
            "researcher", version="1.2.1", tools=["search", "read"], model="other", labels={"team": "blue"}
        )
    )
    assert text == (
        "The agent 'researcher' is registered otherwise (revision 1):\n"
        "  version: expected '1.2.1', got '1.2.0'\n"
        "  model: expected 'other', got 'some-model'\n"
        "  labels: expected {'team': 'blue'}, got {'team': 'green'}\n"
        "  tools: expected ['read', 'search'], registered without read and also fetch\n"
        "\n"
        "Registered:\n"
        "  researcher  version 1.2.0  tools: search, fetch"
    )


def test_what_an_agent_says_does_not_act_on_a_terminal(platform):
    tools = [{"name": "a\x1b[31m"}]
    platform.seed(AgentRegistration(name="x", version="1\x1b", tools=tools))
    text = said(lambda: platform.assert_registered("x", tools=["b\x1b"]))
    assert r"registered without b\x1b and also a\x1b[31m" in text
    assert r"  x  version 1\x1b  tools: a\x1b[31m" in text
    assert "\x1b" not in text


def test_of_many_agents_the_first_are_shown(platform):
    platform.seed(*(AgentRegistration(name=f"agent-{number}", version="1") for number in range(20)))
    assert said(lambda: platform.assert_registered("x")).endswith("agent-14  version 1\n  (and 5 more)")


def test_an_agent_that_should_not_be_there_is_told(platform, agent):
    assert said(lambda: platform.assert_not_registered("researcher")).startswith(
        "An agent 'researcher' is registered.\n\nRegistered:\n  researcher"
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"modle": "x"}, "An agent has no 'modle'; what can be"),
        ({"tools": "search"}, "write a list of names, tools=['search']"),
    ],
)
def test_what_cannot_be_asserted_is_told(platform, agent, fields, says):
    with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
        platform.assert_registered("researcher", **fields)


@ams_sdk.tool
def search(query):
    return query


@ams_sdk.agent
def researcher(question):
    return question


@ams_sdk.agent(name="writer")
class Writer:
    def __call__(self, text):
        return text


def test_an_agent_and_its_tools_are_named_by_what_is_decorated(platform, agent):
    platform.assert_registered(researcher, tools=[search, "fetch"])
    platform.assert_not_registered(Writer)
    assert said(lambda: platform.assert_not_registered(researcher)).startswith("An agent 'researcher' is registered.")
    assert said(lambda: platform.assert_registered(Writer)).startswith("No agent 'writer' is registered.")
    platform.seed(AgentRegistration(name="writer", version="1"))
    platform.assert_registered(Writer, tools=[])
    assert "without search" in said(lambda: platform.assert_registered("writer", tools=[search]))


@pytest.mark.parametrize("value", [search, len, 3, None, ["researcher"]])
def test_what_is_no_agent_is_refused(platform, value):
    for ask in (platform.assert_registered, platform.assert_not_registered):
        with pytest.raises(ams_sdk.ConfigurationError, match="write an agent's name, or the function or class"):
            ask(value)


@pytest.mark.parametrize("tools", [search, 3, [researcher], [None], [["search"]]])
def test_what_are_no_tools_is_refused(platform, agent, tools):
    with pytest.raises(ams_sdk.ConfigurationError, match=r"assert_registered\(tools="):
        platform.assert_registered("researcher", tools=tools)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            {"nmae": "a"},
            "('register_agent', nmae=…): its body has no such field. Did you mean 'name'? There are: name,",
        ),
        ({"times": 0, "nmae": "a"}, "Did you mean 'name'?"),
        ({"operation": "export_traces", "name": "a"}, "it has no JSON body, and so no fields: leave out name=."),
        ({"operation": "me", "email": "a"}, "it has no JSON body"),
        ({"operation": "login", "name": "a"}, "There are: email, password."),
        ({"answered": "201"}, "write a status as a number, 201."),
        ({"answered": 20}, "write a status as a number"),
        ({"times": -1}, "write how often, 0 for never, or None for once or more."),
        ({"times": False}, "write how often"),
        ({"times": "1"}, "write how often"),
        ({"operation": "logn"}, "There is no operation 'logn'. Did you mean 'login'? There are: register, login,"),
        ({"operation": ["login"]}, "There is no operation ['login']."),
    ],
)
def test_what_no_request_can_be_is_refused(platform, asked, says):
    for ask in (platform.assert_requested, platform.expect):
        with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
            ask(**{"operation": "register_agent", **asked})


def test_requests_are_counted_by_what_they_ask_and_say(here, platform):
    for version in "12":
        here("POST", "/api/agents", json={"name": "a", "version": version}, bearer=platform.token)
    platform.assert_requested("register_agent")
    platform.assert_requested("register_agent", times=2, name="a", answered=201)
    platform.assert_requested("register_agent", times=1, version="2")
    platform.assert_requested("login", times=0)


def test_a_request_that_did_not_come_is_told_with_what_differs(here, platform):
    here("POST", "/api/agents", json={"name": "a", "version": "1"}, bearer=platform.token)
    here("POST", "/api/agents", content=b"[]", headers={"Content-Type": "application/json"}, bearer=platform.token)
    text = said(lambda: platform.assert_requested("register_agent", name="b", model="m"))
    assert text.startswith(
        "Expected 'register_agent' with name='b', model='m' to be requested once or more; it was never.\n"
        "  #1 differs:\n"
        "    name: expected 'b', got 'a'\n"
        "    model: expected 'm', not sent\n"
        "  #2 differs:\n"
        "    the body is no JSON object\n"
        "\n"
        "The platform got:\n"
        "#  status  operation       request"
    )


def test_a_request_that_came_too_often_is_told(here, platform):
    here("GET", "/health/live")
    assert said(lambda: platform.assert_requested("health_live", times=0)).startswith(
        "Expected 'health_live' to be requested never; it was once."
    )
    assert said(lambda: platform.assert_requested("health_live", times=3)).startswith(
        "Expected 'health_live' to be requested 3 times; it was once."
    )
    assert said(lambda: platform.assert_requested("login", times=1)).startswith(
        "Expected 'login' to be requested once; it was never."
    )


def test_a_long_value_is_cut_and_a_secret_is_hidden(here, platform):
    here("POST", "/api/auth/login", json={"email": "x" * 300, "password": "Tr0ub4dor-and-3"})
    text = said(lambda: platform.assert_requested("login", email="ada@example.org", password="Correct-horse-7"))
    assert "x" * 98 + "\u2026" in text
    assert "x" * 110 not in text
    assert "password: expected [redacted], got [redacted]" in text
    assert "Tr0ub4dor" not in text


def test_a_login_is_somebodys(here, platform):
    assert said(platform.assert_logged_in).startswith("Nobody has logged in.\n\nThe platform got:\n(no request)")
    body = {"email": platform.account.email, "password": "Wrong-horse-7"}
    here("POST", "/api/auth/login", json=body)
    assert said(platform.assert_logged_in).startswith("Nobody has logged in.")
    here("POST", "/api/auth/login", json=body | {"password": platform.account.password})
    platform.assert_logged_in()
    platform.assert_logged_in(platform.account)
    platform.assert_logged_in("ada@example.org")
    assert said(lambda: platform.assert_logged_in("bob@example.org")).startswith("bob@example.org has not logged in.")
