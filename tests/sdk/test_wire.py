import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ams_sdk import wire

REVISION = {"number": 1, "version": "1", "created_at": "2026-01-02T03:04:05Z"}
AGENT = {
    "id": "00000000-0000-4000-8000-000000000001",
    "name": "researcher",
    "status": "active",
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T03:04:05.678901Z",
    "revision": REVISION,
}


def test_an_answer_may_say_more_than_this_version_knows():
    agent = wire.Agent.model_validate(AGENT | {"mood": "cheerful"})
    assert agent.name == "researcher"
    assert not hasattr(agent, "mood")


def test_a_request_refuses_a_field_that_it_does_not_know():
    with pytest.raises(ValidationError, match="verison"):
        wire.AgentRegistration.model_validate({"name": "a", "version": "1", "verison": "2"})


def test_times_are_utc_with_z_and_must_have_a_zone():
    said = wire.Agent.model_validate(AGENT).model_dump(mode="json")
    assert (said["created_at"], said["updated_at"]) == ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678901Z")
    with pytest.raises(ValidationError, match="timezone"):
        wire.Agent.model_validate(AGENT | {"created_at": "2026-01-02T03:04:05"})


@given(st.text(max_size=140))
def test_the_names_that_an_agent_may_have(name):
    allowed = bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", name, re.ASCII))
    try:
        wire.AgentRegistration(name=name, version="1")
    except ValidationError:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("name", wire.__all__)
def test_every_public_shape_is_described(name):
    value = getattr(wire, name)
    if isinstance(value, type):
        assert value.__doc__
