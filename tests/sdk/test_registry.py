import enum
import gc
import itertools
import time
import weakref
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pydantic
import pytest

from ams_sdk import _registry, agent, tool
from ams_sdk._decorators import definition_of
from ams_sdk._registry import Registrar, registration_of


class Depth(enum.Enum):
    SHALLOW = "shallow"


@tool
def search(query: str, limit: int = 3) -> list[str]:
    """Look something up."""
    return [query] * limit


@tool(name="second")
def other(depth: Depth, unknown, handle: "Unknown" = None):  # noqa: F821 -- the point of the test
    return depth, unknown, handle


alias = search


@agent(version="1.2.0")
async def researcher(question: str, mode: Literal["fast", "slow"] = "fast", *rest: int) -> dict[str, int]:
    """Answers questions."""
    return {question: len(mode) + sum(rest)}


def registration(function):
    return registration_of(definition_of(function))


def test_what_the_platform_is_told():
    said = registration(researcher)
    assert (said.name, said.version, said.description) == ("researcher", "1.2.0", "Answers questions.")
    assert said.input_schema == {
        "type": "object",
        "properties": {"question": {"type": "string"}, "mode": {"enum": ["fast", "slow"], "type": "string"}},
        "required": ["question"],
    }
    assert said.output_schema == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert said.sdk.startswith("ams-sdk/")


def test_the_tools_of_the_module_belong_to_its_agent_once_each():
    tools = {one.name: one for one in registration(researcher).tools}
    assert list(tools) == ["search", "second"]
    assert tools["search"].description == "Look something up."
    assert tools["search"].input_schema["properties"] == {"query": {"type": "string"}, "limit": {"type": "integer"}}
    # One annotation that cannot be read does not cost the names of the arguments.
    assert tools["second"].input_schema["required"] == ["depth", "unknown"]


def test_named_tools_are_the_only_ones():
    @agent(tools=[search])
    def focused():
        return None

    assert [one.name for one in registration(focused).tools] == ["search"]


def test_a_method_is_described_without_self():
    class Desk:
        @agent(tools=[])
        def clerk(self, form: str):
            return form

    said = registration(Desk.clerk)
    assert said.input_schema["properties"] == {"form": {"type": "string"}}
    assert said.output_schema is None


def test_what_has_no_json_form_is_left_open():
    @agent(tools=[])
    def odd(callback: SimpleNamespace) -> SimpleNamespace:
        return callback

    said = registration(odd)
    assert said.input_schema["properties"] == {"callback": {}}
    assert said.output_schema is None


def made(body, tools=()):
    scope = {"agent": agent, "tools": tools}
    exec(f"@agent(tools=tools)\ndef made():\n    return {body}\n", scope)  # noqa: S102 -- code without a source file
    return scope["made"]


def test_the_fingerprint_follows_the_code():
    first, same, different, with_tool = made(1), made(1), made(2), made(1, [search])
    prints = [registration(one).fingerprint for one in (first, same, different, with_tool)]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3
    assert registration(researcher).fingerprint == registration(researcher).fingerprint
    assert all(one.startswith("sha256:") for one in prints)


class Platform:
    """Stands for the client; what it answers is scripted."""

    def __init__(self, *answers):
        self.answers = itertools.cycle(answers)
        self.agents = self
        self.registrations = []

    def register(self, said):
        self.registrations.append(said.name)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(id=answer)


def test_the_first_run_registers_in_the_background_and_later_runs_know_the_id():
    jobs, platform, definition = [], Platform("id-1"), definition_of(researcher)
    registrar = Registrar(platform, jobs.append)
    assert [registrar.agent_started(definition) for _ in range(3)] == [None] * 3
    assert platform.registrations == []
    (job,) = jobs
    job()
    assert registrar.agent_started(definition) == "id-1"
    assert registrar.registered() == {"researcher": "id-1"}
    assert platform.registrations == ["researcher"]


def test_a_failed_registration_is_tried_again_after_a_pause(monkeypatch):
    jobs, platform, definition = [], Platform(RuntimeError("down"), "id-1"), definition_of(researcher)
    registrar = Registrar(platform, jobs.append)
    registrar.agent_started(definition)
    with pytest.raises(RuntimeError):
        jobs.pop()()
    registrar.agent_started(definition)
    assert jobs == []
    later = time.monotonic() + 31
    monkeypatch.setattr(_registry.time, "monotonic", lambda: later)
    registrar.agent_started(definition)
    jobs.pop()()
    assert registrar.agent_started(definition) == "id-1"


def test_nested_code_counts_in_the_fingerprint():
    prints = {
        registration(made(f"[x + {number} for x in range(3)] + [(lambda: {number})()]")).fingerprint
        for number in (1, 2)
    }
    assert len(prints) == 2


def test_an_agent_that_is_defined_at_each_call_is_registered_once_and_not_kept():
    jobs, platform, kept = [], Platform("id-1"), []
    registrar = Registrar(platform, jobs.append)

    def request(body):
        @agent(tools=[])
        def local():
            return body

        kept.append(weakref.ref(definition_of(local)))
        return registrar.agent_started(definition_of(local))

    assert request(object()) is None
    jobs.pop()()
    assert [request(object()) for _ in range(20)] == ["id-1"] * 20
    assert (platform.registrations, jobs) == (["local"], [])
    gc.collect()
    assert [reference() for reference in kept] == [None] * 21


def test_what_was_asked_before_a_fork_is_asked_again_after_it():
    jobs, definition = [], definition_of(researcher)
    registrar = Registrar(Platform("id-1"), jobs.append)
    registrar.agent_started(definition)
    registrar.after_fork()
    registrar.agent_started(definition)
    assert len(jobs) == 2


class Settings(pydantic.BaseModel):
    key: str = "sk-live-secret"
    other: Any = object()


def test_default_values_and_warnings_stay_here(recwarn):
    @agent(tools=[])
    def careful(settings: Settings, extra: Annotated[int, pydantic.Field(default=7)] = 7) -> Settings:
        return settings

    said = registration(careful).model_dump_json()
    assert '"key":{"title":"Key","type":"string"}' in said
    assert "secret" not in said
    assert "default" not in said
    assert [str(one.message) for one in recwarn] == []
