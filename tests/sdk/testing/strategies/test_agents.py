"""Agents that are drawn register, and are read back as they were."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from ams_sdk import ConfigurationError
from ams_sdk.testing import strategies
from ams_sdk.wire import AGENT_NAME_PATTERN, AgentTool

AGENTS = "/api/agents"
OF_AGENT = {"name", "description", "labels"}


def test_registrations_are_accepted_and_read_back(judge):
    account = judge.new_account()

    @settings(max_examples=judge.examples)
    @given(strategies.agent_registrations())
    def check(wanted):
        body = wanted.model_dump(mode="json")
        answer = judge.client.post(AGENTS, json=body, headers=account)
        assert answer.status_code in {200, 201}, answer.text
        agent = answer.json()
        assert {name: agent[name] for name in OF_AGENT} == {name: body[name] for name in OF_AGENT}
        revision = agent["revision"]
        assert {name: revision[name] for name in body.keys() - OF_AGENT} == {
            name: body[name] for name in body.keys() - OF_AGENT
        }
        again = judge.client.post(AGENTS, json=body, headers=account)
        assert (again.status_code, again.json()) == (200, agent)
        assert judge.client.get(f"{AGENTS}/{wanted.name}", headers=account).json() == agent

    check()


@given(strategies.agent_names())
def test_names_fit_in_a_url(name):
    assert re.fullmatch(AGENT_NAME_PATTERN, name)
    assert not name.endswith("\n")


@given(strategies.agent_registrations(tools=strategies.agent_tools(names=st.sampled_from("abc")), max_tools=3))
def test_no_two_tools_of_an_agent_have_the_same_name(wanted):
    names = [tool.name for tool in wanted.tools]
    assert len(names) == len(set(names)) <= 3
    assert set(names) <= set("abc")


@given(
    strategies.agent_registrations(names=st.just("one"), versions=st.just("2"), max_tools=0),
    strategies.agent_tools(input_schemas=st.none()),
)
def test_what_is_given_is_what_is_drawn(wanted, tool):
    assert (wanted.name, wanted.version, wanted.tools) == ("one", "2", [])
    assert tool.input_schema is None


@given(strategies.json_schemas(type=None, max_depth=3))
def test_schemas_are_schemas(schema):
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    if "required" in schema:
        assert set(schema["required"]) <= schema["properties"].keys()


@given(strategies.json_schemas(), strategies.json_schemas(type="string"), strategies.json_schemas(max_depth=0))
def test_schemas_have_the_type_and_the_depth_that_was_asked_for(of_tool, text, flat):
    assert (of_tool["type"], text["type"], flat["type"]) == ("object", "string", "object")
    assert "properties" not in flat


@given(strategies.json_schemas(max_properties=1))
def test_objects_have_so_many_properties_at_most(schema):
    assert len(schema["properties"]) <= 1


@pytest.mark.slow
def test_they_shrink_to_simple_values():
    wanted = find(strategies.agent_registrations(), lambda _: True)
    assert (wanted.name, wanted.version, wanted.tools, wanted.skills, wanted.labels) == ("researcher", "0", [], [], {})
    assert find(strategies.agent_tools(), lambda _: True) == AgentTool(name="search")
    assert find(strategies.json_schemas(type=None), lambda _: True) == {"type": "boolean"}
    assert find(strategies.json_values(), lambda _: True) is None
    skill = find(strategies.agent_skills(), lambda _: True)
    assert (skill.id, skill.name, skill.description, skill.tags) == ("search", "0", "", [])
    with_tool = find(strategies.agent_registrations(), lambda one: any(tool.input_schema for tool in one.tools))
    assert [tool.model_dump(exclude_none=True) for tool in with_tool.tools] == [
        {"name": "search", "input_schema": {"type": "object", "properties": {}}}
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: strategies.agent_registrations(max_tools=-1), r"max_tools=-1\): write a whole number that is 0 or"),
        (lambda: strategies.json_schemas(type="text"), r"type='text'\): it is one of 'string', 'integer'"),
        (lambda: strategies.json_schemas(max_depth=True), r"max_depth=True\): write a whole number"),
        (lambda: strategies.json_schemas(max_properties="3"), r"max_properties='3'\)"),
        (lambda: strategies.json_values(max_leaves=0), r"max_leaves=0\): write a whole number that is 1 or more"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        wrong()
