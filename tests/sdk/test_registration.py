import enum
import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pydantic

from ams_sdk import agent, tool
from ams_sdk._decorators import definition_of
from ams_sdk._registration import registration_of


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


def test_nested_code_counts_in_the_fingerprint():
    prints = {
        registration(made(f"[x + {number} for x in range(3)] + [(lambda: {number})()]")).fingerprint
        for number in (1, 2)
    }
    assert len(prints) == 2


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


def test_the_fingerprint_of_code_without_a_source_is_the_same_in_each_process():
    program = """
        import ams_sdk
        from ams_sdk._registration import registration_of
        from ams_sdk._decorators import definition_of
        names = {"agent": ams_sdk.agent, "__name__": "made"}
        exec("@agent\\ndef a(q):\\n    return q in {'a', 'b', 'c', 'd', 'e', 'f'}", names)
        print(registration_of(definition_of(names["a"])).fingerprint)
    """
    prints = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(prints) == 1


KEY = "sk-proj-03AbCdEfGhIjKlMnOpQrStUvWx"


class Login(pydantic.BaseModel):
    password: str = pydantic.Field(description=f"Such as {KEY}", examples=[KEY, "other"])


def test_secrets_in_descriptions_and_schemas_are_masked_and_a_schema_stays_one():
    @tool
    def log_in(login: Login, password: Annotated[str, pydantic.Field(description="Yours.")]) -> Login:
        """Logs in. In development: password=hunter2Zq9"""
        return login

    @agent(description=f"Dev key: {KEY}", tools=[log_in])
    def keeper(password: Literal["sk-proj-03AbCdEfGhIjKlMnOpQrStUvWx", "b"]) -> Login:
        return Login(password=password)

    said = registration(keeper)
    assert KEY not in said.model_dump_json()
    assert said.description == "Dev key: [redacted]"
    (told,) = said.tools
    assert told.description == "Logs in. In development: password=[redacted]"
    assert told.input_schema["properties"]["password"] == {"type": "string", "description": "Yours."}
    assert said.input_schema["properties"]["password"]["enum"] == ["[redacted]", "b"]
    assert said.output_schema["properties"]["password"]["examples"] == ["[redacted]", "other"]
