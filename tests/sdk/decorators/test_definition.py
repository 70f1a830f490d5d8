import functools

import pytest

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk._decorators import AgentDefinition, ToolDefinition, definition_of


@tool
def search(query: str) -> list[str]:
    """Look something up
    on the shelf.

    At length.
    """
    return [query]


def generator():
    yield 1


def test_what_a_bare_tool_says_of_itself():
    definition = definition_of(search)
    assert isinstance(definition, ToolDefinition)
    assert (definition.name, definition.description) == ("search", "Look something up on the shelf.")
    assert definition.positional == ("query",)


def test_what_an_agent_says_of_itself():
    @agent(name="my-agent.v2", version="1.2.0", description="Finds  things.", tools=[search])
    async def found(question):
        return question

    definition = definition_of(found)
    assert isinstance(definition, AgentDefinition)
    assert (definition.name, definition.version, definition.description) == ("my-agent.v2", "1.2.0", "Finds things.")
    assert definition.tools == (definition_of(search),)


def test_defaults_of_an_agent():
    @agent
    def plain():
        return None

    definition = definition_of(plain)
    assert (definition.name, definition.version, definition.description, definition.tools) == ("plain", "0", None, None)


def test_self_is_not_an_argument():
    class Desk:
        @tool
        def look(self, where):
            return where

        @classmethod
        @tool
        def make(cls, what):
            return what

    assert definition_of(Desk.look).positional == ("where",)
    assert Desk().look("up") == "up"
    assert Desk.make("tea") == "tea"


def test_a_name_that_nobody_chose_is_made_to_fit():
    assert definition_of(tool(lambda: 1)).name == "_lambda_"

    def größe():  # noqa: PLC2401 -- the point of the test
        return 1

    assert definition_of(tool(größe)).name == "grosse"


def test_a_wrapper_of_something_without_code_can_be_decorated():
    @functools.wraps(functools.partial(search, "x"))
    def wrapped(*args):
        return args

    assert tool(wrapped)(1) == (1,)


def test_what_is_not_decorated_has_no_definition():
    assert definition_of(generator) is None
    assert definition_of(1) is None


@pytest.mark.parametrize("name", ["", "a b", ".hidden", "-x", "x" * 129, "a/b", "zürich", "a\n", 7])
@pytest.mark.parametrize("decorator", [tool, agent])
def test_a_name_that_cannot_be_used(decorator, name):
    with pytest.raises(ams_sdk.ConfigurationError, match="a name has 1 to 128"):
        decorator(name=name)(lambda: 1)


@pytest.mark.parametrize("version", ["", "x" * 129, 1, None])
def test_a_version_that_cannot_be_used(version):
    with pytest.raises(ams_sdk.ConfigurationError, match="a version is a string"):
        agent(version=version)


def test_a_tool_that_is_none():
    with pytest.raises(ams_sdk.ConfigurationError, match="generator is not a tool, put @tool above"):
        agent(tools=[generator])
    with pytest.raises(ams_sdk.ConfigurationError, match="int is not a tool"):
        agent(tools=[3])


def test_an_unknown_option_is_an_error():
    with pytest.raises(TypeError, match="verison"):
        agent(verison="1")


def test_a_function_that_claims_to_wrap_itself():
    def loop(value):
        return value

    loop.__wrapped__ = loop
    assert definition_of(tool(loop)).positional == ("value",)


def test_a_description_that_cannot_be_sent_is_mended():
    assert definition_of(tool(description="a\ud800b")(lambda: 1)).description == "a?b"
